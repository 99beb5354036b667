"""Subword tokens of one word merged: their strings, scores, offsets and positions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.explanation.token_salience import FloatArray

NO_WORD = -1

BoolArray = npt.NDArray[np.bool_]


def word_slices(words: Sequence[int]) -> list[slice]:
    """Returns the slice of the tokens axis that each word takes; special tokens stay apart.

    Args:
        words: (tokens,), the index of each token's word, `NO_WORD` for special tokens.
    """
    indices = np.array([NO_WORD, *words])
    starts = np.flatnonzero((indices[1:] != indices[:-1]) | (indices[1:] == NO_WORD)).tolist()
    return list(map(slice, starts, [*starts[1:], len(words)]))


def merge_scores(
    slices: Sequence[Sequence[slice]],
    scores: npt.NDArray[Any],
    mask: BoolArray,
    segments: Mapping[str, slice],
) -> tuple[FloatArray, BoolArray, dict[str, slice]]:
    """Adds up the scores of each word's tokens, with words on the tokens axis of the results.

    A model that does not mask gives scores to padding, too: their sum is kept, in one additional
    column of the segment.

    Args:
        slices: per example the `word_slices` of its real tokens.
        scores: (batch, tokens).
        mask: (batch, tokens), true for real tokens.
        segments: slices of the tokens axis by name.

    Returns:
        The merged scores, their mask and their segments.
    """
    merged = [_merge_segment(slices, scores, mask, segment) for segment in segments.values()]
    segment_scores, segment_masks = zip(*merged, strict=True)
    stops = np.cumsum([segment_mask.shape[1] for segment_mask in segment_masks]).tolist()
    merged_segments = dict(zip(segments, map(slice, [0, *stops], stops), strict=True))
    return np.hstack(segment_scores), np.hstack(segment_masks), merged_segments


def _merge_segment(
    slices: Sequence[Sequence[slice]], scores: npt.NDArray[Any], mask: BoolArray, segment: slice
) -> tuple[FloatArray, BoolArray]:
    """Returns the scores of a segment's words, (batch, words), and their mask."""
    rows = []
    for row_scores, is_real, row_slices in zip(scores, mask, slices, strict=True):
        columns = np.flatnonzero(is_real)
        rows.append(
            [
                float(row_scores[columns[tokens]].sum())
                for tokens in row_slices
                if segment.start <= columns[tokens.start] < segment.stop
            ]
        )
    padding = np.where(mask[:, segment], 0.0, scores[:, segment]).sum(axis=1)
    width = max(map(len, rows), default=0) + bool(padding.any())
    merged_mask = np.arange(width) < np.array([len(row) for row in rows])[:, None]
    merged = np.zeros(merged_mask.shape, np.float32)
    merged[merged_mask] = [score for row in rows for score in row]
    if padding.any():
        merged[:, -1] += padding
    return merged, merged_mask


def merge_tokens(tokens: Sequence[str], slices: Sequence[slice]) -> list[str]:
    """Joins the token strings of each word."""
    return [_join(tokens[word]) for word in slices]


def _join(subwords: Sequence[str]) -> str:
    # "␣" alone is the space before a word; `<0xC3>` is a byte, perhaps a part of a character.
    word = "".join(subwords[1:] if len(subwords) > 1 and subwords[0] == "␣" else subwords)
    return re.sub(r"(?:<0x[0-9A-F]{2}>)+", _decode_bytes, word)


def _decode_bytes(match: re.Match[str]) -> str:
    data = bytes.fromhex(match[0].replace("<0x", "").replace(">", ""))
    try:
        return data.decode("utf-8").lstrip(" ")
    except UnicodeDecodeError:
        return match[0]


def merge_words(words: Sequence[int], slices: Sequence[slice]) -> list[int]:
    """Returns the index of each word, `NO_WORD` for special tokens."""
    return [words[word.start] for word in slices]


def merge_offsets(
    offsets: Sequence[tuple[int, int] | None], slices: Sequence[slice]
) -> list[tuple[int, int] | None]:
    """Returns the offsets of each word, from its first to its last token with offsets."""
    merged: list[tuple[int, int] | None] = []
    for word in slices:
        pairs = [pair for pair in offsets[word] if pair is not None]
        merged.append((pairs[0][0], pairs[-1][1]) if pairs else None)
    return merged


def merge_parts(parts: Mapping[str, slice], slices: Sequence[slice]) -> dict[str, slice]:
    """Converts slices of one example's tokens to slices of its words."""
    starts = [word.start for word in slices]
    return {
        name: slice(*np.searchsorted(starts, [part.start, part.stop]).tolist())
        for name, part in parts.items()
    }


def merge_positions(positions: Sequence[int], slices: Sequence[slice]) -> list[int]:
    """Converts positions among one example's tokens to positions among its words."""
    stops = [word.stop for word in slices]
    return np.searchsorted(stops, positions, side="right").tolist()
