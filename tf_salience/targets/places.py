"""Places among the tokens: outputs that are one a token, and columns that a user names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets.columns import Context
from tf_salience.utils import validation


def repeated(which: Any, examples: Sequence[int]) -> Any:
    """What is said once for all examples, or once for each of these."""
    if which is None or isinstance(which, str) or validation.is_integer(which):
        return which
    return [which[number] for number in examples]


def ranked(context: Context, target: str, kind: str) -> Any:
    """Outputs as (batch, tokens, classes), one for each of the tokens."""
    outputs = context.outputs
    if isinstance(outputs, dict | list | tuple) or len(outputs.shape) != 3:
        shapes = tf.nest.map_structure(lambda output: tuple(output.shape), outputs)
        raise ValueError(
            f"`{target}` explains a {kind}, whose outputs have shape (batch, tokens, classes). "
            f"Received: outputs of shape {shapes}"
        )
    tokens = None if context.predicted is None else context.predicted.mask.shape[1]
    # A model may leave the last output out, which predicts what is not there.
    if tokens is not None and outputs.shape[1] not in (tokens, tokens - 1):
        raise ValueError(
            f"`{target}` explains a {kind}, which has an output for each token. Received: "
            f"{outputs.shape[1]} outputs for {tokens} tokens. Pass a callable as `target`."
        )
    return np.asarray(outputs)


def check_real(places: Any, context: Context) -> None:
    """Raises a ValueError for a position that is padding."""
    if context.predicted is None:
        return
    padding = np.flatnonzero(~context.predicted.mask[np.arange(len(places)), places])
    if len(padding):
        row = padding[0]
        raise ValueError(
            "`position` must be that of a real token. Received: position="
            f"{places[row]}, which is padding in {validation.format_examples([int(context.examples[row])])}. "
            "Pass one position an example, or count from the end: -1."
        )


def columns_of(which: Any, argument: str, context: Context, most: int) -> Any:
    """Columns among the tokens, one an example: (batch,)."""
    each = np.asarray(which)
    if each.dtype.kind not in "iu" or each.ndim > 1:
        raise TypeError(f"`{argument}` must be an integer, or one an example. Received: {which!r}")
    if each.ndim and len(each) != context.total:
        raise ValueError(
            f"`{argument}` must be one integer, or one an example. Received: {len(each)} for "
            f"{context.total} examples"
        )
    each = each[context.examples] if each.ndim else np.full(len(context.examples), int(each))
    if (each < 0).any() and context.predicted is None:
        raise ValueError(
            f"`{argument}` can count from the end where it is known which tokens are real. "
            f"Received: {argument}={which!r}, and segments of different tokens. Pass a column."
        )
    if context.predicted is not None:
        each = np.where(each < 0, each + context.predicted.ends()[1], each)
    wrong = np.flatnonzero((each < 0) | (each >= most))
    if len(wrong):
        raise ValueError(
            f"`{argument}` must be a column from 0 to {most - 1}, or count from the end. Received: "
            f"{argument}={which!r}, in {validation.format_examples([int(context.examples[wrong[0]])])}"
        )
    return each
