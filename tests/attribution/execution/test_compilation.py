"""XLA where it pays."""

import warnings

import helpers
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.attribution.execution import tiers
from tf_salience.attribution.execution.tiers import AutoJit


def square(array):
    return tf.reduce_sum(tf.square(array), axis=-1)


def looped(array):
    return tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, x + array), [0, array])[1]


def words(array):
    return tf.strings.length(array)


def stages(tiered):
    return [record.stage for record in tiered._records.values()]


@pytest.fixture
def at_once(monkeypatch):
    """Every shape has earned its compiling after its first call."""
    monkeypatch.setattr(tiers, "_EARNED", 0.0)


def test_a_shape_is_a_plain_graph_until_it_has_earned_compiling():
    tiered = AutoJit(square, jit_compile="auto", name="model")
    for _ in range(5):
        np.testing.assert_array_equal(tiered(np.full((3, 2), 2.0)), np.full(3, 8.0))
    assert stages(tiered) == ["earning"]
    assert tiered.traces == 1


@pytest.mark.parametrize(
    ("seconds", "stage"), [([9, 2, 1, 2, 1, 2], "xla"), ([9, 2, 3, 2, 3, 2], "plain")]
)
def test_the_faster_one_stays(at_once, monkeypatch, seconds, stage):
    tiered = AutoJit(square, jit_compile="auto", name="model")
    tiered(np.ones((3, 2)))
    (record,) = tiered._records.values()
    times, note, tried = iter(seconds), tiers._Record.note, []
    monkeypatch.setattr(
        tiers._Record,
        "note",
        lambda record, _: (tried.append(record.by_xla), note(record, next(times, 0.0))),
    )
    for _ in range(9):
        np.testing.assert_array_equal(tiered(np.full((3, 2), 2.0)), np.full(3, 8.0))
    assert tried == [True, False] * 3 + [stage == "xla"] * 3
    assert record.stage == stage
    assert tiered.traces == 2


def test_each_number_of_rows_earns_its_own(at_once):
    tiered = AutoJit(square, jit_compile="auto", name="model")
    for rows in (2, 3, 2, 4):
        tiered(np.ones((rows, 2)))
    assert stages(tiered) == ["trying", "earning", "earning"]


@pytest.mark.parametrize(
    ("function", "array"), [(looped, np.ones(3)), (words, np.array(["a", "bc"]))]
)
def test_loops_and_strings_are_not_tried(at_once, function, array):
    tiered = AutoJit(function, jit_compile="auto", name="model")
    expected = tiered(array)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            np.testing.assert_array_equal(tiered(array), expected)
    assert stages(tiered) == ["plain"]
    assert tiered.traces == 1


def test_what_xla_cannot_compile_is_one_warning_and_the_same_numbers(at_once):
    def unsupported(array):
        return tf.numpy_function(lambda x: 2 * x, [array], tf.float64)

    tiered = AutoJit(unsupported, jit_compile="auto", name="model")
    tiered(np.ones(3))
    with pytest.warns(tfs.NotCompiledWarning, match="XLA could not compile the model 'model'"):
        np.testing.assert_array_equal(tiered(np.ones(3)), 2 * np.ones(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            np.testing.assert_array_equal(tiered(np.ones(3)), 2 * np.ones(3))


def test_an_explainer_gives_the_same_numbers_on_either_side(monkeypatch):
    model = helpers.weights_alive(helpers.functional_with_mask())
    inputs = (helpers.ids(), (helpers.ids() != 0).astype("int32"))
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=8), max_rows=9)
    plain = explainer(inputs).scores
    assert set(stages(explainer._engine._integrate)) == {"earning"}
    monkeypatch.setattr(tiers, "_EARNED", 0.0)
    for _ in range(3):
        found = explainer(inputs).scores
        np.testing.assert_allclose(found, plain, atol=1e-5 * np.abs(plain).max())
    assert explainer._engine.traces == 2
    assert not set(stages(explainer._engine._integrate)) & {"earning"}


def test_few_numbers_of_rows_under_xla():
    """XLA compiles each number anew; the rows that fill a chunk up change nothing."""
    always, never = (AutoJit(square, jit_compile=jit, name="model") for jit in (True, False))
    filled = [always.filled(rows) for rows in range(1, 14)]
    assert filled == [1, 2, 3, 4, 6, 6, 8, 8, 12, 12, 12, 12, 16]
    assert [never.filled(rows) for rows in (5, 13)] == [5, 13]
    model = helpers.weights_alive(helpers.functional_with_mask())
    inputs = (helpers.ids(), (helpers.ids() != 0).astype("int32"))
    method = tfs.IntegratedGradients(steps=6)
    found = tfs.explain(model, inputs, method, jit_compile=True, max_rows=11)
    plain = tfs.explain(model, inputs, method, jit_compile=False)
    scale = np.abs(plain.scores).max()
    np.testing.assert_allclose(found.scores, plain.scores, atol=1e-5 * scale)
    np.testing.assert_allclose(found.baseline_output, plain.baseline_output, rtol=1e-5)
