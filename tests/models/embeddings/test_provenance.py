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


def vectors_of(ids):
    """Floats (batch, tokens, 4) of ids."""
    return tf.cast(ids, tf.float32)[:, :, None] * tf.ones((4,))


def kept(vectors):
    """A layer that keeps the tokens."""
    return tf.nn.relu(vectors @ tf.ones((4, 4)))


@pytest.mark.parametrize(
    ("join", "is_by_token"),
    [
        (lambda a, b: a + b, True),
        (lambda a, b: kept(a) * kept(kept(b)), True),
        (lambda a, b: tf.concat([a, b], -1), True),
        (lambda a, b: tf.concat([kept(a), b], 2), True),
        (lambda a, b: tf.stack([a, b], 1), True),
        (lambda a, b: tf.concat([a, b], 1), False),
        (lambda a, b: tf.reduce_sum(a, 1) + tf.reduce_sum(b, 1), False),
        (lambda a, b: tf.reduce_sum(a, 1, keepdims=True) + b, False),
        (lambda a, b: tf.matmul(a, b, transpose_b=True) @ b + a, False),
        (lambda a, b: (kept(a), kept(b)), False),
        (lambda a, b: a * tf.reduce_max(a, 1, keepdims=True), False),
    ],
    ids=["added", "multiplied", "appended", "appended by number", "stacked", "behind", "pooled",
         "one vector for all tokens", "attention", "apart", "only one"],
)  # fmt: skip
def test_vectors_that_are_joined_token_by_token(join, is_by_token):
    def joined(first, second):
        first_vectors, second_vectors = vectors_of(first), vectors_of(second)
        join(first_vectors, second_vectors)
        return [
            provenance.are_joined_by_token(*pair)
            for pair in ((first_vectors, second_vectors), (second_vectors, first_vectors))
        ]

    assert in_graph(joined) == [is_by_token] * 2


def test_vectors_without_a_graph_are_not_joined():
    assert not provenance.are_joined_by_token(tf.ones((1, 2, 3)), tf.ones((1, 2, 3)))
