"""Weights are randomised on a copy, and a method that does not notice is named."""

import helpers
import keras
import model_checks
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs

IDS = helpers.ids(6, seed=3)


class Positions:
    """Scores that fall from token to token, whatever the model is."""

    follows_path, baseline, keep_ids = False, "zeros", ()

    def reduction(self, gradient, difference):
        tokens = tf.shape(gradient)[1]
        falling = -tf.cast(tf.range(tokens), gradient.dtype)
        # None on padding, whose gradient is zero.
        return tf.where(tf.reduce_any(gradient != 0, axis=-1), falling, 0.0)

    def __call__(self, path):
        return tfs.GradientDotInput.__call__(self, path)

    def get_config(self):
        return {}


@pytest.fixture(scope="module")
def evaluation(model):
    explainers = {
        "positions": tfs.Explainer(model, Positions()),
        "occlusion": tfs.Explainer(model, "occlusion"),
    }
    with model_checks.unchanged(model, tf.constant(IDS)):
        return tfs.evaluate(explainers, IDS, randomization=6)


def test_a_method_that_does_not_notice_is_named(evaluation):
    assert evaluation.unnoticing == ["positions"]
    np.testing.assert_allclose(evaluation.sanity["positions"]["cascading"], 1.0)
    assert "positions did not notice that all weights are random" in str(evaluation)


def test_layers_go_from_the_output_to_the_embedding(evaluation):
    assert [name.split("_")[0] for name in evaluation.layers] == ["dense", "lstm", "embedding"]
    correlations = evaluation.sanity["occlusion"]
    assert correlations["cascading"].shape == correlations["independent"].shape == (3,)
    # The first stage is the same for both; later ones are random in more than one layer.
    assert correlations["cascading"][-1] < 0.5


class Uncopied(keras.Model):
    """A model that cannot be made from its config."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding
        self.head = keras.layers.Dense(2)

    def call(self, ids):
        return self.head(tf.reduce_sum(self.embedding(ids), axis=1))

    def get_config(self):
        raise NotImplementedError("no config")


def test_a_model_that_cannot_be_copied():
    model = Uncopied(keras.layers.Embedding(helpers.VOCABULARY, 3))
    model(IDS)
    with pytest.raises(ValueError, match=r"`randomization` needs a copy.*It said: no config"):
        tfs.evaluate(tfs.Explainer(model, "gradient_norm"), IDS, randomization=2)


def test_the_words_of_an_adapted_model_are_copied():
    texts = ["the soup was good", "the film was bad"]
    words = keras.layers.TextVectorization()
    words.adapt(texts)
    model = keras.Sequential(
        [
            keras.layers.Input((), dtype="string"),
            words,
            keras.layers.Embedding(words.vocabulary_size(), 4, mask_zero=True),
            keras.layers.GRU(4),
            keras.layers.Dense(2),
        ]
    )
    evaluation = tfs.evaluate(tfs.Explainer(model, "occlusion"), texts, randomization=2)
    assert evaluation.sanity["occlusion"]["cascading"].shape == (3,)
