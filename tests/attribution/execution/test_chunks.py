"""The rows that are really run, in chunks of any size."""

import helpers
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tf_salience as tfs
from tf_salience.attribution.execution.compilation import AutoJit

TABLE = np.array([[0.0, 0.0], [1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])
IDS = np.array([[1, 2, 3], [3, 1, 0]])


def product(embeddings):
    return tf.reduce_prod(1.0 + tf.reduce_sum(embeddings, axis=2), axis=1)[:, None]


def rows_of(chunk):
    """The number of rows of a chunk, the arguments of `PathGradients.integrate`."""
    _, example, _, _, _ = chunk
    return len(example)


@pytest.mark.parametrize(("max_rows", "chunks"), [("auto", 1), (1, 10), (4, 3), (100, 1)])
@pytest.mark.parametrize(
    ("baseline", "start"), [("zeros", [0.0, 0.0]), (2, TABLE[2]), ([0.25, -1.0], [0.25, -1.0])]
)
def test_rows_are_the_nodes_of_each_example_in_turn(recorded, max_rows, chunks, baseline, start):
    formula = recorded(product)
    model = helpers.formula_model(formula, TABLE)
    method = tfs.IntegratedGradients(steps=4, baseline=baseline)
    explainer = tfs.Explainer(model, method, max_rows=max_rows, trim_padding=False)
    explanation = explainer(IDS)
    # The first batches are the forward pass over the inputs, and each half of it alone.
    np.testing.assert_array_equal(formula.batches[0], TABLE[IDS])
    assert len(formula.batches) - 3 == chunks
    rows = np.concatenate(formula.batches[3:]).reshape(2, 5, 3, 2)
    for points, end in zip(rows, TABLE[IDS], strict=True):
        np.testing.assert_array_equal(points[0], np.broadcast_to(start, (3, 2)))
        np.testing.assert_allclose(points[-1], end, atol=1e-15)
        for node, point in zip(np.arange(5) / 4, points, strict=True):
            np.testing.assert_allclose(point, start + node * (end - start), atol=1e-15)
    assert explanation.evaluations.tolist() == [5, 5]


def test_evaluations_count_the_rows(recorded):
    formula = recorded(lambda x: tf.sigmoid(6.0 * tf.reduce_sum(x, axis=(1, 2)) - 9.0)[:, None])
    model = helpers.formula_model(formula, TABLE)
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(tolerance=1e-3), trim_padding=False)
    explanation = explainer(np.array([[1, 2, 3], [2, 2, 0]]))
    assert explanation.converged.all()
    assert len(set(explanation.evaluations.tolist())) == 2
    # Two more rows are forward passes alone, at the baseline.
    assert sum(map(len, formula.batches[3:])) == explanation.evaluations.sum() + 2


def test_a_rule_without_the_baseline_adds_one_forward_pass_there(recorded):
    formula = recorded(product)
    model = helpers.formula_model(formula, TABLE)
    method = tfs.IntegratedGradients(steps=4, rule="midpoint", baseline=2)
    explanation = tfs.Explainer(model, method, trim_padding=False)(IDS)
    assert explanation.evaluations.tolist() == [4, 4]
    np.testing.assert_allclose(explanation.baseline_output, (1 + TABLE[2].sum()) ** 3)
    np.testing.assert_array_equal(formula.batches[-1], np.broadcast_to(TABLE[2], (2, 3, 2)))
    assert list(map(len, formula.batches)) == [2, 1, 1, 8, 2]


def test_sums_of_a_float64_model_are_float64():
    explanation = tfs.explain(
        helpers.formula_model(product, TABLE),
        IDS,
        tfs.IntegratedGradients(steps=4, rule="gauss_legendre"),
        target=0,
    )
    # A cubic along the path: four Gauss nodes are exact, up to the rounding of float64.
    assert np.abs(explanation.convergence_delta).max() < 1e-13
    np.testing.assert_allclose(explanation.baseline_output, 1.0, atol=1e-15)


@settings(max_examples=20, deadline=None)
@given(
    max_rows=st.one_of(st.just("auto"), st.integers(1, 60)),
    batch_size=st.integers(1, 7),
    order=st.permutations(range(5)),
    padding=st.integers(0, 9),
    steps=st.sampled_from([3, 8, "auto"]),
)
def test_chunks_batches_order_and_padding_do_not_matter(
    max_rows, batch_size, order, padding, steps
):
    def formula(embeddings):
        sums = tf.reduce_sum(embeddings, axis=1, keepdims=True)
        return tf.tanh(tf.reduce_sum(tf.sin(embeddings) * sums, axis=(1, 2)))[:, None]

    table = np.random.default_rng(0).normal(size=(9, 3))
    table[0] = 0.0  # A token of zeros adds nothing to this formula, so padding is idle.
    model = helpers.formula_model(formula, table)
    ids = np.array([[1, 2, 3, 4], [5, 6, 0, 0], [7, 0, 0, 0], [8, 1, 7, 0], [2, 2, 2, 2]])
    method = tfs.IntegratedGradients(steps=steps)
    expected = tfs.Explainer(model, method, pad_id=0, trim_padding=False)(ids)
    explainer = tfs.Explainer(model, method, pad_id=0, max_rows=max_rows, batch_size=batch_size)
    explanation = explainer(np.pad(ids, [(0, 0), (0, padding)])[order])
    for number, salience in zip(order, explanation, strict=True):
        assert salience.tokens == expected[number].tokens
        np.testing.assert_allclose(salience.scores, expected[number].scores, atol=1e-7)
        assert salience.evaluations == expected[number].evaluations


@pytest.mark.parametrize(
    "target",
    [lambda outputs: outputs[:1, 0], lambda outputs: tf.reduce_sum(outputs[:, 0])[None]],
    ids=["first", "sum"],
)
def test_a_target_that_mixes_rows(target):
    """One example cannot show it; the rows of its path do."""
    model = helpers.weights_alive(helpers.sequential_lstm())
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=4), target=target)
    with pytest.raises(ValueError, match=r"`target`.*one number for each row.*Received: 1 .* 5"):
        explainer(helpers.ids(1))


def test_a_device_out_of_memory_halves_the_chunk_and_goes_on(monkeypatch):
    model = helpers.weights_alive(helpers.sequential_lstm())
    method = tfs.IntegratedGradients(steps=8)
    expected = tfs.explain(model, helpers.ids(), method).scores
    explainer = tfs.Explainer(model, method, max_rows=40, trim_padding=False)
    call = AutoJit.__call__
    sizes = []

    def limited(function, chunk):
        sizes.append(rows_of(chunk))
        if sizes[-1] > 11:
            raise tf.errors.ResourceExhaustedError(None, None, "no memory left")
        return call(function, chunk)

    monkeypatch.setattr(AutoJit, "__call__", limited)
    with pytest.warns(tfs.SmallerChunksWarning) as warned:
        scores = explainer(helpers.ids()).scores
    assert sizes == [40, 20, 10, 10, 10, 10, 10, 4]
    assert len(warned) == 1
    np.testing.assert_allclose(scores, expected, atol=3e-6 * np.abs(expected).max())
    explainer(helpers.ids())
    assert max(sizes[8:]) == 10


def test_one_row_that_does_not_fit_is_an_error(monkeypatch):
    explainer = tfs.Explainer(helpers.sequential_lstm(), max_rows=2)

    def full(function, chunk):
        raise tf.errors.ResourceExhaustedError(None, None, "no memory left")

    monkeypatch.setattr(AutoJit, "__call__", full)
    with pytest.warns(tfs.SmallerChunksWarning), pytest.raises(tf.errors.ResourceExhaustedError):
        explainer(helpers.ids())
