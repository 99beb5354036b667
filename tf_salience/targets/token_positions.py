"""Positions among the tokens: outputs per token, and the columns that a user names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets.context import Context
from tf_salience.utils import validation
from tf_salience.utils.validation import format_value


def values_at(value: Any, examples: Sequence[int]) -> Any:
    """Returns a single value as it is, or of a sequence the values of these examples."""
    if value is None or isinstance(value, str) or validation.is_integer(value):
        return value
    return [value[example] for example in examples]


def bounds(mask: Any) -> tuple[Any, Any]:
    """Returns the columns of the first real token and after the last one, (batch,) both.

    Args:
        mask: (batch, tokens), true for real tokens.
    """
    columns, has_tokens = np.arange(mask.shape[1]), mask.any(axis=1)
    first = np.where(mask, columns, len(columns)).min(axis=1)
    return np.where(has_tokens, first, 0), np.where(mask, columns + 1, 0).max(axis=1)


def token_outputs(context: Context, target: str, model_kind: str) -> Any:
    """Returns the outputs as an array, (batch, tokens, classes).

    Args:
        context: the examples.
        target: the name of the target, for messages.
        model_kind: the models that it explains, for messages.

    Raises:
        ValueError: for outputs of another shape, or not one per token.
    """
    outputs = context.outputs
    if isinstance(outputs, dict | list | tuple) or len(outputs.shape) != 3:
        shapes = tf.nest.map_structure(lambda output: tuple(output.shape), outputs)
        raise ValueError(
            f"`{target}` explains a {model_kind}, whose outputs have shape (batch, tokens, "
            f"classes). Received: outputs of shape {format_value(shapes)}"
        )
    predicted = context.predicted_tokens
    tokens = None if predicted is None else predicted.mask.shape[1]
    # A model may omit the last output, which predicts a token after the text.
    if tokens is not None and outputs.shape[1] not in (tokens, tokens - 1):
        raise ValueError(
            f"`{target}` explains a {model_kind}, which has an output for each token. Received: "
            f"{outputs.shape[1]} outputs for {tokens} tokens. Pass a callable as `target`."
        )
    return np.asarray(outputs)


def check_real(columns: Any, context: Context) -> None:
    """Raises a ValueError if a column, (batch,), is padding in its example."""
    if context.predicted_tokens is None:
        return
    mask = context.predicted_tokens.mask
    padding = np.flatnonzero(~mask[np.arange(len(columns)), columns])
    if len(padding):
        row = padding[0]
        example = validation.format_examples([int(context.examples[row])])
        raise ValueError(
            "`position` must be that of a real token. Received: position="
            f"{columns[row]}, which is padding in {example}. "
            "Pass one position per example, or count from the end: -1."
        )


def columns(positions: Any, argument: str, context: Context, limit: int) -> Any:
    """Returns the columns of token positions, (batch,).

    Args:
        positions: an integer, or one per example of the user; negative from the end of the real
            tokens.
        argument: the name of the user's argument, for messages.
        context: the examples.
        limit: the number of columns.

    Raises:
        TypeError: for positions that are not integers.
        ValueError: for a position out of range, or another number of them than examples.
    """
    array = np.asarray(positions)
    if array.dtype.kind not in "iu" or array.ndim > 1:
        raise TypeError(
            f"`{argument}` must be an integer, or one per example. "
            f"Received: {format_value(positions)}"
        )
    if array.ndim and len(array) != context.total:
        raise ValueError(
            f"`{argument}` must be one integer, or one per example. Received: {len(array)} for "
            f"{context.total} examples"
        )
    array = array[context.examples] if array.ndim else np.full(len(context.examples), int(array))
    if context.predicted_tokens is not None:
        _, stops = bounds(context.predicted_tokens.mask)
        array = np.where(array < 0, array + stops, array)
    elif (array < 0).any():
        raise ValueError(
            f"`{argument}` can count from the end only if it is known which tokens are real. "
            f"Received: {argument}={format_value(positions)}, and segments of different tokens. "
            "Pass a column."
        )
    invalid = np.flatnonzero((array < 0) | (array >= limit))
    if len(invalid):
        example = validation.format_examples([int(context.examples[invalid[0]])])
        raise ValueError(
            f"`{argument}` must be a column from 0 to {limit - 1}, or count from the end. "
            f"Received: {argument}={format_value(positions)}, in {example}"
        )
    return array
