"""The colours of all views: blue speaks for the target, red against it, amber has no sign.

Zero is the background of the page. Red, blue and amber can be distinguished with each kind of
colour blindness, also in their light shades; the views have a bar or a number beside the colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = Sequence[float] | npt.NDArray[np.floating[Any]]
Rgb = tuple[int, int, int]

#: The steps of the scale where colours are classes or characters, from zero to the largest score.
LEVELS = 10
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
#: How far the bar under a token is from the token's colour, towards the text's.
_BAR_SHARE = 0.45
#: sRGB to linear light and to luminance, as WCAG 2 defines them.
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])

#: Methods whose scores are at least 0, and speak neither for nor against the target.
_UNSIGNED_METHODS = ("gradient_norm",)


@dataclass(frozen=True)
class Theme:
    """The colours of a page and of the largest scores on it.

    Attributes:
        page: behind the text, and behind a score of zero.
        text: of the page.
        positive: behind the largest score that speaks for the target.
        negative: behind the largest that speaks against it.
        unsigned: behind the largest of scores without a sign.
    """

    page: Rgb
    text: Rgb
    positive: Rgb
    negative: Rgb
    unsigned: Rgb


LIGHT = Theme(_WHITE, (31, 35, 40), (33, 102, 172), (178, 24, 43), (154, 103, 0))
DARK = Theme((24, 26, 31), (230, 232, 236), (42, 116, 197), (196, 48, 60), (154, 103, 0))


def is_signed(method: str | None) -> bool:
    """True if the scores of a method, by its name, speak for or against the target."""
    return method not in _UNSIGNED_METHODS


def largest_score(rows: Sequence[Scores]) -> float:
    """Returns the largest |score| of several rows, (tokens,) each, which then share a scale."""
    return max((float(np.abs(row).max(initial=0.0)) for row in map(np.asarray, rows)), default=0.0)


def relative_scores(scores: Scores, largest: float | None = None) -> list[float]:
    """Divides scores, (tokens,), by the largest |score|; zeros stay zeros.

    Args:
        scores: (tokens,).
        largest: the largest |score| of all that are compared; None: of these alone.
    """
    values = np.asarray(scores, dtype=np.float64)
    largest = largest_score([values]) if largest is None else largest
    return (values / largest if largest > 0 else values).tolist()


def level(relative_score: float) -> int:
    """Returns the step of the scale, -`LEVELS` to `LEVELS`; 0 has the colour of the page."""
    return round(LEVELS * min(max(relative_score, -1.0), 1.0))


def backgrounds(
    relative_scores: npt.NDArray[np.floating[Any]], theme: Theme = LIGHT, *, signed: bool = True
) -> npt.NDArray[np.uint8]:
    """Returns the colours, (..., 3), behind tokens with relative scores of any shape.

    Args:
        relative_scores: (...), in [-1, 1].
        theme: the theme of the page.
        signed: whether scores speak for or against the target; else they are at least 0.
    """
    strongest = (theme.positive, theme.negative) if signed else (theme.unsigned, theme.unsigned)
    full = np.where(relative_scores[..., None] >= 0, *strongest)
    strength = np.minimum(np.abs(relative_scores), 1.0)[..., None]
    return np.rint(np.array(theme.page) + (full - np.array(theme.page)) * strength).astype(np.uint8)


def background(relative_score: float, theme: Theme = LIGHT, *, signed: bool = True) -> str:
    """Returns the colour, `#rrggbb`, behind a token with a relative score in [-1, 1]."""
    return as_hex(backgrounds(np.array(relative_score), theme, signed=signed))


def foreground(relative_score: float, theme: Theme = LIGHT, *, signed: bool = True) -> str:
    """Returns the colour of a token's text: black or white, whichever has more contrast.

    One of the two always has a contrast of 4.58 and more, above the 4.5 of WCAG 2.
    """
    light = luminance(backgrounds(np.array(relative_score), theme, signed=signed))
    return as_hex(_BLACK if (light + 0.05) ** 2 > 0.05 * 1.05 else _WHITE)


def bar(relative_score: float, theme: Theme = LIGHT, *, signed: bool = True) -> str:
    """Returns the colour of the bar under a token, which is seen on the page and on the token."""
    full = backgrounds(np.sign(np.array(relative_score)), theme, signed=signed).astype(float)
    return as_hex(np.rint(full + (np.array(theme.text) - full) * _BAR_SHARE))


def theme_of(page: Sequence[float] | npt.NDArray[Any]) -> Theme:
    """Returns the theme for a page of a colour, (r, g, b) from 0 to 255."""
    return DARK if luminance(np.asarray(page)) < 0.18 else LIGHT


def luminance(color: npt.NDArray[Any]) -> float:
    """Computes the relative luminance, 0 to 1, of a colour, (3,) from 0 to 255."""
    share = np.asarray(color, np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ _LUMINANCE)


def as_hex(color: Sequence[int] | npt.NDArray[Any]) -> str:
    """Returns a colour, (3,) from 0 to 255, as `#rrggbb`."""
    return f"#{np.asarray(color).astype(np.uint8).tobytes().hex()}"
