"""Nests of arrays with a batch axis: take examples, cut, pad and join them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
#: An array, or dicts, tuples and lists of arrays.
Nest = Any


def take(nest: Nest, examples: Any) -> Nest:
    """Takes some examples of every array, in the order of their indices.

    Args:
        nest: numpy arrays or tensors, (batch, ...) each.
        examples: (batch,), indices.
    """
    import tensorflow as tf

    def taken(leaf: Any) -> Any:
        return leaf[examples] if isinstance(leaf, np.ndarray) else tf.gather(leaf, examples)

    return tf.nest.map_structure(taken, nest)


def cut(nest: Nest, full: int, width: int) -> Nest:
    """Cuts every array whose second axis is `full` wide to its first `width` columns."""
    import tensorflow as tf

    return tf.nest.map_structure(
        lambda leaf: leaf[:, :width] if leaf.ndim >= 2 and leaf.shape[1] == full else leaf, nest
    )


def pad_tokens(array: Any, width: int) -> Any:
    """Pads the tokens axis of (batch, tokens, ...) with zeros at its end to `width`."""
    missing = width - array.shape[1]
    if not missing:
        return array
    padding = [(0, 0), (0, missing), *[(0, 0)] * (len(array.shape) - 2)]
    if isinstance(array, np.ndarray):
        return np.pad(array, padding)
    import tensorflow as tf

    return tf.pad(array, padding)


def concatenate_padded(arrays: Sequence[Any]) -> Any:
    """Joins arrays (batch, tokens, ...) along the batch axis, padded to the widest tokens axis.

    Args:
        arrays: numpy arrays, or tensors, which stay on their device.
    """
    if len(arrays[0].shape) > 1:
        width = max(array.shape[1] for array in arrays)
        arrays = [pad_tokens(array, width) for array in arrays]
    if isinstance(arrays[0], np.ndarray):
        return np.concatenate(arrays)
    import tensorflow as tf

    return tf.concat(arrays, axis=0)


def split_columns(array: Any, widths: Sequence[int]) -> list[Any]:
    """Splits (batch, sum of `widths`) into one array for each width."""
    return np.split(array, np.cumsum(widths)[:-1], axis=1)
