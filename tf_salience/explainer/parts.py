"""What was found for some of a call's examples, and the parts of a call put together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.attribution import result
from tf_salience.tokenizers import Tokenizer

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Part:
    """What was found for some of the examples.

    Attributes:
        attribution: the numbers; scores (batch, tokens) with all segments side by side.
        masks: one a segment, (batch, tokens), true for real tokens.
        ids: one a segment, (batch, tokens), or None where the layer is not called on ids.
        names: one a segment.
        held: (batch, columns), what the target held.
        target_names: one an example.
        output: (batch,), the target at the input.
    """

    attribution: result.Attribution
    masks: list[Array]
    ids: list[Array | None]
    names: list[str]
    target_indices: Array
    target_names: list[str]
    output: Array

    @property
    def widths(self) -> list[int]:
        """One a segment: its tokens, padding included."""
        return [mask.shape[1] for mask in self.masks]

    def widened(self, widths: Sequence[int]) -> "Part":
        """The same with wider segments, whose new columns are padding."""
        scores = result.widened(self.attribution.scores, self.widths, widths)
        return replace(
            self,
            attribution=replace(self.attribution, scores=scores),
            masks=[_wide(mask, width) for mask, width in zip(self.masks, widths, strict=True)],
            ids=[
                None if ids is None else _wide(ids, width)
                for ids, width in zip(self.ids, widths, strict=True)
            ],
        )

    def arranged(self, order: Sequence[int]) -> "Part":
        """The segments with these numbers, in this order."""
        columns = np.split(self.attribution.scores, np.cumsum(self.widths)[:-1], axis=1)
        scores = np.concatenate([columns[number] for number in order], axis=1)
        return replace(
            self,
            attribution=replace(self.attribution, scores=scores),
            masks=[self.masks[number] for number in order],
            ids=[self.ids[number] for number in order],
            names=[self.names[number] for number in order],
        )

    def spelled(self, tokens: Tokenizer) -> list[tuple[list[str], list[int]]]:
        """The real tokens of each example as they are read, and the number of each one's word.

        Where no ids are known, `#3` for position 3. Words are counted through all segments.
        """
        rows: list[tuple[list[str], list[int]]] = [([], []) for _ in self.output]
        for ids, mask in zip(self.ids, self.masks, strict=True):
            for number, (strings, words) in enumerate(rows):
                real = np.flatnonzero(mask[number])
                if ids is None:
                    strings.extend(f"#{position}" for position in real)
                    continue
                token_strings = tokens.token_strings(ids[number, real])
                strings.extend(token_strings.strings)
                first = max(words, default=-1) + 1
                words.extend(
                    one + first if one >= 0 else one
                    for one in token_strings.words or range(len(token_strings.strings))
                )
        return rows

    def empty(self) -> list[int]:
        """The examples without a real token."""
        return np.flatnonzero(~np.concatenate(self.masks, axis=1).any(axis=1)).tolist()

    def all_unknown(self, tokens: Tokenizer) -> list[int]:
        """The examples that have real tokens, every one of them the unknown one."""
        words, known = [], []
        for ids, mask in zip(self.ids, self.masks, strict=True):
            if ids is None or tokens.unknown_id is None:
                return []
            words.append(mask & ~np.isin(ids, list(tokens.special_ids)))
            known.append(words[-1] & (ids != tokens.unknown_id))
        some, any_known = (np.concatenate(each, axis=1).any(axis=1) for each in (words, known))
        return np.flatnonzero(some & ~any_known).tolist()


def joined(parts: Sequence[Part]) -> Part:
    """The parts of one call as one, their segments as wide as the widest."""
    widths = np.max([part.widths for part in parts], axis=0).tolist()
    wide = [part.widened(widths) for part in parts]
    segments = range(len(widths))
    ids: list[list[Any]] = [[part.ids[i] for part in wide] for i in segments]
    return Part(
        attribution=result.joined([part.attribution for part in wide]),
        masks=[np.concatenate([part.masks[i] for part in wide]) for i in segments],
        ids=[None if each[0] is None else np.concatenate(each) for each in ids],
        names=wide[0].names,
        target_indices=_held([part.target_indices for part in wide]),
        target_names=[name for part in wide for name in part.target_names],
        output=np.concatenate([part.output for part in wide]),
    )


def _held(columns: Sequence[Array]) -> Array:
    """What the target held, (batch, columns): a longer stretch of text has more of them."""
    most = max(one.shape[1] for one in columns)
    fill = [np.pad(one, [(0, 0), (0, most - one.shape[1])], constant_values=-1) for one in columns]
    return np.concatenate(fill)


def _wide(array: Array, width: int) -> Array:
    return np.pad(array, [(0, 0), (0, width - array.shape[1])])
