"""Texts with their classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class LabelledTexts:
    """Texts and, if there are labels, the class of each.

    Attributes:
        texts: list of strings, (batch,).
        labels: int64 class indices, (batch,), or None.
        class_names: the names of the classes, (classes,), or None.
        rationales: for each text the words that should decide, or None.
    """

    texts: list[str]
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    rationales: list[list[str]] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: Sequence[int] | np.ndarray) -> LabelledTexts:
        """Returns the texts with these indices, in this order."""
        indices = np.asarray(indices, dtype=np.int64)
        labels = None if self.labels is None else self.labels[indices]
        rationales = self.rationales and [self.rationales[index] for index in indices]
        return dataclasses.replace(
            self,
            texts=[self.texts[index] for index in indices],
            labels=labels,
            rationales=rationales,
        )


def split_train_test(
    data: LabelledTexts, *, test_share: float, seed: int
) -> tuple[LabelledTexts, LabelledTexts]:
    """Splits at random into a training and a test part.

    Args:
        data: at least two texts.
        test_share: fraction of the texts in the test part, between 0 and 1; each part gets at least
            one text.
        seed: seed of the random order.

    Returns:
        The training part and the test part.

    Raises:
        ValueError: if `test_share` is not between 0 and 1 or there are fewer than two texts.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"`test_share` must be between 0 and 1. Received: test_share={test_share}")
    if len(data) < 2:
        raise ValueError(f"A split needs at least two texts. Received: {len(data)} texts")
    order = np.random.default_rng(seed).permutation(len(data))
    test_count = min(max(round(test_share * len(data)), 1), len(data) - 1)
    return data.take(order[test_count:]), data.take(order[:test_count])
