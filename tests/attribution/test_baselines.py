"""Baselines of all kinds, and how they fit the embeddings."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.attribution import baselines

TABLE = np.array([[0.5, 0.5], [1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])
IDS = np.array([[1, 2, 3], [3, 1, 0]])


def linear(embeddings):
    return tf.reduce_sum(embeddings * [2.0, -1.0], axis=(1, 2))[:, None]


def scores(baseline, keep_ids=(), steps=2):
    method = tfs.IntegratedGradients(steps=steps, baseline=baseline, keep_ids=keep_ids)
    return tfs.explain(helpers.formula_model(linear, TABLE), IDS, method).scores


@pytest.mark.parametrize(
    ("baseline", "start"),
    [
        ("zeros", np.zeros(2)),
        ("mean", TABLE.mean(0)),
        (2, TABLE[2]),
        ([0.25, 1.0], np.array([0.25, 1.0])),
        (np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2)),
        (np.arange(12.0).reshape(2, 3, 2), np.arange(12.0).reshape(2, 3, 2)),
        (lambda embeddings: embeddings / 2, TABLE[IDS] / 2),
    ],
    ids=helpers.printed,
)
def test_scores_are_measured_from_the_baseline(baseline, start):
    expected = (TABLE[IDS] - start) @ [2.0, -1.0]
    np.testing.assert_allclose(scores(baseline), expected, rtol=1e-6)


def test_kept_ids_stay_and_score_nothing():
    result = scores("zeros", keep_ids=[1, 0])
    kept = np.isin(IDS, [0, 1])
    assert not result[kept].any()
    np.testing.assert_allclose(result[~kept], (TABLE[IDS] @ [2.0, -1.0])[~kept], rtol=1e-6)


def test_kept_ids_need_ids():
    with pytest.raises(ValueError, match=r"`keep_ids`.*token ids.*Received: keep_ids=\[2\]"):
        baselines.compute("zeros", [2], embeddings=tf.ones((1, 3, 2)), ids=None, vector_of=None)


def test_arrays_follow_their_examples_through_batches_and_trimming():
    model = helpers.weights_alive(helpers.sequential_lstm())
    ids = helpers.ids(8, width=20)
    generator = np.random.default_rng(0)
    for shape in [(20, 8), (8, 20, 8)]:
        method = tfs.IntegratedGradients(steps=8, baseline=generator.normal(size=shape))
        expected = tfs.explain(model, ids, method, trim_padding=False).scores
        in_batches = tfs.explain(model, ids, method, batch_size=3, max_rows=5).scores
        np.testing.assert_allclose(in_batches, expected, atol=1e-5 * np.abs(expected).max())


def test_a_mean_follows_the_table():
    model = helpers.formula_model(linear, TABLE)
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=1, baseline="mean"))
    before = explainer(IDS).baseline_output
    model.layers[0].set_weights([2 * TABLE])
    np.testing.assert_allclose(explainer(IDS).baseline_output, 2 * before)


def test_a_mean_is_that_of_the_outputs_of_the_layer():
    class Scaled(layers.Embedding):
        def call(self, ids):
            return 10 * super().call(ids)

    layer = Scaled(helpers.VOCABULARY, 8)
    model = keras.Sequential(
        [layers.Input((None,), dtype="int32"), layer, layers.GlobalAveragePooling1D()]
    )
    method = tfs.IntegratedGradients(baseline="mean")
    explanation = tfs.explain(model, [[1, 2]], method, target=0)
    mean = 10 * layer.get_weights()[0].mean(axis=0)
    np.testing.assert_allclose(explanation.baseline_output, mean[0], atol=1e-6)


@pytest.mark.parametrize("baseline", [3, "mean"])
def test_a_baseline_that_the_layer_computes_adds_no_loss(baseline):
    model = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(helpers.VOCABULARY, 8, activity_regularizer="l2"),
            layers.GlobalAveragePooling1D(),
        ]
    )
    model(np.ones((1, 3), int))
    tfs.explain(model, np.ones((1, 3), int), tfs.IntegratedGradients(baseline=baseline))
    assert len(model.losses) == 1


@pytest.mark.parametrize("shape", [(3,), (2, 2), (1, 2, 2), (3, 3, 2)])
def test_arrays_that_do_not_fit(shape):
    with pytest.raises(ValueError, match=r"`baseline` array must have shape.*Received: shape"):
        scores(np.ones(shape))
