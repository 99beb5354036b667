"""Checks of inputs against what a model takes, before it is run."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models import nests
from tf_salience.models.embeddings import structure
from tf_salience.utils.arrays import Array, Nest


def check_batch(nest: Nest) -> None:
    """Raises a ValueError for an empty batch, arrays of different lengths, or no tokens."""
    leaves = tf.nest.flatten(nest)
    sizes = {len(leaf) for leaf in leaves}
    if sizes == {0}:
        raise ValueError(
            "`inputs` must hold at least one example. "
            f"Received: an empty batch, {nests.describe(nest)}"
        )
    if len(sizes) != 1:
        raise ValueError(
            "All arrays of `inputs` must have the same number of examples. "
            f"Received: {nests.describe(nest)}"
        )
    if any(leaf.ndim > 1 and leaf.shape[1] == 0 for leaf in leaves):
        raise ValueError(
            "There is nothing to explain: no example has a token. "
            f"Received: {nests.describe(nest)}, from empty texts for instance"
        )


def check_signature(model: keras.Model, nest: Nest) -> None:
    """Checks the inputs against the model's symbolic inputs: number, rank, width and dtype.

    Raises:
        TypeError: for texts instead of numbers, numbers instead of texts, or fractions.
        ValueError: for another number of arrays, another rank or width, or numbers too large.
    """
    symbolic = getattr(model, "inputs", None)
    if not symbolic:
        return
    expected = ", ".join(
        f"{tensor.name}: {tensor.dtype} of shape {tuple(tensor.shape)}" for tensor in symbolic[:8]
    ) + f" and {len(symbolic) - 8} more" * (len(symbolic) > 8)
    intro = f"The model {model.name!r} takes {expected}. Received: {nests.describe(nest)}."
    leaves = tf.nest.flatten(nest)
    if len(leaves) != len(symbolic):
        raise ValueError(f"{intro} `inputs` must be {len(symbolic)} arrays, as a tuple or a dict.")
    if isinstance(nest, dict):
        if not {tensor.name for tensor in symbolic} <= set(nest):
            return  # Its keys are those of the model's own dict of inputs, which Keras matches.
        leaves = [nest[tensor.name] for tensor in symbolic]
    for leaf, tensor in zip(leaves, symbolic, strict=True):
        _check_dtype(leaf, tensor, intro)
        _check_shape(leaf, tensor, intro)


def _check_dtype(leaf: Array, tensor: Any, intro: str) -> None:
    if getattr(tensor, "ragged", False):
        raise ValueError(
            f"{intro} It takes ragged tensors, in which no token is padding. Sentences that "
            "are explained together are padded, and this model would read that. Make it of dense "
            "ids: `keras.Input((None,))`, and `mask_zero=True` in its embedding."
        )
    if nests.is_text(leaf) != (tensor.dtype == "string"):
        raise TypeError(f"{intro} Texts cannot replace numbers, nor numbers texts.")
    if "int" in tensor.dtype and leaf.dtype.kind == "f" and not (leaf == np.round(leaf)).all():
        # Keras would cut the fractions off without a warning.
        fraction = leaf[leaf != np.round(leaf)][0]
        raise TypeError(f"{intro} Some numbers are not whole, such as {fraction}.")
    if tensor.dtype == "int32" and (np.abs(leaf.astype(np.float64)) >= 2**31).any():
        raise ValueError(f"{intro} Some numbers do not fit into {tensor.dtype}.")


def _check_shape(leaf: Array, tensor: Any, intro: str) -> None:
    if leaf.ndim != len(tensor.shape):
        if nests.is_text(leaf) and {leaf.ndim, len(tensor.shape)} == {1, 2}:
            return  # Keras adds or drops the last axis of (batch, 1).
        fix = " For a single example add a batch axis: `inputs[None]`." * (leaf.ndim == 1)
        raise ValueError(f"{intro} The ranks differ.{fix}")
    if leaf.ndim == 2 and tensor.shape[1] not in (None, leaf.shape[1]):
        longer = leaf.shape[1] > tensor.shape[1]
        raise ValueError(
            f"{intro} The sentences are {'longer' if longer else 'shorter'} than the model "
            f"takes: {leaf.shape[1]} tokens instead of {tensor.shape[1]}. "
            f"{nests.pad_sequences_fix(tensor.shape[1])}"
        )


def check_embedded(model: keras.Model, nest: Nest, unread: Sequence[int], layer_name: str) -> None:
    """Raises a ValueError if a layer was guessed that does not embed some of the ids.

    Args:
        model: the model.
        nest: its inputs.
        unread: the numbers of the inputs, flattened, that no embedding layer reads.
        layer_name: the layer that was taken for that of the tokens.
    """
    missed = [
        name or f"number {number}"
        for number, (name, leaf) in enumerate(nests.named(model, nest))
        if number in unread and nests.may_be_ids(name, leaf)
    ]
    if missed:
        raise ValueError(
            f"No embedding layer of the model {model.name!r} reads the input {missed[0]!r}, so it "
            f"is not known whether {layer_name!r} embeds the tokens. Received: embeddings=None. "
            f"If it does, pass `embeddings={layer_name!r}`; otherwise name the layer that turns "
            f"{missed[0]!r} into vectors of shape (batch, tokens, dim)."
        )


def check_stateless(model: keras.Model) -> None:
    """Raises a ValueError for a model that carries state from batch to batch."""
    stateful = structure.stateful_layers(model)
    if stateful:
        batch = structure.fixed_batch_size(model)
        raise ValueError(
            f"The model {model.name!r} is stateful: its layer {stateful[0].name!r} carries a state "
            "from batch to batch, so its outputs for an example depend on earlier examples. "
            f"Received: a model of batches of {batch}. Make it again with `stateful=False` and "
            "`keras.Input((tokens,))` (`Input(batch_shape=...)` fixes the batch), and copy the "
            "weights: `new.set_weights(model.get_weights())`."
        )
