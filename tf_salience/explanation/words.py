"""Pieces of words put together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

NO_WORD = -1


@dataclass(frozen=True)
class Merged:
    """What `merged` gives; the fields are those of `Explanation`."""

    tokens: list[list[str]]
    words: list[list[int]]
    scores: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]
    segments: dict[str, slice]


def runs(words: Sequence[int]) -> list[slice]:
    """The tokens of each word, special tokens one by one."""
    found, start = [], 0
    for word, pieces in groupby(words):
        size = len(list(pieces))
        steps = [1] * size if word == NO_WORD else [size]
        for step in steps:
            found.append(slice(start, start + step))
            start += step
    return found


def merged(
    tokens: Sequence[Sequence[str]],
    words: Sequence[Sequence[int]],
    scores: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_],
    segments: Mapping[str, slice],
) -> Merged:
    """The pieces of each word as one token, whose score is their sum.

    What a model that does not mask gives to its padding is kept, in one column of each segment.

    Args:
        tokens: per example its real tokens.
        words: per example the number of each one's word.
        scores: (batch, tokens).
        mask: (batch, tokens).
        segments: name to the slice of the tokens axis.
    """
    owners = [np.flatnonzero(real) for real in mask]
    columns, masks, ends = [], [], {}
    start = 0
    for name, segment in segments.items():
        rows = [
            [
                float(scores[row, own[run]].sum())
                for run in runs(words[row])
                if segment.start <= own[run.start] < segment.stop
            ]
            for row, own in enumerate(owners)
        ]
        padding = np.where(mask[:, segment], 0.0, scores[:, segment]).sum(axis=1)
        width = max(len(row) for row in rows) + bool(padding.any())
        real = np.arange(width) < np.array([len(row) for row in rows])[:, None]
        column = np.zeros((len(rows), width), np.float32)
        column[real] = [score for row in rows for score in row]
        if padding.any():
            # The last column is nobody's word: rows that fill all others are as wide without it.
            column[:, -1] += padding
        columns.append(column)
        masks.append(real)
        ends[name] = slice(start, start + width)
        start += width
    return Merged(
        tokens=[
            [_joined(row[run]) for run in runs(own)] for row, own in zip(tokens, words, strict=True)
        ],
        words=[[own[run.start] for run in runs(own)] for own in words],
        scores=np.concatenate(columns, axis=1),
        mask=np.concatenate(masks, axis=1),
        segments=ends,
    )


def _joined(pieces: Sequence[str]) -> str:
    """A word from its pieces, the first of which may be no more than the space before it.

    Bytes, shown as `<0xC3>`, may be whole characters once they are together.
    """
    word = "".join(pieces[1:] if len(pieces) > 1 and pieces[0] == "␣" else pieces)
    return re.sub(r"(?:<0x[0-9A-F]{2}>)+", _characters, word)


def _characters(match: re.Match[str]) -> str:
    data = bytes.fromhex(match[0].replace("<0x", "").replace(">", ""))
    try:
        return data.decode("utf-8").lstrip(" ")
    except UnicodeDecodeError:
        return match[0]


def moved(parts: Mapping[str, slice], words: Sequence[int]) -> dict[str, slice]:
    """Slices of one example's tokens as slices of its words."""
    starts = [run.start for run in runs(words)]
    return {
        name: slice(*(int(np.searchsorted(starts, end)) for end in (part.start, part.stop)))
        for name, part in parts.items()
    }


def spread(
    offsets: Sequence[tuple[int, int] | None], words: Sequence[int]
) -> list[tuple[int, int] | None]:
    """The places of words from those of their pieces; None where no piece has one."""
    found = []
    for run in runs(words):
        known = [place for place in offsets[run] if place is not None]
        found.append((known[0][0], known[-1][1]) if known else None)
    return found


def places_of_words(places: Sequence[int], words: Sequence[int]) -> list[int]:
    """Where the word of each of some tokens stands among the words."""
    owner = [number for number, run in enumerate(runs(words)) for _ in range(run.stop - run.start)]
    return [owner[place] for place in places]
