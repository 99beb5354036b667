"""Rows: points on the line from baseline to input, gradients there, and sums of scores."""

import types

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.attribution import methods
from tf_salience.attribution.path import PathGradients, PathInputs

TABLE = np.array([[0.0, 0.0], [1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])
IDS = np.array([[1, 2, 3], [3, 1, 0]])
#: Rows in no order, of both examples.
EXAMPLE = np.array([1, 0, 1, 1], np.int32)
NODES = np.array([0.0, 0.25, 1.0, 0.5])
WEIGHTS = np.array([[1.0, 0.0], [0.5, 2.0], [0.25, 0.0], [0.125, 1.0]])
ONES = np.ones(4, np.float32)


class LookupModel:
    """An `EmbeddingModel` of one table for all inputs, and a formula of the embeddings."""

    uses_float16 = False

    def __init__(self, formula, dtype="float64"):
        self._formula = formula
        self._table = tf.constant(TABLE, dtype)
        self.points = []

    def run_with(self, inputs, vectorized, replacement):
        layer = types.SimpleNamespace(name="words")
        self.points = [
            replacement(layer, tf.gather(self._table, ids)) for ids in tf.nest.flatten(inputs)
        ]
        return self._formula(*self.points)[:, None]

    def check_graph(self):
        """Nothing to check: it holds no state."""


def path_gradients(formula, reduction=methods.dot, dtype="float64"):
    model = LookupModel(formula, dtype)
    return model, PathGradients(model, lambda outputs, _: outputs[:, 0], reduction)


def path_inputs(*ids, baseline=0.0):
    return PathInputs(
        nest=ids,
        vectorized=(),
        target_indices=np.zeros((2, 1), np.int32),
        baselines=tuple(np.full((1, 1, 2), baseline) for _ in ids),
    )


def squares(embeddings):
    return tf.reduce_sum(embeddings**2, axis=(1, 2))


def test_rows_lie_on_the_line_and_add_up_by_example():
    model, gradients = path_gradients(squares)
    sums, targets, finite, _ = gradients.integrate(
        path_inputs(IDS, baseline=0.5), EXAMPLE, NODES, WEIGHTS, ONES
    )
    difference = TABLE[IDS][EXAMPLE] - 0.5
    points = 0.5 + NODES[:, None, None] * difference
    np.testing.assert_allclose(model.points[0], points, atol=1e-15)
    np.testing.assert_allclose(targets, (points**2).sum(axis=(1, 2)))
    scores = (2 * points * difference).sum(axis=-1)
    expected = np.zeros((2, 2, 3))
    for row, example in enumerate(EXAMPLE):
        expected[example] += WEIGHTS[row][:, None] * scores[row]
    np.testing.assert_allclose(sums, expected)
    assert finite.numpy().all()


def test_every_example_may_have_its_own_baseline():
    baseline = np.arange(12.0).reshape(2, 3, 2)
    model, gradients = path_gradients(squares)
    inputs = path_inputs(IDS)._replace(baselines=(baseline,))
    gradients.integrate(inputs, EXAMPLE, np.zeros(4), WEIGHTS, ONES)
    np.testing.assert_array_equal(model.points[0], baseline[EXAMPLE])


def test_segments_are_side_by_side():
    _, gradients = path_gradients(lambda first, second: squares(first) + 3 * squares(second))
    inputs = path_inputs(IDS, IDS[:, :2])
    sums = gradients.integrate(inputs, EXAMPLE, NODES, WEIGHTS, ONES).sums
    assert sums.shape == (2, 2, 5)
    np.testing.assert_allclose(sums[:, :, 3:], 3 * sums[:, :, :2])


def test_a_row_that_is_not_finite_is_reported_and_reaches_no_sum():
    # The square root has an infinite gradient at 0, where two rows are.
    _, gradients = path_gradients(lambda embeddings: tf.sqrt(squares(embeddings)))
    nodes = np.array([0.0, 0.5, 1.0, 0.0])
    sums, _, finite, _ = gradients.integrate(path_inputs(IDS), EXAMPLE, nodes, WEIGHTS, ONES)
    assert finite.numpy().tolist() == [False, True, True, False]
    assert np.isfinite(sums).all()
    assert np.abs(sums).sum(axis=(1, 2)).all()


def test_a_layer_without_gradient_is_named():
    _, gradients = path_gradients(lambda embeddings: tf.stop_gradient(squares(embeddings)))
    with pytest.raises(ValueError, match="no gradient.*layer 'words'.*Received"):
        gradients.integrate(path_inputs(IDS), EXAMPLE, NODES, WEIGHTS, ONES)


def test_targets_without_gradients():
    inputs = path_inputs(IDS, baseline=0.5)
    _, gradients = path_gradients(squares)
    expected = gradients.integrate(inputs, EXAMPLE, NODES, WEIGHTS, ONES).targets
    _, rounded = path_gradients(lambda embeddings: tf.stop_gradient(squares(embeddings)))
    np.testing.assert_array_equal(rounded.target_at(inputs, EXAMPLE, NODES), expected)


def test_targets_with_other_embeddings():
    _, gradients = path_gradients(squares)
    embeddings = np.arange(12.0).reshape(2, 3, 2)
    targets = gradients.target_with(path_inputs(IDS), [embeddings])
    np.testing.assert_allclose(targets, (embeddings**2).sum(axis=(1, 2)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_a_model_in_lower_precision_is_run_in_it_and_reduced_in_float32(dtype):
    dtypes = []

    def reduction(gradient, difference):
        dtypes.extend([gradient.dtype, difference.dtype])
        return methods.dot(gradient, difference)

    model, gradients = path_gradients(squares, reduction, dtype)
    sums, targets, _, _ = gradients.integrate(path_inputs(IDS), EXAMPLE, NODES, WEIGHTS, ONES)
    assert model.points[0].dtype == dtype
    assert {*dtypes, sums.dtype, targets.dtype} == {tf.float32}


def test_some_examples_of_the_inputs():
    own = np.arange(12.0).reshape(2, 3, 2)
    inputs = PathInputs(
        nest={"ids": IDS},
        vectorized=(IDS + 1,),
        target_indices=np.array([[5], [7]]),
        baselines=(own, np.zeros((1, 1, 2))),
    ).take(np.array([1, 1, 0]))
    np.testing.assert_array_equal(inputs.nest["ids"], IDS[[1, 1, 0]])
    np.testing.assert_array_equal(inputs.vectorized[0], IDS[[1, 1, 0]] + 1)
    assert inputs.target_indices.tolist() == [[7], [7], [5]]
    np.testing.assert_array_equal(inputs.baselines[0], own[[1, 1, 0]])
    assert inputs.baselines[1].shape == (1, 1, 2)


def test_two_segments_share_the_change():
    """F = (Σ premise) (Σ hypothesis): each segment has half of the change from zero."""
    premise = keras.Input((None,), dtype="int32", name="premise")
    hypothesis = keras.Input((None,), dtype="int32", name="hypothesis")
    embed = keras.layers.Embedding(4, 2, dtype="float64")
    formula = helpers.Formula(
        lambda pair: (tf.reduce_sum(pair[0], (1, 2)) * tf.reduce_sum(pair[1], (1, 2)))[:, None],
        dtype="float64",
    )
    model = keras.Model([premise, hypothesis], formula([embed(premise), embed(hypothesis)]))
    embed.set_weights([TABLE])
    explanation = tfs.explain(model, (IDS, IDS[::-1]), tfs.IntegratedGradients(steps=2))
    # Keras may run the hypothesis first; a reader has the order of the model's inputs.
    assert list(explanation.segments) == ["premise", "hypothesis"]
    assert explanation[0].tokens == ["1", "2", "3", "3", "1", "0"]
    change = TABLE[IDS].sum((1, 2)) * TABLE[IDS[::-1]].sum((1, 2))
    for columns in explanation.segments.values():
        sums = explanation.scores[:, columns].sum(1)
        np.testing.assert_allclose(sums, change / 2, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_gives_nearly_the_scores_of_float32(policy):
    keras.utils.set_random_seed(0)
    model = helpers.weights_alive(helpers.sequential_lstm(), scale=0.4)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        mixed = helpers.sequential_lstm()
    finally:
        keras.config.set_dtype_policy(before)
    mixed.set_weights(model.get_weights())
    method = tfs.IntegratedGradients(steps=16)
    expected = tfs.explain(model, helpers.ids(), method, target=0).scores
    scores = tfs.explain(mixed, helpers.ids(), method, target=0).scores
    assert scores.dtype == np.float32
    error = np.abs(scores - expected).sum(1) / np.abs(expected).sum(1)
    assert error.max() < 2e-2
