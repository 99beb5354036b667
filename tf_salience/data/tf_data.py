"""Batches of a `tf.data.Dataset`, and ragged tensors, as arrays."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

Array = npt.NDArray[Any]


def read(
    dataset: tf.data.Dataset, argument: str, *, most: int | None, pad_id: int | None
) -> tuple[Any, Array | None]:
    """The inputs and the labels of a data set's examples.

    Args:
        dataset: batches as `fit` takes them: inputs, (inputs, labels), or with weights.
        argument: what the user calls it, for messages.
        most: how many examples are taken, or None for all.
        pad_id: the id of padding, or None.

    Returns:
        A nest of arrays, (batch, ...); and labels, (batch,), or None where there is no single one
        for each example.

    Raises:
        TypeError: for a data set that is not batched.
        ValueError: for one that is empty or has no end, or batches of different widths where
            `pad_id` is not 0.
    """
    for spec in tf.nest.flatten(dataset.element_spec):
        if spec.shape.rank == 0:
            raise TypeError(
                f"`{argument}` must be a data set of batches, as `fit` takes it: "
                f"`{argument}.batch(32)`. Received: single elements, {dataset.element_spec}"
            )
    if most is None and dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"`{argument}` must have an end. Received: a data set that repeats for ever. Take some "
            f"of it: `{argument}.take(batches)`."
        )
    batches, labels, found = [], [], 0
    for element in dataset:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(element)
        batches.append(tf.nest.map_structure(lambda leaf: _array(leaf, pad_id), x))
        # Labels of several heads, or of each token, are no one class.
        one_each = tf.is_tensor(y) and (y.shape.rank == 1 or y.shape[1:].num_elements() == 1)
        labels.append(np.asarray(y) if one_each else None)
        found += len(tf.nest.flatten(batches[-1])[0])
        if most is not None and found >= most:
            break
    if not batches:
        raise ValueError(
            f"`{argument}` must hold at least one example. Received: an empty data set"
        )
    nest = tf.nest.map_structure(lambda *leaves: _joined(leaves, argument, pad_id)[:most], *batches)
    given = [one for one in labels if one is not None]
    return nest, plain_labels(np.concatenate(given)[:most]) if given else None


def dense(ragged: tf.RaggedTensor, pad_id: int | None) -> Any:
    """A ragged tensor, filled up with zeros.

    Raises:
        ValueError: where padding is not 0: ids cannot be told from a mask here.
    """
    if pad_id:
        raise ValueError(
            "A ragged tensor is filled up with zeros, which are not padding here. Received: a "
            f"RaggedTensor, pad_id={pad_id}. Pad it: `inputs.to_tensor({pad_id})`."
        )
    return ragged.to_tensor()


def plain_labels(labels: Array) -> Array:
    """Labels as `fit` takes them, (batch,) or (batch, 1), also floats, as class indices."""
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.dtype.kind in "OS":
        return np.array([one.decode() if isinstance(one, bytes) else one for one in flat], object)
    whole = flat.dtype.kind == "f" and bool((flat == np.round(flat)).all())
    return flat.astype(np.int64) if whole else flat


def _array(value: Any, pad_id: int | None) -> Array:
    return np.asarray(dense(value, pad_id) if isinstance(value, tf.RaggedTensor) else value)


def _joined(leaves: Sequence[Array], argument: str, pad_id: int | None) -> Array:
    """Batches one after the other, padded with zeros to the widest, as `padded_batch` pads."""
    widths = [leaf.shape[1] for leaf in leaves if leaf.ndim > 1]
    if len(set(widths)) < 2:
        return np.concatenate(leaves)
    if pad_id:
        raise ValueError(
            f"The batches of `{argument}` have different widths, and only zeros can be told to be "
            f"padding in all of their arrays. Received: widths {sorted(set(widths))}, "
            f"pad_id={pad_id}. Pad the data set to one width: `padded_batch(..., padded_shapes=, "
            "padding_values=)`."
        )

    def pads(leaf: Array) -> list[tuple[int, int]]:
        return [(0, 0), (0, max(widths) - leaf.shape[1]), *[(0, 0)] * (leaf.ndim - 2)]

    return np.concatenate([np.pad(leaf, pads(leaf)) for leaf in leaves])
