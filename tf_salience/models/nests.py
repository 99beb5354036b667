"""Nests of input arrays: from what a user passes, with the names of their leaves."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.models import datasets
from tf_salience.utils.arrays import Array, Nest

_ARRAYS = (np.ndarray, tf.Tensor, tf.Variable, tf.RaggedTensor)
#: The tokens that a text is taken to have before it is split.
_TEXT_TOKENS = 128
#: Names that Keras gives to inputs without a name.
_UNNAMED = ("keras_tensor", "input_layer", "input_")
#: Words in the names of inputs that go with ids and are not ids.
_BESIDE_IDS = ("mask", "segment", "type", "position")


def to_arrays(inputs: Any, pad_id: int | None = None) -> Nest:
    """Converts what a user passes to a nest of arrays, each with a batch axis.

    Dicts, tuples and lists of arrays are nests; everything else becomes one array. A single text is
    a batch of one.

    Args:
        inputs: texts, numbers, arrays, or nests of them.
        pad_id: the id of padding, where it is known.

    Raises:
        TypeError: for elements that are neither texts nor numbers.
        ValueError: for ragged lists, ragged tensors where padding is not 0, or a single number.
    """
    if isinstance(inputs, dict):
        return {key: to_arrays(value, pad_id) for key, value in inputs.items()}
    if isinstance(inputs, tuple) or (
        isinstance(inputs, list) and inputs and all(isinstance(value, _ARRAYS) for value in inputs)
    ):
        return tuple(to_arrays(value, pad_id) for value in inputs)
    if isinstance(inputs, str | bytes):
        return np.array([inputs], dtype=object)
    if isinstance(inputs, tf.RaggedTensor):
        inputs = datasets.dense(inputs, pad_id)
    try:
        array = np.asarray(inputs)
    except ValueError as error:
        raise ValueError(
            "`inputs` must be rectangular. Received: a list whose rows have different lengths. Pad "
            "them with `keras.utils.pad_sequences(inputs, padding='post')`."
        ) from error
    return _checked(array, inputs)


def _checked(array: Array, inputs: Any) -> Array:
    if is_text(array):
        array = array.astype(object)
        if not all(isinstance(item, str | bytes) for item in array.ravel()):
            kinds = sorted({type(item).__name__ for item in array.ravel()})
            raise TypeError(
                f"`inputs` must be texts or numbers. Received: elements of type {', '.join(kinds)}"
            )
    elif array.dtype.kind not in "iufb":
        raise TypeError(f"`inputs` must be texts or numbers. Received: dtype {array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"`inputs` must have a batch axis. Received: {inputs!r}, a single number")
    return array


def is_text(leaf: Array) -> bool:
    """True if an array holds strings."""
    return leaf.dtype.kind in "OSU"


def texts(nest: Nest) -> list[Array]:
    """Returns the arrays that hold texts."""
    return [leaf for leaf in tf.nest.flatten(nest) if is_text(leaf)]


def may_be_ids(name: str, leaf: Array) -> bool:
    """True if an input may be the ids of tokens: whole numbers or texts, and not named a mask."""
    whole = is_text(leaf) or leaf.dtype.kind in "iu"
    several = leaf.ndim > 1 and leaf.shape[1] > 1
    return whole and (several or is_text(leaf)) and not any(word in name for word in _BESIDE_IDS)


def batch_size(nest: Nest) -> int:
    """Returns the number of examples."""
    return len(tf.nest.flatten(nest)[0])


def width(nest: Nest) -> int:
    """Returns the longest second axis of the numbers; a guess for texts."""
    widths = [
        leaf.shape[1] for leaf in tf.nest.flatten(nest) if leaf.ndim > 1 and not is_text(leaf)
    ]
    return max(widths, default=_TEXT_TOKENS)


def paths(nest: Nest) -> list[tuple[str, Any]]:
    """Returns each leaf with its path, `encoder/mask`; "" for a leaf alone."""
    pairs = keras.tree.flatten_with_path(nest)
    return [("/".join(str(key) for key in path), leaf) for path, leaf in pairs]


def named(model: keras.Model, nest: Nest) -> list[tuple[str, npt.NDArray[Any]]]:
    """Returns each array with its key in a dict, the model's own name for it, or ""."""
    if isinstance(nest, dict):
        return paths(nest)
    leaves = tf.nest.flatten(nest)
    symbolic = getattr(model, "inputs", None) or []
    if len(symbolic) != len(leaves):
        return [("", leaf) for leaf in leaves]
    return [
        ("" if tensor.name.startswith(_UNNAMED) else tensor.name, leaf)
        for tensor, leaf in zip(symbolic, leaves, strict=True)
    ]


def input_order(model: keras.Model, nest: Nest) -> list[str]:
    """Returns the names of the inputs in the model's order, or in that of the user's dict."""
    struct = getattr(model, "input", None) if getattr(model, "inputs", None) else None
    if isinstance(struct, dict):
        # In the order in which the model was made; Keras' own list is sorted by name.
        return [tensor.name for tensor in struct.values() if hasattr(tensor, "name")]
    if struct is not None:
        return [tensor.name for tensor in model.inputs]
    return list(nest) if isinstance(nest, dict) else []


def describe(nest: Nest) -> str:
    """Returns `int64 of shape (8, 64)`, with names where there are any; for messages."""
    descriptions = []
    for name, leaf in paths(nest):
        kind = "string" if is_text(leaf) else leaf.dtype.name
        descriptions.append(f"{name + ': ' if name else ''}{kind} of shape {leaf.shape}")
    return ", ".join(descriptions)
