"""From what a user passes to the nest of arrays that the model takes."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.data import tf_data

Nest = Any
#: What a text is taken to have before it is split.
_TEXT_TOKENS = 128

_UNNAMED = ("keras_tensor", "input_layer", "input_")

#: Words in the names of inputs that go with ids and are none.
_BESIDE_IDS = ("mask", "segment", "type", "position")

Encoder = Callable[[npt.NDArray[Any]], Any]


def arrays(value: Any, pad_id: int | None = None) -> Nest:
    """What a user passes as a nest of arrays, each with a batch axis.

    Dicts, tuples and lists of arrays are nests; everything else becomes one array. A single text is
    a batch of one.

    Args:
        value: what the user passes.
        pad_id: the id of padding, where it is known.

    Raises:
        TypeError: for elements that are neither texts nor numbers.
        ValueError: for ragged lists, ragged tensors where padding is not 0, or a single number.
    """
    if isinstance(value, dict):
        return {key: arrays(item, pad_id) for key, item in value.items()}
    if isinstance(value, tuple) or (
        isinstance(value, list) and value and all(_is_array(item) for item in value)
    ):
        return tuple(arrays(item, pad_id) for item in value)
    if isinstance(value, str | bytes):
        return np.array([value], dtype=object)
    if isinstance(value, tf.RaggedTensor):
        value = tf_data.dense(value, pad_id)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            "`inputs` must be rectangular. Received: a list whose rows have different lengths. Pad "
            "them with `keras.utils.pad_sequences(inputs, padding='post')`."
        ) from error
    return _checked(array, value)


def prepare(nest: Nest, model: keras.Model, *, takes_text: bool, encode: Encoder | None) -> Nest:
    """The model's inputs as arrays with one leading batch axis, from what `arrays` gave.

    Args:
        nest: arrays, texts among them.
        model: what the inputs are for.
        takes_text: whether the model itself takes strings.
        encode: texts (batch,) to ids (batch, tokens), for a model that does not take text.

    Raises:
        TypeError: for inputs of a kind or dtype that the model does not take.
        ValueError: for an empty batch, arrays of different lengths, another number or rank.
    """
    if texts(nest) and not takes_text:
        if encode is None:
            raise TypeError(
                f"The model {model.name!r} takes numbers, and no `tokenizer` is given that turns "
                "texts into ids. Received: texts. Pass `tokenizer=` a "
                "keras.layers.TextVectorization or, for a KerasHub model without a preprocessor, "
                "that preprocessor; or pass the ids."
            )
        nest = tf.nest.map_structure(
            lambda leaf: encode(leaf) if is_text(leaf) and len(leaf) else leaf, nest
        )
    leaves = tf.nest.flatten(nest)
    sizes = {len(leaf) for leaf in leaves}
    if sizes == {0}:
        raise ValueError(
            f"`inputs` must hold at least one example. Received: an empty batch, {describe(nest)}"
        )
    if len(sizes) != 1:
        raise ValueError(
            "All arrays of `inputs` must have the same number of examples. "
            f"Received: {describe(nest)}"
        )
    if any(leaf.ndim > 1 and leaf.shape[1] == 0 for leaf in leaves):
        raise ValueError(
            "There is nothing to explain: no example has a token. "
            f"Received: {describe(nest)}, from empty texts for instance"
        )
    _check_signature(model, leaves, nest)
    return nest


def texts(nest: Nest) -> list[npt.NDArray[Any]]:
    """The arrays that hold texts."""
    return [leaf for leaf in tf.nest.flatten(nest) if is_text(leaf)]


def is_text(leaf: npt.NDArray[Any]) -> bool:
    """Whether an array holds strings."""
    return leaf.dtype.kind in "OSU"


def describe(nest: Nest) -> str:
    """`int64 of shape (8, 64)`, with names where there are any; for messages."""
    parts = []
    for name, leaf in paths(nest):
        kind = "string" if is_text(leaf) else leaf.dtype.name
        parts.append(f"{name + ': ' if name else ''}{kind} of shape {leaf.shape}")
    return ", ".join(parts)


def order(model: keras.Model, nest: Nest) -> list[str]:
    """The names of the inputs as the user thinks of them: the model's order, or the dict's own."""
    struct = getattr(model, "input", None) if getattr(model, "inputs", None) else None
    if isinstance(struct, dict):
        # As the model was made; Keras' own list of inputs has them by the alphabet.
        return [tensor.name for tensor in struct.values() if hasattr(tensor, "name")]
    if struct is not None:
        return [tensor.name for tensor in model.inputs]
    return list(nest) if isinstance(nest, dict) else []


def size(nest: Nest) -> int:
    """How many examples there are."""
    return len(tf.nest.flatten(nest)[0])


def width(nest: Nest) -> int:
    """How many tokens an example may have: the longest second axis; a guess where there is none."""
    widths = [
        leaf.shape[1] for leaf in tf.nest.flatten(nest) if leaf.ndim > 1 and not is_text(leaf)
    ]
    return max(widths, default=_TEXT_TOKENS)


def take(nest: Nest, examples: npt.NDArray[Any]) -> Nest:
    """Some of the examples."""
    return tf.nest.map_structure(lambda leaf: leaf[examples], nest)


def cut(nest: Nest, width: int, tokens: int) -> Nest:
    """Every array whose second axis is `width` wide, cut to its first `tokens` columns."""
    return tf.nest.map_structure(
        lambda leaf: leaf[:, :tokens] if leaf.ndim >= 2 and leaf.shape[1] == width else leaf, nest
    )


def paths(nest: Nest) -> list[tuple[str, Any]]:
    """Each leaf with its path, `encoder/mask`; "" for a leaf alone."""
    pairs = keras.tree.flatten_with_path(nest)
    return [("/".join(str(key) for key in path), leaf) for path, leaf in pairs]


def named(model: keras.Model, nest: Nest) -> list[tuple[str, npt.NDArray[Any]]]:
    """Each array with its key in a dict, the model's own name for it, or ""."""
    if isinstance(nest, dict):
        return paths(nest)
    leaves = tf.nest.flatten(nest)
    symbolic = getattr(model, "inputs", None) or []
    if len(symbolic) != len(leaves):
        return [("", leaf) for leaf in leaves]
    return [
        # Keras' own counting is no name that a user gave.
        ("" if tensor.name.startswith(_UNNAMED) else tensor.name, leaf)
        for tensor, leaf in zip(symbolic, leaves, strict=True)
    ]


def may_be_ids(name: str, leaf: Any) -> bool:
    """Whether an input may be the ids of tokens: whole numbers or texts, and not named a mask."""
    whole = is_text(leaf) or leaf.dtype.kind in "iu"
    several = leaf.ndim > 1 and leaf.shape[1] > 1
    return whole and (several or is_text(leaf)) and not any(word in name for word in _BESIDE_IDS)


def check_read(model: keras.Model, nest: Nest, unread: Sequence[int], taken: str) -> None:
    """Raises a ValueError if a layer was guessed, and it is not what reads some of the ids.

    Args:
        model: the model.
        nest: its inputs.
        unread: the numbers of those that no embedding layer reads, flattened.
        taken: the layer that was taken for that of the tokens.
    """
    pairs = named(model, nest)
    missed = [
        name or f"number {number}"
        for number, (name, leaf) in enumerate(pairs)
        if number in unread and may_be_ids(name, leaf)
    ]
    if missed:
        raise ValueError(
            f"The model {model.name!r} reads the input {missed[0]!r} by no embedding layer, so it "
            f"cannot be told whether {taken!r} embeds the tokens. Received: embeddings=None. If "
            f"it does, say so: `embeddings={taken!r}`; else name the layer that turns "
            f"{missed[0]!r} into vectors of shape (batch, tokens, dim)."
        )


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | tf.Tensor | tf.Variable | tf.RaggedTensor)


def _checked(array: npt.NDArray[Any], value: Any) -> npt.NDArray[Any]:
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
        raise ValueError(f"`inputs` must have a batch axis. Received: {value!r}, a single number")
    return array


def _check_signature(model: keras.Model, leaves: list[npt.NDArray[Any]], nest: Nest) -> None:
    """What the model's own symbolic inputs say: how many, of which rank, width and kind."""
    symbolic = getattr(model, "inputs", None)
    if not symbolic:
        return
    expected = ", ".join(
        f"{tensor.name}: {tensor.dtype} of shape {tuple(tensor.shape)}" for tensor in symbolic
    )
    text = f"The model {model.name!r} takes {expected}. Received: {describe(nest)}."
    if len(leaves) != len(symbolic):
        raise ValueError(f"{text} `inputs` must be {len(symbolic)} arrays, as a tuple or a dict.")
    if isinstance(nest, dict):
        if not {tensor.name for tensor in symbolic} <= set(nest):
            return  # Its keys are those of the model's own dict of inputs, which Keras matches.
        leaves = [nest[tensor.name] for tensor in symbolic]
    for leaf, tensor in zip(leaves, symbolic, strict=True):
        if getattr(tensor, "ragged", False):
            raise ValueError(
                f"{text} It takes ragged tensors, in which no token is padding; explained together "
                "sentences are padded, which this model would read. Make it of dense ids: "
                "`keras.Input((None,))`, and `mask_zero=True` in its embedding."
            )
        if is_text(leaf) != (tensor.dtype == "string"):
            raise TypeError(f"{text} Texts and numbers cannot stand for each other.")
        if "int" in tensor.dtype and leaf.dtype.kind == "f" and not (leaf == np.round(leaf)).all():
            # Keras would cut the fractions off, in silence.
            fraction = leaf[leaf != np.round(leaf)][0]
            raise TypeError(f"{text} Some numbers are not whole, such as {fraction}.")
        if tensor.dtype == "int32" and (np.abs(leaf.astype(np.float64)) >= 2**31).any():
            raise ValueError(f"{text} Some numbers do not fit into {tensor.dtype}.")
        if leaf.ndim != len(tensor.shape):
            if is_text(leaf) and {leaf.ndim, len(tensor.shape)} == {1, 2}:
                continue  # Keras adds or drops the last axis of (batch, 1).
            hint = " For a single example add a batch axis: `inputs[None]`." * (leaf.ndim == 1)
            raise ValueError(f"{text} The ranks differ.{hint}")
        if leaf.ndim == 2 and tensor.shape[1] not in (None, leaf.shape[1]):
            longer = leaf.shape[1] > tensor.shape[1]
            raise ValueError(
                f"{text} The sentences are {'longer' if longer else 'shorter'} than the model "
                f"takes: {leaf.shape[1]} tokens instead of {tensor.shape[1]}. "
                f"{'Truncate' if longer else 'Pad'} them with "
                f"`keras.utils.pad_sequences(inputs, maxlen={tensor.shape[1]}, padding='post', "
                "truncating='post')`."
            )
