"""Lengths of sentences, and the few widths they are cut to."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Few widths are few compiled shapes; from 1 to 128 tokens there are eight.
WIDTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)


def lengths(masks: list[Array]) -> Array:
    """Tokens up to the last real one of any segment: (batch,), from masks (batch, tokens)."""
    ends = [np.where(mask, np.arange(1, mask.shape[1] + 1), 0).max(axis=1) for mask in masks]
    return np.max(ends, axis=0)


def widths(lengths: Array, widest: int) -> Array:
    """The smallest width of the list that holds each length, and at most `widest`: (batch,)."""
    steps = np.array([*(width for width in WIDTHS if width < widest), widest])
    return steps[np.searchsorted(steps, lengths)]
