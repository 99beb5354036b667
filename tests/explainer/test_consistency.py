"""What an example is given must not depend on the examples that are run beside it."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs

IDS = np.array([[3, 4, 5, 0, 0], [8, 9, 1, 2, 3], [7, 7, 0, 0, 0]], np.int32)
METHODS = ["gradient_norm", "gradient_dot_input", "integrated_gradients"]


class Mixing(keras.Model):
    """A classifier whose pooled vectors go through a function of the whole batch."""

    def __init__(self, mix):
        super().__init__()
        self.embedding = layers.Embedding(30, 8)
        self.normalization, self.dropout = layers.BatchNormalization(), layers.Dropout(0.5)
        self.head = layers.Dense(3)
        self.mix = mix

    def call(self, ids):
        return self.head(self.mix(self, ids, ops.mean(self.embedding(ids), axis=1)))


def normalized_over_the_batch(model, ids, vectors):
    return model.normalization(vectors, training=True)


def softmax_over_the_batch(model, ids, vectors):
    return ops.softmax(vectors, axis=0)


def divided_by_the_longest(model, ids, vectors):
    lengths = ops.sum(ops.cast(ids != 0, "float32"), axis=1)
    return vectors * 5 / ops.max(lengths)


def minus_the_mean_of_the_batch(model, ids, vectors):
    return vectors - ops.mean(vectors, axis=0)


def dropped_out(model, ids, vectors):
    return model.dropout(vectors, training=True)


def with_noise(model, ids, vectors):
    return vectors + tf.random.normal(tf.shape(vectors), stddev=0.1)


def built(mix):
    model = Mixing(mix)
    model(IDS)
    return helpers.weights_alive(model)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "mix",
    [
        normalized_over_the_batch,
        softmax_over_the_batch,
        divided_by_the_longest,
        minus_the_mean_of_the_batch,
    ],
    ids=lambda mix: mix.__name__,
)
def test_outputs_that_depend_on_the_batch_are_refused(mix, method):
    with pytest.raises(ValueError, match="depend on the batch.*Make each output depend on its own"):
        tfs.explain(built(mix), IDS, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mix", [dropped_out, with_noise], ids=lambda mix: mix.__name__)
@pytest.mark.parametrize("examples", [1, 3])
def test_random_outputs_are_refused(mix, method, examples):
    with pytest.raises(ValueError, match="are random.*the `training` that the model is called"):
        tfs.explain(built(mix), IDS[:examples], method)


@pytest.mark.parametrize("method", METHODS)
def test_a_single_example_shows_it_too(method):
    with pytest.raises(ValueError, match="depend on the batch"):
        tfs.explain(built(softmax_over_the_batch), IDS[:1], method)


def test_statistics_of_the_rows_of_a_single_example_show():
    """Two copies of an example have its own mean; the rows of its path have not."""
    with pytest.raises(ValueError, match="must not depend on the other rows.*example 0"):
        tfs.explain(built(normalized_over_the_batch), IDS[:1])


def test_a_later_call_of_several_examples_is_checked_too():
    explainer = tfs.Explainer(built(divided_by_the_longest), "gradient_dot_input")
    explainer(IDS[:1])
    with pytest.raises(ValueError, match="depend on the batch"):
        explainer(IDS)


def test_normalization_dropout_and_noise_in_inference_are_no_mixture():
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(30, 8),
            layers.BatchNormalization(),
            layers.GaussianNoise(0.5),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )
    with pytest.warns(tfs.UnmaskedPaddingWarning):
        explanation = tfs.explain(helpers.weights_alive(model), IDS, pad_id=0)
    assert np.abs(explanation.convergence_delta).max() < 1e-5


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_rounding_in_half_precision_is_no_mixture(policy):
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(30, 64, dtype=policy),
            layers.LSTM(64, dtype=policy),
            layers.Dense(3, dtype=policy),
        ]
    )
    for examples in (IDS, np.repeat(IDS, 20, axis=0)):
        assert np.isfinite(tfs.explain(model, examples, "gradient_dot_input").scores).all()
