"""Tokens cut out of their sequence: those that follow move up, and padding fills the end.

Of a text that would be empty one token stays, at the baseline: a mean over no tokens is no number.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution.execution.path_batch import PathBatch
from tf_salience.attribution.path import PathInputs
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array

#: Rows whose inputs are made at a time.
_ROWS = 16384
#: Examples on which it is tried whether padding is masked, and the difference that rounding makes.
_TRIED, _TOLERANCE = 8, 1e-4


def targets(
    forward: ForwardPass, batch: PathBatch, example: Array, removed: Sequence[Array]
) -> Array:
    """Computes the target of each row, (rows,), with some tokens cut out.

    Args:
        forward: the forward pass of the examples.
        batch: the examples.
        example: (rows,), the index of each row's example.
        removed: one for each segment, (rows, tokens), true for the tokens to cut out.
    """
    values = np.zeros(len(example))
    for start in range(0, len(example), _ROWS):
        rows = slice(start, start + _ROWS)
        members = example[rows]
        pairs = [
            _kept_from_empty(columns[rows], mask[members])
            for columns, mask in zip(removed, batch.masks, strict=True)
        ]
        inputs = _without(forward, batch.inputs.take(members), [cut for cut, _ in pairs])
        erased = np.concatenate([kept for _, kept in pairs], axis=1)
        values[rows] = batch.runner.target_without(
            inputs, batch.widths, np.arange(len(members)), erased
        )
    validation.check_finite(
        "The target without some tokens",
        values,
        fix="Check the model on texts of few tokens, or choose another eraser.",
        examples=batch.numbers[example].tolist(),
    )
    return values


def check_removes(forward: ForwardPass, batch: PathBatch) -> None:
    """Raises a ValueError where a token cannot be cut out, or padding changes the output.

    The last token of some examples is cut out, and the padding in its place becomes noise.
    """
    lengths = np.min([mask.sum(axis=1) for mask in batch.masks], axis=0)
    example = np.flatnonzero(lengths > 1)[:_TRIED]
    removed = []
    for mask in batch.masks:
        last = mask.shape[1] - 1 - np.argmax(mask[example, ::-1], axis=1)
        removed.append((np.arange(mask.shape[1]) == last[:, None]) & mask[example])
    inputs = _without(forward, batch.inputs.take(example), removed)
    rows = np.arange(len(example))
    padding = np.concatenate([_is_filled(columns) for columns in removed], axis=1)
    generator = np.random.default_rng(0)
    noise = tuple(
        tf.constant(generator.normal(0.0, 10.0, (1, 1, embeddings.shape[2])), embeddings.dtype)
        for embeddings in batch.embeddings
    )
    short, noisy = (
        batch.runner.target_without(
            PathInputs(inputs.nest, inputs.vectorized, inputs.target_indices, baselines),
            batch.widths,
            rows,
            mask,
        )
        for baselines, mask in (
            (inputs.baselines, np.zeros_like(padding)),
            (noise, padding),
        )
    )
    if (np.abs(short - noisy) > _TOLERANCE * np.abs(short).max(initial=0.0)).any():
        raise ValueError(
            "`eraser='remove'` needs a model that masks its padding, because padding replaces the "
            "tokens that are cut out. Received: a model whose target changes with the embeddings "
            "of its padding. Mask it (`mask_zero=True`), or choose another eraser, 'baseline' for "
            "instance."
        )


def _kept_from_empty(removed: Array, mask: Array) -> tuple[Array, Array]:
    """Takes the first real token from what is removed where that is all, (rows, tokens) both.

    Returns:
        What is removed, and the tokens that stay instead.
    """
    is_first = np.cumsum(mask, axis=1) * mask == 1
    kept = is_first & (removed | ~mask).all(axis=1, keepdims=True)
    return removed & ~kept, kept & removed


def _without(forward: ForwardPass, inputs: PathInputs, removed: Sequence[Array]) -> PathInputs:
    """Returns the inputs of rows without the removed tokens."""
    leaves, vectorized = list(tf.nest.flatten(inputs.nest)), list(inputs.vectorized)
    for segment, columns in zip(forward.segments, removed, strict=True):
        order = np.argsort(columns, axis=1, kind="stable")
        filled = _is_filled(columns)
        for arrays, number, fill in _places(forward, segment, leaves, vectorized):
            array = np.take_along_axis(np.asarray(arrays[number]), order, axis=1)
            arrays[number] = np.where(filled, np.asarray(fill, array.dtype), array)
    nest = tf.nest.pack_sequence_as(inputs.nest, leaves)
    return PathInputs(nest, tuple(vectorized), inputs.target_indices, inputs.baselines)


def _is_filled(removed: Array) -> Array:
    """Returns the columns that padding fills, (rows, tokens): as many at the end as are removed."""
    width = removed.shape[1]
    return np.arange(width) >= width - removed.sum(axis=1)[:, None]


def _places(
    forward: ForwardPass, segment: Segment, leaves: list[Any], vectorized: list[Any]
) -> Iterator[tuple[list[Any], int, int]]:
    """Yields the arrays with a value for each token of a segment, and what padding is in them."""
    pad_id = segment.tokenizer.pad_id or 0
    number = _of_vectorizer(forward, segment)
    if number is not None:
        yield vectorized, number, pad_id
        return
    wide = [number for number, leaf in enumerate(leaves) if len(leaf.shape) > 1]
    is_plain = segment.source >= 0 and segment.slice_of is None
    # What else has a value for each token (a mask, segment ids) goes with the only text.
    if len(forward.segments) == 1:
        is_plain &= all(leaves[number].shape[1:] == (segment.width,) for number in wide)
        beside = [number for number in wide if number != segment.source]
    else:
        is_plain &= {other.source for other in forward.segments} >= set(wide)
        beside = []
    if not is_plain:
        raise ValueError(
            "`eraser='remove'` cuts tokens out of inputs of ids: of one text and the inputs that "
            "have a value for each of its tokens, or of several texts without such inputs. "
            f"Received: embeddings of layer {segment.layer.name!r} with other ids. Choose another "
            "eraser, 'baseline' for instance."
        )
    yield leaves, segment.source, pad_id
    for number in beside:
        yield leaves, number, 0


def _of_vectorizer(forward: ForwardPass, segment: Segment) -> int | None:
    """Returns the number of the `TextVectorization` layer that gave the ids of a segment."""
    ids = np.asarray(segment.ids)
    for number, column in enumerate(forward.vectorized):
        if np.array_equal(np.asarray(column), ids):
            return number
    return None
