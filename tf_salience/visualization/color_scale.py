"""The diverging colour scale of all views: blue speaks for the target, red against it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = Sequence[float] | npt.NDArray[np.floating[Any]]

POSITIVE = (33, 102, 172)
NEGATIVE = (178, 24, 43)
_WHITE = (255, 255, 255)


def relative_scores(scores: Scores) -> list[float]:
    """Divides scores, (tokens,), by the largest |score|; zeros stay zeros."""
    values = np.asarray(scores, dtype=np.float64)
    largest = np.abs(values).max(initial=0.0)
    return (values / largest if largest > 0 else values).tolist()


def background(relative_score: float) -> str:
    """Returns the colour, `#rrggbb`, behind a token with a relative score in [-1, 1]."""
    return f"#{backgrounds(np.array(relative_score)).tobytes().hex()}"


def backgrounds(relative_scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Returns the colours, (..., 3), behind tokens with relative scores of any shape."""
    full = np.where(relative_scores[..., None] >= 0, POSITIVE, NEGATIVE)
    strength = np.minimum(np.abs(relative_scores), 1.0)[..., None]
    return np.rint(_WHITE + (full - np.array(_WHITE)) * strength).astype(np.uint8)


def foreground(relative_score: float) -> str:
    """Returns the colour of a token's text: black on a light background, white on a dark one."""
    luminance = backgrounds(np.array(relative_score)) @ (0.299, 0.587, 0.114)
    return "#000000" if luminance > 140 else "#ffffff"
