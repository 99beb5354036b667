"""Batches of a `tf.data.Dataset`, and ragged tensors, as arrays."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.utils import arrays
from tf_salience.utils.arrays import Array


def read(
    dataset: tf.data.Dataset, argument: str, *, max_examples: int | None, pad_id: int | None
) -> tuple[Any, Array | None]:
    """Reads the inputs and the labels of a data set.

    Args:
        dataset: batches as `fit` takes them: inputs, (inputs, labels), or with sample weights.
        argument: the argument's name, for messages.
        max_examples: the number of examples to read, or None for all.
        pad_id: the id of padding, or None.

    Returns:
        A nest of arrays, (batch, ...); and labels, (batch,), or None if there is not one label for
        each example.

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
        # Labels of several heads, or of each token, are not one class per example.
        if tf.is_tensor(y) and (y.shape.rank == 1 or y.shape[1:].num_elements() == 1):
            labels.append(np.asarray(y))
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
    return inputs, flat_labels(np.concatenate(labels)[:max_examples]) if labels else None


def _check_dataset(dataset: tf.data.Dataset, argument: str, max_examples: int | None) -> None:
    if any(spec.shape.rank == 0 for spec in tf.nest.flatten(dataset.element_spec)):
        raise TypeError(
            f"`{argument}` must be a data set of batches, as `fit` takes it: "
            f"`{argument}.batch(32)`. Received: single elements, {dataset.element_spec}"
        )
    if max_examples is None and dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"`{argument}` must be finite. Received: a data set that repeats for ever. Take a part "
            f"of it: `{argument}.take(batches)`."
        )


def dense(ragged: tf.RaggedTensor, pad_id: int | None) -> tf.Tensor:
    """Pads a ragged tensor with zeros.

    Raises:
        ValueError: if another id is padding.
    """
    if pad_id:
        raise ValueError(
            "A ragged tensor is padded with zeros, so `pad_id` must be 0. Received: "
            f"pad_id={pad_id} and a RaggedTensor. Pad it: `inputs.to_tensor({pad_id})`."
        )
    return ragged.to_tensor()


def flat_labels(labels: Array) -> Array:
    """Flattens labels, (batch,) or (batch, 1), to (batch,); whole floats become integers."""
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.dtype.kind in "OS":
        names = [label.decode() if isinstance(label, bytes) else label for label in flat]
        return np.array(names, object)
    is_integral = flat.dtype.kind == "f" and bool((flat == np.round(flat)).all())
    return flat.astype(np.int64) if is_integral else flat


def _to_array(value: Any, pad_id: int | None) -> Array:
    return np.asarray(dense(value, pad_id) if isinstance(value, tf.RaggedTensor) else value)


def _concatenate(batches: Sequence[Array], argument: str, pad_id: int | None) -> Array:
    """Concatenates batches, padded with zeros to the widest, as `padded_batch` pads."""
    widths = {batch.shape[1] for batch in batches if batch.ndim > 1}
    if len(widths) > 1 and pad_id:
        raise ValueError(
            f"The batches of `{argument}` have different widths. They are padded with zeros, so "
            f"`pad_id` must be 0. Received: widths {sorted(widths)}, pad_id={pad_id}. Pad the data "
            "set to one width: `padded_batch(..., padded_shapes=, padding_values=)`."
        )

    return arrays.concatenate_padded(batches)
