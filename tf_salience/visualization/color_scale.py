"""One diverging scale for every view: blue speaks for the target, red against it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Color = tuple[int, int, int]
Scores = Sequence[float] | npt.NDArray[np.floating[Any]]

POSITIVE: Color = (33, 102, 172)
NEGATIVE: Color = (178, 24, 43)
_WHITE: Color = (255, 255, 255)
_BLACK: Color = (0, 0, 0)


def shares(scores: Scores) -> list[float]:
    """Scores divided by the largest |score|: (tokens,) in [-1, 1]; zeros stay zeros."""
    values = np.asarray(scores, dtype=np.float64)
    largest = np.abs(values).max(initial=0.0)
    return (values / largest if largest > 0 else values).tolist()


def background(share: float) -> Color:
    """The colour behind a token whose share of the largest |score| is `share`, in [-1, 1]."""
    red, green, blue = backgrounds(np.array(share)).tolist()
    return red, green, blue


def backgrounds(shares: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """The colours behind tokens: shares of any shape to (..., 3)."""
    full = np.where(shares[..., None] >= 0, POSITIVE, NEGATIVE)
    strength = np.minimum(np.abs(shares), 1.0)[..., None]
    return np.rint(_WHITE + (full - np.array(_WHITE)) * strength).astype(np.uint8)


def foreground(share: float) -> Color:
    """Black on a light background, white on a dark one."""
    red, green, blue = background(share)
    return _BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _WHITE


def hexadecimal(color: Color) -> str:
    """`#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*color)
