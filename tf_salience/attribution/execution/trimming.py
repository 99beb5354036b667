"""Trailing padding, cut off where it is shown not to change the target."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution import result
from tf_salience.attribution.execution.path_batch import Array, PathBatch
from tf_salience.attribution.methods import Method
from tf_salience.attribution.result import Attribution
from tf_salience.utils import arrays

#: Few widths are few compiled shapes; from 1 to 128 tokens there are eight.
WIDTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)

#: How closely targets must agree for padding to count as without influence, relative to themselves
#: and to the largest target of the batch.
_TOLERANCE = 1e-5
_ROUNDING = 1e-6
#: About how many examples of a group are tried half-way and with noise; all are at the input.
_TRIED = 8


def lengths(masks: tuple[Array, ...]) -> Array:
    """Returns the tokens up to the last real one of any segment, (batch,)."""
    ends = [np.where(mask, np.arange(1, mask.shape[1] + 1), 0).max(axis=1) for mask in masks]
    return np.max(ends, axis=0)


def padded_widths(lengths: Array, full: int) -> Array:
    """Returns the smallest width of `WIDTHS` that holds each length, at most `full`: (batch,)."""
    widths = np.array([*(width for width in WIDTHS if width < full), full])
    return widths[np.searchsorted(widths, lengths)]


class PaddingTrimmer:
    """Explains examples of similar length together, at the width that they need.

    A width is proven once for a full width and remembered: the proof shows how the model treats its
    padding. That nothing moves at the input is checked for every example, where its path ends.
    """

    def __init__(self) -> None:
        self._padding_is_idle: dict[tuple[int, int], bool] = {}

    def attribute(self, method: Method, batch: PathBatch) -> Attribution:
        """Computes the method's attribution of every example.

        Args:
            method: the method.
            batch: the examples, whose segments are all of one width.
        """
        (full,) = set(batch.widths)
        groups = self._groups(batch, full)
        order: list[Array] = []
        attributions: list[Attribution] = []
        while groups:
            examples, width = groups.pop()
            path = batch.take(examples).cut(width)
            attribution = method(path)
            # The width was proven with other examples, and may be wrong for these.
            kept = np.ones(len(examples), bool)
            if width < full:
                kept = _agree(path.end_targets(), path.outputs)
            if not kept.all():
                groups.append((examples[~kept], full))
            segments = arrays.split_columns(attribution.scores, path.widths)
            scores = [arrays.pad_tokens(segment, full) for segment in segments]
            order.append(examples[kept])
            attributions.append(
                replace(attribution, scores=np.concatenate(scores, axis=1)).take(kept)
            )
        return result.join(attributions).take(np.argsort(np.concatenate(order)))

    def target_without(self, batch: PathBatch, example: Array, erased: Array) -> Array:
        """Computes the target with some tokens at their baseline; see `path.Path`.

        Args:
            batch: the examples, whose segments are all of one width.
            example: (rows,), the index of each row's example.
            erased: (rows, tokens), true for the tokens to erase, all segments side by side.
        """
        (full,) = set(batch.widths)
        targets = np.zeros(len(example))
        groups = self._groups(batch, full)
        while groups:
            examples, width = groups.pop()
            path = batch.take(examples).cut(width)
            kept = np.ones(len(examples), bool)
            if width < full:
                kept = _agree(path.end_targets(), path.outputs)
            if not kept.all():
                groups.append((examples[~kept], full))
            place = np.full(len(batch.numbers), -1)
            place[examples[kept]] = np.flatnonzero(kept)
            rows = np.flatnonzero(place[example] >= 0)
            if not len(rows):
                continue
            segments = arrays.split_columns(erased[rows], batch.widths)
            cut = np.concatenate([segment[:, :width] for segment in segments], axis=1)
            targets[rows] = path.target_without(place[example[rows]], cut)
        return targets

    def _groups(self, batch: PathBatch, full: int) -> list[tuple[Array, int]]:
        """Groups the examples by the width at which they are explained."""
        widths = padded_widths(lengths(batch.masks), full)
        for width in np.unique(widths[widths < full]).tolist():
            examples = np.flatnonzero(widths == width)
            if (width, full) not in self._padding_is_idle:
                tried = examples[:: max(1, len(examples) // _TRIED)]
                self._padding_is_idle[width, full] = padding_is_idle(batch.take(tried), width)
            if not self._padding_is_idle[width, full]:
                widths[examples] = full
        return [(np.flatnonzero(widths == width), width) for width in np.unique(widths).tolist()]


def padding_is_idle(batch: PathBatch, width: int) -> bool:
    """True if the tokens beyond `width` have no influence on the target.

    They are cut off, at the input and half-way; and they are replaced by strong noise, one way and
    the other. Without the noise a saturated target, or a maximum that lies elsewhere, would pass
    for a mask.
    """
    short = batch.cut(width)
    try:
        pairs = [
            (short.target_at(1.0), batch.outputs),
            # By the function that the noise needs, too: another graph is not traced.
            (short.target_at(0.5), batch.target_with(_halfway(batch))),
            *((batch.target_with(noisy), batch.outputs) for noisy in _noisy(batch, width)),
        ]
    except (ValueError, TypeError, AssertionError, tf.errors.OpError):
        return False  # The model takes one width and no other.
    return all(_agree(targets, expected).all() for targets, expected in pairs)


def _halfway(batch: PathBatch) -> list[Any]:
    """Returns the embeddings of each segment half-way from the baseline."""
    return [
        tf.cast((np.asarray(baseline) + np.asarray(embeddings)) / 2.0, embeddings.dtype)
        for baseline, embeddings in zip(batch.inputs.baselines, batch.embeddings, strict=True)
    ]


def _noisy(batch: PathBatch, width: int) -> Iterator[list[Array]]:
    """Yields the embeddings of each segment with noise beyond `width`, then with its opposite."""
    generator = np.random.default_rng(0)
    noises = [
        10.0 * max(1.0, np.abs(embeddings).max()) * generator.standard_normal(embeddings.shape)
        for embeddings in batch.embeddings
    ]
    beyond = (np.arange(max(batch.widths)) >= width)[None, :, None]
    for sign in (1.0, -1.0):
        yield [
            embeddings + tf.cast(np.where(beyond, sign * noise, 0.0), embeddings.dtype)
            for embeddings, noise in zip(batch.embeddings, noises, strict=True)
        ]


def _agree(targets: Array, expected: Array) -> Array:
    """True where targets agree, (batch,), up to the rounding of sums as large as the largest."""
    allowed = _TOLERANCE * np.abs(expected) + _ROUNDING * np.abs(expected).max()
    return np.abs(targets - expected) <= allowed
