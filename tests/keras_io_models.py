"""Models in the shapes of keras.io's NLP examples, built in small from what the examples are."""

import helpers
import keras
from keras_io_classifiers import CLASSIFIERS
from keras_io_pairs import PAIRS
from keras_io_sequences import SEQUENCES

CASES = CLASSIFIERS | SEQUENCES | PAIRS


def build(name: str) -> keras.Model:
    """The model of a case, with random weights that make it far from linear."""
    keras.utils.set_random_seed(3)
    return helpers.weights_alive(CASES[name].build(), CASES[name].scale)
