import numpy as np
import pytest
import tensorflow as tf
from training import IDS, LABELS

from tf_salience.callbacks.probes import collect_probes


def two_widths():
    return tf.data.Dataset.from_generator(
        lambda: iter([np.ones((2, 3)), np.ones((2, 5))]),
        output_signature=tf.TensorSpec((None, None), tf.int32),
    )


def test_labels_of_several_heads_are_taken_together():
    data = tf.data.Dataset.from_tensor_slices((IDS, {"a": LABELS, "b": 1 - LABELS})).batch(8)
    _, labels = collect_probes(data, None, None, max_examples=4).take([3, 0])
    assert labels["a"].tolist() == LABELS[[3, 0]].tolist()
    assert labels["b"].tolist() == (1 - LABELS)[[3, 0]].tolist()


def test_labels_as_keras_makes_them_for_two_classes():
    data = tf.data.Dataset.from_tensor_slices((IDS, LABELS[:, None].astype(np.float32))).batch(8)
    probes = collect_probes(data, None, None, max_examples=4)
    assert probes.labels.tolist() == LABELS[:4].tolist()


def test_batches_of_several_widths_are_padded_with_zeros():
    probes = collect_probes(two_widths(), None, None, max_examples=3)
    assert probes.inputs.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]


def test_batches_of_several_widths_need_zeros_as_padding():
    with pytest.raises(ValueError, match=r"different widths.*widths \[3, 5\], pad_id=1"):
        collect_probes(two_widths(), None, None, max_examples=4, pad_id=1)


def test_inputs_and_labels_are_taken_together():
    probes = collect_probes({"a": IDS, "b": IDS + 1}, LABELS, None, max_examples=4)
    inputs, labels = probes.take([5, 2])
    np.testing.assert_array_equal(inputs["a"], IDS[[5, 2]])
    np.testing.assert_array_equal(inputs["b"], IDS[[5, 2]] + 1)
    np.testing.assert_array_equal(labels, LABELS[[5, 2]])


def test_a_rationale_is_words_or_positions():
    probes = collect_probes(IDS[:2], None, [["good", 2], []], max_examples=4)
    tokens = ["a", "good", "film", "good"]
    assert probes.rationale_mask(0, tokens).tolist() == [False, True, True, True]
    assert not probes.rationale_mask(1, tokens).any()
    without = collect_probes(IDS[:2], None, None, max_examples=4)
    assert without.rationale_mask(0, tokens) is None
