"""Which words made a classifier say what it said?

A small Keras model from strings to logits is trained on sentences such as "the soup was not good";
then it is explained with integrated gradients. What to see: the text goes in as it is, because the
model holds its `TextVectorization`; tokens that speak for the explained class are positive, those
that speak against it are negative; and each result says how exact it is.

    python examples/explain_a_classifier.py
"""

import itertools
import random

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs

CLASS_NAMES = ["negative", "positive"]
THINGS = ("film", "soup", "room", "plot", "music", "service", "coffee", "view")
DEGREES = ("", "very ", "really ", "rather ")
GOOD = ("good", "great", "lovely", "superb", "pleasant", "wonderful")
BAD = ("bad", "awful", "dull", "terrible", "poor", "dreadful")
NEGATIONS = ("", "not ", "never ")
STARTS = ("", "we thought ", "they said ", "last night ")


def sentences() -> tuple[list[str], list[int]]:
    """Short reviews and their labels; "not" turns the word after it round."""
    pairs = []
    for start, thing, negation, degree, (word, good) in itertools.product(
        STARTS, THINGS, NEGATIONS, DEGREES, [*((w, 1) for w in GOOD), *((w, 0) for w in BAD)]
    ):
        label = 1 - good if negation else good
        pairs.append((f"{start}the {thing} was {negation}{degree}{word}", label))
    random.Random(0).shuffle(pairs)
    texts, labels = zip(*pairs, strict=True)
    return list(texts), list(labels)


def trained_classifier() -> keras.Model:
    """A model from strings (batch,) to logits (batch, 2), trained in a few seconds."""
    keras.utils.set_random_seed(0)
    texts, labels = sentences()
    words = keras.layers.TextVectorization(name="words")
    words.adapt(texts)
    classifier = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            keras.layers.Embedding(words.vocabulary_size(), 16, mask_zero=True, name="embedding"),
            keras.layers.LSTM(24),
            keras.layers.Dense(2, name="logits"),
        ]
    )
    classifier.compile(
        keras.optimizers.Adam(5e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    classifier.fit(words(tf.constant(texts)), np.array(labels), batch_size=64, epochs=3, verbose=0)
    return keras.Sequential([keras.Input((), dtype="string"), words, classifier], name="reviews")


def main() -> None:
    """Trains the model and explains four sentences."""
    explainer = tfs.Explainer(trained_classifier(), class_names=CLASS_NAMES)
    explanation = explainer(
        [
            "the soup was really good",
            "the soup was not really good",
            "last night the film was never dull",
            "we thought the coffee was awful",
        ]
    )
    # In a terminal the tokens are coloured: print(salience). In a notebook the same is drawn.
    for salience in explanation:
        print(salience)
        strongest = int(np.abs(salience.scores).argmax())
        print(f"  strongest token: {salience.tokens[strongest]}\n")


if __name__ == "__main__":
    main()
