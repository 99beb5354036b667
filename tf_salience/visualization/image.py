"""Tokens as an image (PNG, SVG or PDF), drawn by matplotlib."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale

#: A caption, tokens, and their scores.
Row = tuple[str, Sequence[str], Sequence[float]]
#: A title and the rows under it.
Group = tuple[str, Sequence[Row]]

# Inches.
_WIDTH = 9.5
_MARGIN = 0.12
_CAPTION_WIDTH = 1.6
_LINE_HEIGHT = 0.3
_GROUP_GAP = 0.12
_TOKEN_GAP = 0.11
_DPI = 144
_GREY = "#666666"


def save_image(groups: Sequence[Group], path: str | PathLike[str]) -> None:
    """Draws groups of rows, tokens beside their captions, and writes them to `path`.

    Args:
        groups: (title, rows) each, a row being (caption, tokens, scores). Each row is coloured by
            its own largest |score|; long rows wrap.
        path: the file; its suffix (`.png`, `.svg`, `.pdf`) chooses the format.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Images need matplotlib. Install it with `pip install 'tf-salience[plot]'`."
        ) from error
    figure = Figure(figsize=(_WIDTH, 1.0), dpi=_DPI)
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    y = _MARGIN
    for title, rows in groups:
        axes.text(_MARGIN, y + 0.04, _escape(title), fontsize=9, va="top", weight="bold")
        y += _LINE_HEIGHT
        for row in rows:
            y = _draw_row(renderer, axes, row, y)
        y += _GROUP_GAP
    figure.set_size_inches(_WIDTH, y)
    axes.set_xlim(0.0, _WIDTH)
    axes.set_ylim(y, 0.0)
    figure.savefig(path, dpi=_DPI, facecolor="white")


def _draw_row(renderer: Any, axes: Any, row: Row, y: float) -> float:
    """Draws a row from `y` inches down; returns the y of the next row."""
    caption, tokens, scores = row
    axes.text(_MARGIN, y + 0.06, _escape(caption), fontsize=8, color=_GREY, va="top")
    x = _CAPTION_WIDTH
    for token, score in zip(tokens, color_scale.relative_scores(scores), strict=True):
        text = axes.text(0, 0, _escape(token), fontsize=9.5, va="top", family="monospace")
        width = text.get_window_extent(renderer).width / _DPI
        if x + width > _WIDTH - _MARGIN and x > _CAPTION_WIDTH:
            x, y = _CAPTION_WIDTH, y + _LINE_HEIGHT
        text.set_position((x, y + 0.06))
        text.set_color(color_scale.foreground(score))
        background = color_scale.background(score)
        text.set_bbox({"facecolor": background, "edgecolor": "none", "boxstyle": "round,pad=0.15"})
        x += width + _TOKEN_GAP
    return y + _LINE_HEIGHT


def _escape(text: str) -> str:
    # A dollar sign would start matplotlib's mathematics; lone surrogates end it with an error.
    return printable(text).replace("$", r"\$")
