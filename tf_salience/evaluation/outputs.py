"""`ErasedOutputs`: a model's outputs for texts with sets of tokens erased, each run once."""

from collections.abc import Sequence

import numpy as np

from tf_salience.explainer.erasing import Erasing
from tf_salience.utils.arrays import Array


class ErasedOutputs:
    """The outputs of a model for texts of which sets of tokens are erased.

    Rankings that agree ask for the same sets; each is run once, and all in full chunks.

    Args:
        erasing: the texts.
        positions: for each text the columns of the tokens that may be erased, (tokens,).

    Attributes:
        passes: the number of forward passes so far.
    """

    def __init__(self, erasing: Erasing, positions: Sequence[Array]) -> None:
        self._erasing = erasing
        self._positions = positions
        self._width = sum(erasing.widths)
        self._known: dict[tuple[int, bytes], float] = {}
        self.passes = 0

    def of_masks(self, texts: Sequence[int], masks: Sequence[Array]) -> list[Array]:
        """Computes the outputs for groups of sets, each of one text.

        Args:
            texts: (groups,), the number of each group's text.
            masks: for each group (sets, tokens), true for tokens to erase, of those that may be.

        Returns:
            For each group (sets,), float64.
        """
        keys = [
            [(text, row.tobytes()) for row in np.packbits(sets, axis=1, bitorder="little")]
            for text, sets in zip(texts, masks, strict=True)
        ]
        self._run({key for group in keys for key in group} - self._known.keys())
        return [np.array([self._known[key] for key in group]) for group in keys]

    def of_sets(self, texts: Sequence[int], sets: Sequence[int]) -> Array:
        """Computes the outputs, (rows,), for sets of tokens as the bits of integers."""
        keys = [
            (text, erased.to_bytes((len(self._positions[text]) + 7) // 8, "little"))
            for text, erased in zip(texts, sets, strict=True)
        ]
        self._run(set(keys) - self._known.keys())
        return np.array([self._known[key] for key in keys])

    def _run(self, missing: set[tuple[int, bytes]]) -> None:
        if not missing:
            return
        keys = sorted(missing)
        example = np.array([text for text, _ in keys])
        erased = np.zeros((len(keys), self._width), bool)
        starts = np.flatnonzero(np.diff(example, prepend=-1)).tolist()
        for start, stop in zip(starts, [*starts[1:], len(keys)], strict=True):
            positions = self._positions[int(example[start])]
            data = b"".join(row for _, row in keys[start:stop])
            packed = np.frombuffer(data, np.uint8).reshape(stop - start, -1)
            bits = np.unpackbits(packed, axis=1, bitorder="little")[:, : len(positions)]
            erased[start:stop, positions] = bits.astype(bool)
        self._known.update(zip(keys, self._erasing(example, erased).tolist(), strict=True))
        self.passes += len(keys)
