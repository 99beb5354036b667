"""The diverging colour scale of all views: blue speaks for the target, red against it."""

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


def relative_scores(scores: Scores) -> list[float]:
    """Divides scores, (tokens,), by the largest |score|; zeros stay zeros."""
    values = np.asarray(scores, dtype=np.float64)
    largest = np.abs(values).max(initial=0.0)
    return (values / largest if largest > 0 else values).tolist()


def background(relative_score: float) -> Color:
    """Returns the colour behind a token with a relative score in [-1, 1]."""
    red, green, blue = backgrounds(np.array(relative_score)).tolist()
    return red, green, blue


def backgrounds(relative_scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Returns the colours, (..., 3), behind tokens with relative scores of any shape."""
    full = np.where(relative_scores[..., None] >= 0, POSITIVE, NEGATIVE)
    strength = np.minimum(np.abs(relative_scores), 1.0)[..., None]
    return np.rint(_WHITE + (full - np.array(_WHITE)) * strength).astype(np.uint8)


def foreground(relative_score: float) -> Color:
    """Returns the colour of a token's text: black on a light background, white on a dark one."""
    red, green, blue = background(relative_score)
    return _BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _WHITE


def hexadecimal(color: Color) -> str:
    """Formats a colour as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*color)
