import helpers
import keras
import numpy as np
import pytest
from keras import layers

import tf_salience as tfs


@pytest.fixture(scope="session")
def model():
    """An LSTM with logits of three classes, far from linear."""
    keras.utils.set_random_seed(0)
    return helpers.weights_alive(helpers.sequential_lstm(), 0.5)


@pytest.fixture(scope="session")
def explainers(model):
    return [tfs.Explainer(model, name) for name in ("gradient_dot_input", "occlusion")]


@pytest.fixture(scope="session")
def word_model():
    """A model of strings, of whose words "good" and "bad" decide."""
    words = layers.TextVectorization(vocabulary=["the", "soup", "was", "good", "bad", "not"])
    model = keras.Sequential(
        [
            layers.Input((), dtype="string"),
            words,
            layers.Embedding(8, 2, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )
    table = np.zeros((8, 2), np.float32)
    table[5], table[6] = [3.0, 0.0], [0.0, 3.0]
    model.layers[1].set_weights([table])
    model.layers[-1].set_weights([np.array([[-2.0, 2.0], [2.0, -2.0]]), np.zeros(2)])
    return model
