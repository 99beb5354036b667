import numpy as np
import pytest
import tensorflow as tf

from tf_salience.models import datasets

IDS = np.arange(1, 13).reshape(6, 2)


def dataset(parts, batch_size=4):
    return tf.data.Dataset.from_tensor_slices(parts).batch(batch_size)


def read(data, max_examples=None, pad_id=None):
    return datasets.read(data, "examples", max_examples=max_examples, pad_id=pad_id)


@pytest.mark.parametrize("max_examples", [None, 3, 5, 100])
def test_inputs_and_labels(max_examples):
    inputs, labels = read(dataset((IDS, np.arange(6))), max_examples)
    np.testing.assert_array_equal(inputs, IDS[:max_examples])
    np.testing.assert_array_equal(labels, np.arange(6)[:max_examples])


def test_a_nest_of_inputs_with_sample_weights():
    inputs, labels = read(dataset(({"a": IDS, "b": -IDS}, np.zeros(6), np.ones(6))))
    np.testing.assert_array_equal(inputs["b"], -inputs["a"])
    assert labels.dtype.kind == "i"


def test_no_more_batches_are_read_than_needed():
    inputs, _ = read(dataset(IDS, batch_size=2).repeat(), max_examples=7)
    assert len(inputs) == 7


def test_labels_of_several_outputs_or_tokens_are_kept():
    data = dataset((IDS, {"a": np.arange(6.0), "b": IDS}))
    labels = read(data, 5)[1]
    assert labels["a"].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(labels["b"], IDS[:5])
    a, b = read(dataset((IDS, (np.arange(6), IDS))))[1]
    assert (a.tolist(), b.shape) == ([0, 1, 2, 3, 4, 5], (6, 2))
    assert read(dataset(IDS))[1] is None


@pytest.mark.parametrize("kind", [tf.ragged.constant, lambda rows: tf.sparse.from_dense(IDS)])
def test_labels_of_ragged_or_sparse_rows_do_not_hinder(kind):
    rows = kind([[1], [2, 3], [4], [5], [6], [7]])
    inputs, labels = read(dataset((IDS, rows)))
    np.testing.assert_array_equal(inputs, IDS)
    assert labels.shape == (6, 2)


def test_batches_of_several_widths_are_padded_with_zeros():
    data = tf.data.Dataset.from_generator(
        lambda: iter([np.ones((2, 1, 2)), np.ones((1, 3, 2))]),
        output_signature=tf.TensorSpec((None, None, 2)),
    )
    inputs, _ = read(data)
    assert inputs.sum(axis=-1).tolist() == [[2, 0, 0], [2, 0, 0], [2, 2, 2]]
    with pytest.raises(ValueError, match=r"`examples`.*widths \[1, 3\], pad_id=7.*padding_values"):
        read(data, pad_id=7)


def test_ragged_batches_are_padded_with_zeros():
    data = tf.data.Dataset.from_tensors(tf.ragged.constant([[1, 2], [3]]))
    assert read(data)[0].tolist() == [[1, 2], [3, 0]]
    with pytest.raises(ValueError, match=r"pad_id=7.*to_tensor\(7\)"):
        read(data, pad_id=7)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (dataset(IDS).repeat(), ValueError, r"finite.*`examples.take\(batches\)`"),
        (dataset(IDS).take(0), ValueError, "`examples`.*an empty data set"),
        (tf.data.Dataset.range(3), TypeError, r"`examples.batch\(32\)`.*Received: single elements"),
    ],
    ids=["infinite", "empty", "not batched"],
)
def test_data_sets_that_cannot_be_read(data, error, message):
    with pytest.raises(error, match=message):
        read(data)
