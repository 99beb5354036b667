import helpers
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs

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
)
def test_of_a_linear_form(baseline, start):
    expected = (TABLE[IDS] - start) @ [2.0, -1.0]
    np.testing.assert_allclose(scores(baseline), expected, rtol=1e-6)


def test_kept_ids_stay_and_score_nothing():
    found = scores("zeros", keep_ids=[1, 0])
    kept = np.isin(IDS, [0, 1])
    assert not found[kept].any()
    np.testing.assert_allclose(found[~kept], (TABLE[IDS] @ [2.0, -1.0])[~kept], rtol=1e-6)


def test_arrays_follow_their_examples_through_batches_and_trimming():
    model = helpers.weights_alive(helpers.sequential_lstm())
    ids = helpers.ids(8, width=20)
    generator = np.random.default_rng(0)
    for shape in [(20, 8), (8, 20, 8)]:
        method = tfs.IntegratedGradients(steps=8, baseline=generator.normal(size=shape))
        whole = tfs.explain(model, ids, method, trim_padding=False).scores
        parts = tfs.explain(model, ids, method, batch_size=3, max_rows=5).scores
        np.testing.assert_allclose(parts, whole, atol=1e-5 * np.abs(whole).max())
        mask = ids != 0
        np.testing.assert_allclose(parts[mask], whole[mask], atol=1e-5 * np.abs(whole).max())


def test_mean_follows_the_table():
    model = helpers.formula_model(linear, TABLE)
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=1, baseline="mean"))
    before = explainer(IDS).baseline_output
    model.layers[0].set_weights([2 * TABLE])
    np.testing.assert_allclose(explainer(IDS).baseline_output, 2 * before)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (1, 2, 2), (3, 3, 2)])
def test_arrays_that_do_not_fit(shape):
    with pytest.raises(ValueError, match=r"`baseline` array must have shape"):
        scores(np.ones(shape))
