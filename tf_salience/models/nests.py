"""Nests of input arrays: from what a user passes, with the names of their leaves."""

import re
from collections.abc import Callable
from numbers import Integral
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.models.embeddings.structure import input_specs
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array, Nest

#: Pads rows of ids, lists of any length, as the model was trained; None where that is not plain.
PadRows = Callable[[list[Any]], Array | None]

_ARRAYS = (np.ndarray, tf.Tensor, tf.Variable, tf.RaggedTensor)
#: Arrays that a message describes.
_MOST_DESCRIBED = 8
#: The tokens that a text is taken to have before it is split.
_TEXT_TOKENS = 128
#: Names that Keras gives to inputs without a name.
_UNNAMED = re.compile(r"keras_tensor.*|input_layer(_\d+)?|input_\d+")
#: Words in the names of inputs that go with ids and are not ids.
_BESIDE_IDS = ("mask", "segment", "type", "position")


def to_arrays(inputs: Any, pad_id: int | None = None, pad_rows: PadRows | None = None) -> Nest:
    """Converts what a user passes to a nest of arrays, each with a batch axis.

    Dicts, tuples, and lists of arrays or dicts are nests; everything else becomes one array. A
    single text is a batch of one.

    Args:
        inputs: texts, numbers, arrays, or nests of them.
        pad_id: the id of padding, where it is known.
        pad_rows: pads lists of ids; None where no model is known.

    Raises:
        TypeError: for elements that are neither texts nor numbers.
        ValueError: for rows of different lengths that cannot be padded, or a single number.
    """
    if isinstance(inputs, dict):
        return {key: to_arrays(value, pad_id, pad_rows) for key, value in inputs.items()}
    if isinstance(inputs, tuple) or (
        isinstance(inputs, list)
        and inputs
        and all(isinstance(value, (*_ARRAYS, dict)) for value in inputs)
    ):
        return tuple(to_arrays(value, pad_id, pad_rows) for value in inputs)
    if isinstance(inputs, str | bytes):
        return np.array([inputs], dtype=object)
    if isinstance(inputs, tf.RaggedTensor):
        inputs = dense(inputs, pad_id)
    is_ragged_array = isinstance(inputs, np.ndarray) and inputs.dtype == object
    if is_ragged_array and all(isinstance(row, list) for row in inputs.ravel()):
        inputs = inputs.tolist()  # as keras.datasets.imdb has its ids
    if isinstance(inputs, list) and pad_rows is not None and _are_rows_of_ids(inputs):
        padded = pad_rows(inputs)
        if padded is not None:
            return padded
    try:
        array = np.asarray(inputs)
    except ValueError as error:
        raise ValueError(
            "`inputs` must be rectangular. Received: a list whose rows have different lengths. "
            f"{pad_sequences_fix('...')}"
        ) from error
    return _checked(array, inputs)


def pad_sequences_fix(width: Any) -> str:
    """Returns the sentences of a message that show how ids are padded to a width."""
    return (
        f"Pad and cut ids as in training: `keras.utils.pad_sequences(inputs, maxlen={width})` does "
        "both in front without `padding='post', truncating='post'`, and a model that was "
        "trained on one side may say something else on the other."
    )


def _are_rows_of_ids(inputs: list[Any]) -> bool:
    """True for lists of ids of any length, one for each example."""
    if not all(isinstance(row, list | tuple) for row in inputs):
        return False
    kinds = {type(item) for row in inputs for item in row} - {bool}
    return bool(kinds) and all(issubclass(kind, Integral) for kind in kinds)


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


def _checked(array: Array, inputs: Any) -> Array:
    if is_text(array):
        array = array.astype(object)
        if not all(isinstance(item, str | bytes) for item in array.ravel()):
            kinds = sorted({type(item).__name__ for item in array.ravel()})
            raise TypeError(
                "`inputs` must be texts or numbers. Received: elements of type "
                f"{', '.join(kinds[:5])}"
            )
    elif array.dtype.kind not in "iufb":
        raise TypeError(f"`inputs` must be texts or numbers. Received: dtype {array.dtype}")
    if array.ndim == 0:
        raise ValueError(
            "`inputs` must have a batch axis. "
            f"Received: {validation.format_value(inputs)}, a single number"
        )
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
    """Returns each array with its path of keys, the model's own name for it, or ""."""
    if isinstance(nest, dict) or is_nested(nest):
        return paths(nest)
    leaves = tf.nest.flatten(nest)
    symbolic = getattr(model, "inputs", None) or []
    if len(symbolic) != len(leaves):
        return [("", leaf) for leaf in leaves]
    return [
        ("" if is_unnamed(tensor.name) else tensor.name, leaf)
        for tensor, leaf in zip(symbolic, leaves, strict=True)
    ]


def is_nested(nest: Nest) -> bool:
    """True for a nest that holds further dicts, lists or tuples: one dict for each text, say."""
    parts = nest.values() if isinstance(nest, dict) else nest
    is_nest = isinstance(nest, dict | list | tuple)
    return is_nest and any(isinstance(part, dict | list | tuple) for part in parts)


def is_unnamed(name: str) -> bool:
    """True for a name that Keras gives to an input without one."""
    return _UNNAMED.fullmatch(name) is not None


def aliases(model: keras.Model, nest: Nest) -> list[list[str]]:
    """Returns all names that each array goes by: its path, and the model's own name for it."""
    specs = input_specs(model)
    name_of = {} if specs is None else {path: spec.name for path, spec in paths(specs)}
    return [
        [name for name in dict.fromkeys((name, path, name_of.get(path, ""))) if name]
        for (name, _), (path, _) in zip(named(model, nest), paths(nest), strict=True)
    ]


def input_order(model: keras.Model, nest: Nest) -> list[str]:
    """Returns the names of the inputs in the model's order, or in that of the user's dict."""
    if is_nested(nest):
        return _paths_in_order(nest)
    struct = getattr(model, "input", None) if getattr(model, "inputs", None) else None
    if isinstance(struct, dict):
        # In the order in which the model was made; Keras' own list is sorted by name.
        return [tensor.name for tensor in struct.values() if hasattr(tensor, "name")]
    if struct is not None:
        return [tensor.name for tensor in model.inputs]
    return list(nest) if isinstance(nest, dict) else []


def _paths_in_order(nest: Nest, prefix: str = "") -> list[str]:
    """Returns the paths of a nest's leaves in the order of its dicts, which Keras sorts."""
    if not isinstance(nest, dict | list | tuple):
        return [prefix.removeprefix("/")]
    pairs = nest.items() if isinstance(nest, dict) else enumerate(nest)
    return [path for key, part in pairs for path in _paths_in_order(part, f"{prefix}/{key}")]


def describe(nest: Nest) -> str:
    """Returns `int64 of shape (8, 64)`, with names where there are any; for messages."""
    descriptions = []
    for name, leaf in paths(nest):
        kind = "string" if is_text(leaf) else leaf.dtype.name
        descriptions.append(f"{name + ': ' if name else ''}{kind} of shape {leaf.shape}")
    more = len(descriptions) - _MOST_DESCRIBED
    return ", ".join(descriptions[:_MOST_DESCRIBED]) + f" and {more} more" * (more > 0)
