"""Batches of a `tf.data.Dataset` as arrays."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models import labels as model_labels
from tf_salience.models import nests
from tf_salience.utils import arrays, validation
from tf_salience.utils.arrays import Array, Nest


def read(
    dataset: tf.data.Dataset, argument: str, *, max_examples: int | None, pad_id: int | None
) -> tuple[Nest, Nest]:
    """Reads the inputs and the labels of a data set.

    Args:
        dataset: batches as `fit` takes them: inputs, (inputs, labels), or with sample weights.
        argument: the argument's name, for messages.
        max_examples: the number of examples to read, or None for all.
        pad_id: the id of padding, or None.

    Returns:
        A nest of arrays, (batch, ...); and the labels, an array, (batch, ...), a dict or tuple of
        one for each output, or None.

    Raises:
        TypeError: if the data set is not batched.
        ValueError: if it is empty or infinite, or its batches differ in width and `pad_id` is
            neither 0 nor None.
    """
    _check_dataset(dataset, argument, max_examples)
    batches, labels, example_count = [], [], 0
    for element in dataset:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(element)
        batches.append(tf.nest.map_structure(lambda leaf: _to_array(leaf, pad_id), x))
        labels.append(tf.nest.map_structure(_to_labels, y))
        example_count += len(tf.nest.flatten(batches[-1])[0])
        if max_examples is not None and example_count >= max_examples:
            break
    if not batches:
        raise ValueError(
            f"`{argument}` must hold at least one example. Received: an empty data set"
        )
    inputs = tf.nest.map_structure(
        lambda *leaves: _concatenate(leaves, argument, pad_id)[:max_examples], *batches
    )
    if labels[0] is None:
        return inputs, None
    joined = tf.nest.map_structure(
        lambda *leaves: arrays.concatenate_padded(leaves)[:max_examples], *labels
    )
    return inputs, model_labels.to_arrays(joined)


def _check_dataset(dataset: tf.data.Dataset, argument: str, max_examples: int | None) -> None:
    if any(spec.shape.rank == 0 for spec in tf.nest.flatten(dataset.element_spec)):
        raise TypeError(
            f"`{argument}` must be a data set of batches, as `fit` takes it: "
            f"`{argument}.batch(32)`. Received: single elements, "
            f"{validation.format_value(dataset.element_spec)}"
        )
    if max_examples is None and dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"`{argument}` must be finite. Received: a data set that repeats without end. Take a "
            f"part of it: `{argument}.take(batches)`."
        )


def _to_labels(value: Any) -> Array | None:
    """Returns labels as an array, those of ragged or sparse rows filled up with zeros."""
    if isinstance(value, tf.SparseTensor):
        value = tf.sparse.to_dense(value)
    return None if value is None else _to_array(value, pad_id=None)


def _to_array(value: Any, pad_id: int | None) -> Array:
    return np.asarray(nests.dense(value, pad_id) if isinstance(value, tf.RaggedTensor) else value)


def _concatenate(batches: Sequence[Array], argument: str, pad_id: int | None) -> Array:
    """Concatenates batches, padded with zeros to the widest, as `padded_batch` pads."""
    widths = {batch.shape[1] for batch in batches if batch.ndim > 1}
    if len(widths) > 1 and pad_id:
        raise ValueError(
            f"The batches of `{argument}` have different widths. They are padded with zeros, so "
            "`pad_id` must be 0. Received: widths "
            f"{validation.format_value(sorted(widths))}, pad_id={pad_id}. Pad the data "
            "set to one width: `padded_batch(..., padded_shapes=, padding_values=)`."
        )

    return arrays.concatenate_padded(batches)
