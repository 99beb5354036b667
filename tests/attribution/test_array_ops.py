"""The operations on numpy arrays and those on tensors give the same arrays."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tf_salience.attribution import array_ops

SIGNED = np.array([[1.5, -2.0, 0.0], [-0.25, 4.0, 3.0]])
SUMS = np.arange(24.0).reshape(4, 3, 2)
LEVEL = np.array([2, 0, 1, 2])


def results(name, *arguments, **keywords):
    """Returns what numpy gives, and what TensorFlow gives inside a graph.

    Args:
        name: of the operation.
        *arguments: those of numpy; arrays become tensors for TensorFlow.
        **keywords: the same for both.
    """
    numpy_ops, tensor_ops = array_ops.of(np.zeros(1)), array_ops.of(tf.zeros(1))
    traced = tf.function(functools.partial(getattr(tensor_ops, name), **keywords), autograph=False)

    def converted(convert):
        return [convert(value) if isinstance(value, np.ndarray) else value for value in arguments]

    # Copies, since `add_at` and `set_at` may change a numpy array in place.
    result = getattr(numpy_ops, name)(*converted(np.copy), **keywords)
    return result, traced(*converted(tf.constant))


def public_names(ops):
    return {name for name in dir(ops) if not name.startswith("_")}


def test_both_kinds_have_the_same_operations():
    assert public_names(array_ops.of(np.zeros(1))) == public_names(array_ops.of(tf.zeros(1)))


def test_a_tensor_of_a_graph_has_the_operations_of_tensors():
    @tf.function(autograph=False)
    def traced(tensor):
        return array_ops.of(tensor).abs(tensor)

    assert traced(tf.constant([-2.0])).numpy().tolist() == [2.0]


@pytest.mark.parametrize(
    ("name", "arguments", "keywords", "expected"),
    [
        ("abs", [SIGNED], {}, [[1.5, 2.0, 0.0], [0.25, 4.0, 3.0]]),
        ("sqrt", [np.array([0.0, 2.25, 9.0])], {}, [0.0, 1.5, 3.0]),
        ("maximum", [SIGNED[0], SIGNED[1]], {}, [1.5, 4.0, 3.0]),
        ("minimum", [SIGNED[0], SIGNED[1]], {}, [-0.25, -2.0, 0.0]),
        ("max_by_group", [SIGNED[1], np.array([2, 0, 2])], {}, [3.0, 4.0, 3.0]),
        ("where", [SIGNED > 0, SIGNED, 0 * SIGNED], {}, [[1.5, 0.0, 0.0], [0.0, 4.0, 3.0]]),
        ("shape", [SIGNED], {}, [2, 3]),
        ("concat", [[SIGNED[:, :1], SIGNED[:, 1:]]], {"axis": 1}, SIGNED),
        ("sum", [SIGNED], {"axis": 1}, [-0.5, 6.75]),
        ("sum", [SUMS], {"axis": -1}, SUMS[..., 0] + SUMS[..., 1]),
        ("take", [np.array([5, 9, 17]), LEVEL], {}, [17, 5, 9, 17]),
        ("arange", [4], {}, [0, 1, 2, 3]),
        ("full", [3, 7], {}, [7, 7, 7]),
        ("nonzero", [np.array([False, True, True, False])], {}, [1, 2]),
        ("nonzero", [np.zeros(3, bool)], {}, []),
        ("any", [SIGNED > 3.5], {"axis": 1}, [False, True]),
        ("zeros", [(2, 3), bool], {}, np.zeros((2, 3), bool)),
        ("sum_by_group", [SIGNED, np.array([0, 2]), 3], {}, [SIGNED[0], 0 * SIGNED[0], SIGNED[1]]),
        ("sum_by_group", [SIGNED, np.array([1, 1]), 2], {}, [0 * SIGNED[0], SIGNED.sum(axis=0)]),
        ("count_by_group", [np.array([0, 2, 2]), 4], {}, [1, 0, 2, 0]),
        ("take_level", [SUMS, LEVEL], {}, [[4, 5], [6, 7], [14, 15], [22, 23]]),
        ("set_at", [np.zeros(4), np.array([3, 1]), np.array([2.0, 5.0])], {}, [0, 5, 0, 2]),
        ("max", [SIGNED], {"axis": 1}, [1.5, 4.0]),
        ("prod", [SIGNED], {"axis": 1}, [0.0, -3.0]),
        ("cumsum", [SIGNED], {"axis": 1}, [[1.5, -0.5, -0.5], [-0.25, 3.75, 6.75]]),
        ("reshape", [SIGNED, [3, 2]], {}, [[1.5, -2.0], [0.0, -0.25], [4.0, 3.0]]),
        ("cast", [np.array([True, False]), SIGNED], {}, [1.0, 0.0]),
        ("argmax", [SIGNED], {}, [0, 1]),
        ("argmax", [np.zeros((2, 3))], {}, [0, 0]),
        ("argsort", [SIGNED], {}, [[1, 2, 0], [0, 2, 1]]),
        ("argsort", [np.zeros((1, 3))], {}, [[0, 1, 2]]),
        ("largest", [SIGNED, 2], {}, [[0, 2], [1, 2]]),
        ("largest", [np.zeros((1, 3)), 2], {}, [[0, 1]]),
        ("largest", [np.zeros((0, 3)), 2], {}, np.zeros((0, 2))),
        ("take_along", [SIGNED, np.array([[2, 0], [1, 1]])], {}, [[0.0, 1.5], [4.0, 4.0]]),
        ("take_along", [SUMS, LEVEL[:, None]], {}, SUMS[np.arange(4), LEVEL][:, None]),
        ("divide", [np.array([3.0, 0.0, 0.0]), np.array([2.0, 2.0, 0.0])], {}, [1.5, 0.0, 0.0]),
        ("divide", [np.array([1.0, 1e-300]), np.zeros(2)], {}, [np.inf, np.inf]),
    ],
)
def test_an_operation_gives_the_same_array(name, arguments, keywords, expected):
    for result in results(name, *arguments, **keywords):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("name", "expected"), [("sin", np.sin), ("log1p", np.log1p)])
def test_a_function_of_numbers(name, expected):
    numbers = np.linspace(0.0, 20.0, 50)
    for result in results(name, numbers):
        np.testing.assert_allclose(result, expected(numbers), rtol=1e-14)


AMOUNTS = st.one_of(st.just(0.0), st.floats(1e-100, 1e100))


@settings(deadline=None)  # a graph is traced for each
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=5))
def test_a_share_of_nothing_is_0_for_nothing_and_else_infinite(pairs):
    amount, total = np.array(pairs).T
    expected = [
        numerator / denominator if denominator else np.inf if numerator else 0.0
        for numerator, denominator in pairs
    ]
    for result in results("divide", amount, total):
        np.testing.assert_allclose(result, expected, rtol=1e-12)


@settings(deadline=None)  # a graph is traced for each
@given(
    arrays.arrays(np.float64, (4, 3, 2), elements=st.floats(-1e6, 1e6)),
    st.lists(st.integers(0, 3), unique=True),
)
def test_some_examples_are_set(sums, examples):
    examples = np.array(examples, np.int32)
    values = np.arange(len(examples) * 6.0).reshape(len(examples), 3, 2)
    expected = sums.copy()
    expected[examples] = values
    for result in results("set_at", sums, examples, values):
        np.testing.assert_array_equal(result, expected)


@settings(deadline=None)  # a graph is traced for each
@given(st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_each_example_has_its_own_level(level):
    for result in results("take_level", SUMS, np.array(level, np.int32)):
        np.testing.assert_array_equal(result, SUMS[np.arange(4), level])


def test_places_are_rows_and_columns():
    for rows, columns in results("places", SIGNED > 1.0):
        assert (np.asarray(rows).tolist(), np.asarray(columns).tolist()) == ([0, 1, 1], [0, 1, 2])


def doubled_until_nine_rows(array):
    ops = array_ops.of(array)
    return ops.while_loop(
        lambda array, _: ops.shape(array)[0] < 9,
        lambda array, rounds: (ops.concat([array, array], axis=0), rounds + 1.0),
        (array, 0.0 * array[0]),
    )


def test_a_loop_goes_on_with_arrays_that_grow():
    traced = tf.function(doubled_until_nine_rows, autograph=False)
    for array, rounds in (doubled_until_nine_rows(SIGNED), traced(tf.constant(SIGNED))):
        np.testing.assert_array_equal(array, np.tile(SIGNED, (8, 1)))
        np.testing.assert_array_equal(rounds, [3.0, 3.0, 3.0])
