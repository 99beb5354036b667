"""Provenance: the inputs of a graph from which its tensors are made."""

import pytest
import tensorflow as tf

from tf_salience.models.embeddings import provenance

SPEC = tf.TensorSpec((None, None), tf.int32)


def in_graph(function):
    """The result of a function of two inputs of a graph."""
    results = []

    @tf.function(input_signature=[SPEC, SPEC], autograph=False)
    def trace(first, second):
        results.append(function(first, second))
        return first

    trace.get_concrete_function()
    return results[0]


@pytest.mark.parametrize(
    ("ids_of", "source"),
    [
        (lambda first, second: first, 0),
        (lambda first, second: second, 1),
        (lambda first, second: tf.cast(second, tf.float32), 1),
        (lambda first, second: tf.identity(tf.cast(first, tf.int64)), 0),
        (lambda first, second: first + second, -1),
        (lambda first, second: tf.range(3)[None], -1),
    ],
    ids=["first", "second", "cast", "cast and identity", "a sum", "a constant"],
)
def test_the_number_of_the_input_that_ids_are(ids_of, source):
    def source_of(first, second):
        return provenance.source_of(ids_of(first, second), [first, second], {})

    assert in_graph(source_of) == source


def test_ids_that_are_made_of_texts():
    def source_of(first, second):
        ids = second + 1
        return provenance.source_of(tf.cast(ids, tf.int64), [first, second], {id(ids): second})

    assert in_graph(source_of) == 1


def test_a_tensor_without_a_graph_has_no_source():
    ids, input_ = tf.constant([[1]]), tf.constant([[1]])
    assert provenance.source_of(ids, [input_], {}) == -1
    assert provenance.source_of(ids, [ids], {}) == 0
    assert provenance.placeholders_of(ids) == set()


def test_placeholders_on_whose_values_a_tensor_depends():
    def count(first, second):
        return [
            len(provenance.placeholders_of(tensor))
            for tensor in (first, first + second, tf.zeros_like(first), tf.ones(tf.shape(first)))
        ]

    assert in_graph(count) == [1, 2, 0, 0]


def test_inputs_that_are_not_read():
    def unread(first, second):
        return [
            provenance.unread_inputs([first, second], read)
            for read in ([], [first], [second * 2], [first + second])
        ]

    assert in_graph(unread) == [[0, 1], [1], [0], []]
