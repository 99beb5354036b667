"""Tokens as a picture (PNG, SVG or PDF), drawn by matplotlib."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from tf_salience.views import palette

Row = tuple[str, Sequence[str], Sequence[float]]

_INCHES_WIDE = 8.0
_LINE = 0.34
_DPI = 160


def save_image(rows: Sequence[Row], path: str | PathLike[str]) -> None:
    """Draws rows of tokens under their captions and writes them to `path`.

    Args:
        rows: (caption, tokens, scores) each; a row's colours are scaled by its own largest
            |score|, and long rows wrap.
        path: where to; the suffix (`.png`, `.svg`, `.pdf`) chooses the format.

    Raises:
        ImportError: without matplotlib, which the extra `plot` brings.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures are drawn by matplotlib. Install it with `pip install 'tf-salience[plot]'`."
        ) from error
    figure = Figure(figsize=(_INCHES_WIDE, 1.0), dpi=_DPI)
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    y = 0.1
    for caption, tokens, scores in rows:
        y = _draw_row(renderer, axes, caption, tokens, scores, y) + 0.16
    figure.set_size_inches(_INCHES_WIDE, y)
    axes.set_xlim(0.0, _INCHES_WIDE)
    axes.set_ylim(y, 0.0)
    figure.savefig(path, dpi=_DPI, facecolor="white")


def _draw_row(
    renderer: Any,
    axes: Any,
    caption: str,
    tokens: Sequence[str],
    scores: Sequence[float],
    y: float,
) -> float:
    """Draws one row from `y` inches down; returns where it ends."""
    axes.text(0.15, y, caption, fontsize=8, color="#666666", va="top", family="sans-serif")
    x, y = 0.15, y + 0.24
    for token, share in zip(tokens, palette.shares(scores), strict=True):
        # A dollar sign would start matplotlib's mathematics.
        text = axes.text(0, 0, token.replace("$", r"\$"), fontsize=11, va="top", family="monospace")
        width = text.get_window_extent(renderer).width / _DPI
        if x + width > _INCHES_WIDE - 0.15 and x > 0.15:
            x, y = 0.15, y + _LINE
        text.set_position((x, y + 0.03))
        text.set_color(palette.hexadecimal(palette.foreground(share)))
        text.set_bbox(
            {
                "facecolor": palette.hexadecimal(palette.background(share)),
                "edgecolor": "none",
                "boxstyle": "round,pad=0.15",
            }
        )
        x += width + 0.14
    return y + _LINE
