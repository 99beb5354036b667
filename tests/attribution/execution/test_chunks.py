"""The engine: rows, chunks, the path that is really run."""

import threading
import warnings

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tf_salience as tfs
from tf_salience.attribution.execution.compilation import TracedFunction
from tf_salience.attribution.execution.tiers import AutoJit

TABLE = np.array([[0.0, 0.0], [1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])
IDS = np.array([[1, 2, 3], [3, 1, 0]])


class Recorder:
    """A formula that notes every batch of embeddings it is run on."""

    def __init__(self, formula):
        self.formula, self.batches = formula, []

    def __call__(self, embeddings):
        noted = tf.numpy_function(self.batches.append, [embeddings], [])
        with tf.control_dependencies([noted]):
            return self.formula(tf.identity(embeddings))


def product(embeddings):
    return tf.reduce_prod(1.0 + tf.reduce_sum(embeddings, axis=2), axis=1)[:, None]


@pytest.mark.parametrize("max_rows", ["auto", 1, 4, 100])
@pytest.mark.parametrize("baseline", ["zeros", 2, [0.25, -1.0]])
def test_every_point_of_the_path_lies_on_the_line(max_rows, baseline):
    recorder = Recorder(product)
    model = helpers.formula_model(recorder, TABLE)
    method = tfs.IntegratedGradients(steps=4, baseline=baseline)
    explainer = tfs.Explainer(model, method, max_rows=max_rows, trim_padding=False)
    explanation = explainer(IDS)
    recorded = np.concatenate(recorder.batches)
    # One plain pass first; then the rows, example by example, node by node.
    np.testing.assert_array_equal(recorded[:2], TABLE[IDS])
    rows = recorded[2:].reshape(2, 5, 3, 2)
    start = {"zeros": np.zeros(2), "2": TABLE[2]}.get(str(baseline), np.array([0.25, -1.0]))
    for points, end in zip(rows, TABLE[IDS], strict=True):
        np.testing.assert_array_equal(points[0], np.broadcast_to(start, (3, 2)))
        np.testing.assert_allclose(points[-1], end, atol=1e-15)
        for node, point in zip(np.arange(5) / 4, points, strict=True):
            np.testing.assert_allclose(point, start + node * (end - start), atol=1e-15)
    assert explanation.evaluations.tolist() == [5, 5]
    assert len(recorder.batches) - 1 == {"auto": 1, 1: 10, 4: 3, 100: 1}[max_rows]


def test_evaluations_count_what_was_really_run():
    def steep(embeddings):
        return tf.sigmoid(6.0 * tf.reduce_sum(embeddings, axis=(1, 2)) - 9.0)[:, None]

    recorder = Recorder(steep)
    model = helpers.formula_model(recorder, TABLE)
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(tolerance=1e-3), trim_padding=False)
    explanation = explainer(np.array([[1, 2, 3], [2, 2, 0]]))
    assert explanation.converged.all()
    assert len(set(explanation.evaluations.tolist())) == 2
    assert sum(len(batch) for batch in recorder.batches[1:]) == explanation.evaluations.sum()


def test_a_rule_without_the_baseline_evaluates_it_by_a_forward_pass_alone():
    recorder = Recorder(product)
    model = helpers.formula_model(recorder, TABLE)
    method = tfs.IntegratedGradients(steps=4, rule="midpoint", baseline=2)
    explanation = tfs.Explainer(model, method, trim_padding=False)(IDS)
    assert explanation.evaluations.tolist() == [4, 4]
    np.testing.assert_allclose(explanation.baseline_output, (1 + TABLE[2].sum()) ** 3)
    np.testing.assert_array_equal(recorder.batches[-1], np.broadcast_to(TABLE[2], (2, 3, 2)))


def test_sums_are_kept_in_float64_for_a_float64_model():
    explanation = tfs.explain(
        helpers.formula_model(product, TABLE),
        IDS,
        tfs.IntegratedGradients(steps=4, rule="gauss_legendre"),
        target=0,
    )
    # A cubic along the path: four Gauss nodes are exact, but for float64's rounding.
    assert np.abs(explanation.convergence_delta).max() < 1e-13
    np.testing.assert_allclose(explanation.baseline_output, 1.0, atol=1e-15)


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
    for part in explanation.segments.values():
        np.testing.assert_allclose(explanation.scores[:, part].sum(1), change / 2, rtol=1e-6)


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
    table = np.random.default_rng(0).normal(size=(9, 3))
    table[0] = 0.0  # what is 0 adds nothing to this formula: padding is masked
    model = helpers.formula_model(
        lambda x: tf.tanh(tf.reduce_sum(tf.sin(x) * tf.reduce_sum(x, 1, keepdims=True), (1, 2)))[
            :, None
        ],
        table,
    )
    ids = np.array([[1, 2, 3, 4], [5, 6, 0, 0], [7, 0, 0, 0], [8, 1, 7, 0], [2, 2, 2, 2]])
    method = tfs.IntegratedGradients(steps=steps)
    expected = tfs.Explainer(model, method, pad_id=0, trim_padding=False)(ids)
    explainer = tfs.Explainer(model, method, pad_id=0, max_rows=max_rows, batch_size=batch_size)
    found = explainer(np.pad(ids, [(0, 0), (0, padding)])[order])
    for number, salience in zip(order, found, strict=True):
        assert salience.tokens == expected[number].tokens
        np.testing.assert_allclose(salience.scores, expected[number].scores, atol=1e-7)
        assert salience.evaluations == expected[number].evaluations


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_sums_in_float32(policy):
    keras.utils.set_random_seed(0)
    full = helpers.weights_alive(helpers.sequential_lstm(), scale=0.4)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        half = helpers.sequential_lstm()
    finally:
        keras.config.set_dtype_policy(before)
    half.set_weights(full.get_weights())
    method = tfs.IntegratedGradients(steps=16)
    expected = tfs.explain(full, helpers.ids(), method, target=0).scores
    found = tfs.explain(half, helpers.ids(), method, target=0)
    assert found.scores.dtype == np.float32
    error = np.abs(found.scores - expected).sum(1) / np.abs(expected).sum(1)
    assert error.max() < 2e-2


@pytest.mark.parametrize("method", ["gradient_norm", tfs.IntegratedGradients(steps=8)])
def test_xla_gives_the_same(method):
    model = helpers.weights_alive(helpers.functional_with_mask())
    inputs = (helpers.ids(), (helpers.ids() != 0).astype("int32"))
    plain = tfs.explain(model, inputs, method, jit_compile=False).scores
    compiled = tfs.explain(model, inputs, method, jit_compile=True).scores
    np.testing.assert_allclose(compiled, plain, atol=1e-5 * np.abs(plain).max())


def test_a_device_out_of_memory_halves_the_chunk_and_goes_on(monkeypatch):
    model = helpers.weights_alive(helpers.sequential_lstm())
    method = tfs.IntegratedGradients(steps=8)
    expected = tfs.explain(model, helpers.ids(), method).scores
    explainer = tfs.Explainer(model, method, max_rows=40, trim_padding=False)
    really = AutoJit.__call__
    asked = []

    def tight(tiered, piece):
        asked.append(len(piece[1]))
        if asked[-1] > 11:
            raise tf.errors.ResourceExhaustedError(None, None, "no memory left")
        return really(tiered, piece)

    monkeypatch.setattr(AutoJit, "__call__", tight)
    with pytest.warns(
        tfs.SmallerChunksWarning, match="with 40 rows of 10 tokens.*max_rows=20"
    ) as said:
        found = explainer(helpers.ids()).scores
    assert asked == [40, 20, 10, 10, 10, 10, 10, 4]
    assert len(said) == 1
    np.testing.assert_allclose(found, expected, atol=3e-6 * np.abs(expected).max())
    explainer(helpers.ids())
    assert max(asked[8:]) == 10


def test_one_row_that_does_not_fit_is_an_error(monkeypatch):
    explainer = tfs.Explainer(helpers.sequential_lstm(), max_rows=2)

    def full(tiered, piece):
        raise tf.errors.ResourceExhaustedError(None, None, "no memory left")

    monkeypatch.setattr(AutoJit, "__call__", full)
    with pytest.warns(tfs.SmallerChunksWarning), pytest.raises(tf.errors.ResourceExhaustedError):
        explainer(helpers.ids())


def test_what_xla_cannot_compile_is_run_without():
    """Strings are nothing to XLA."""
    model = helpers.weights_alive(helpers.text_model())
    expected = tfs.explain(model, helpers.texts(), "gradient_norm", jit_compile=False).scores
    explainer = tfs.Explainer(model, "gradient_norm", jit_compile=True)
    with pytest.warns(tfs.NotCompiledWarning, match="XLA could not compile.*jit_compile=False"):
        found = explainer(helpers.texts()).scores
    np.testing.assert_array_equal(found, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer(helpers.texts())


def test_automatic_chunks_are_smaller_for_a_larger_model():
    def rows(dim, blocks):
        inputs = keras.Input((None,), dtype="int32")
        hidden = keras.layers.Embedding(9, dim)(inputs)
        for _ in range(blocks):
            hidden = helpers.block(hidden, dim=dim)
        pooled = keras.layers.GlobalAveragePooling1D()(hidden)
        model = keras.Model(inputs, keras.layers.Dense(2)(pooled))
        explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=2))

        class Seen(Exception):
            """The first call is known; running it would take long."""

        def run(pieces):
            raise Seen(len(pieces[0][1]))

        explainer._engine._run = run
        with pytest.raises(Seen) as seen:
            explainer(np.ones((40, 256), int))
        return seen.value.args[0]

    assert rows(8, 1) == 32  # 8,192 tokens
    assert 1 <= rows(512, 6) < 8


def test_few_traces_for_many_lengths():
    model = helpers.sequential_lstm()
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=2))
    ids = np.ones((128, 128), np.int32)
    ids[np.arange(128) >= np.arange(1, 129)[:, None]] = 0
    explainer(ids)
    assert explainer._engine.traces <= 8
    before = explainer._engine.traces
    explainer(ids[::3])
    explainer(ids[5:90])
    assert explainer._engine.traces == before


def test_compiled_leaves_the_batch_axis_open_and_keeps_the_others():
    shapes = []

    def function(array):
        shapes.append(tuple(array.shape))
        return tf.reduce_sum(array, axis=0)

    compiled = TracedFunction(function)
    for batch in (3, 1, 7):
        compiled(np.ones((batch, 4), np.int32))
    compiled(np.ones((3, 5), np.int32))
    assert shapes == [(None, 4), (None, 5)]
    assert compiled.traces == 2


def test_threads_whose_graphs_add_up_large_gradients():
    """TensorFlow's temporary variables for such sums have no owner: two runs must not meet."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64,), dtype="int32")
    hidden = keras.layers.Embedding(50, 128)(inputs)
    for _ in range(2):
        hidden = helpers.block(hidden, heads=4, dim=128)
    pooled = keras.layers.GlobalAveragePooling1D()(hidden)
    model = keras.Model(inputs, keras.layers.Dense(2)(pooled))
    ids = np.random.default_rng(0).integers(1, 50, (8, 64)).astype(np.int32)
    method = tfs.IntegratedGradients(steps=15)
    shared = tfs.Explainer(model, method, jit_compile=False)
    expected, found = shared(ids).scores, []

    def work(explainer):
        found.extend(explainer(ids).scores for _ in range(4))

    own = tfs.Explainer(model, method, jit_compile=False)
    threads = [threading.Thread(target=work, args=(each,)) for each in (shared, shared, own)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    for scores in found:
        np.testing.assert_allclose(scores, expected, atol=1e-6 * np.abs(expected).max())
