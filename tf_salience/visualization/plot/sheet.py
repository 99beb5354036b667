"""A sheet of sentences: titles, and under each the same text by several methods."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from tf_salience.utils.text import printable
from tf_salience.visualization.plot import axes
from tf_salience.visualization.plot.token_lines import (
    BASELINE,
    LINE_HEIGHT,
    MARGIN,
    TOP,
    line_count,
    sentence,
)

#: A title, and the captions and `TokenSalience`s of the rows under it.
Group = tuple[str, Sequence[tuple[str, Any]]]

# Points.
_WIDTH, _CAPTION_WIDTH, _TITLE_HEIGHT, _GAP = 720.0, 116.0, 18.0, 12.0


def save_sheet(groups: Sequence[Group], path: str | PathLike[str]) -> None:
    """Draws groups of rows, tokens beside their captions, and writes them to a file.

    Args:
        groups: each row is coloured by its own largest |score|; long rows wrap.
        path: the file; its suffix (`.png`, `.svg`, `.pdf`) chooses the format.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
    """
    axes.require_matplotlib()
    tokens_width = _WIDTH - _CAPTION_WIDTH
    heights = [
        [line_count(salience, tokens_width) * LINE_HEIGHT for _, salience in rows]
        for _, rows in groups
    ]
    total = sum(_TITLE_HEIGHT + sum(rows) + _GAP for rows in heights) + 2 * MARGIN
    figure = axes.make_figure(_WIDTH / axes.POINTS_PER_INCH, total / axes.POINTS_PER_INCH)
    y = total - MARGIN
    for (title, rows), row_heights in zip(groups, heights, strict=True):
        _text(figure, title, (MARGIN, y - 12.0), size=9.5, weight="bold")
        y -= _TITLE_HEIGHT
        for (caption, salience), height in zip(rows, row_heights, strict=True):
            _text(figure, caption, (MARGIN, y - TOP - BASELINE), size=8.0, alpha=0.7)
            y -= height
            place = (_CAPTION_WIDTH / _WIDTH, y / total, tokens_width / _WIDTH, height / total)
            sentence(salience, figure.add_axes(place), title="")
        y -= _GAP
    figure.savefig(path)


def _text(figure: Any, text: str, place: tuple[float, float], **style: Any) -> None:
    """Writes text at a place in points from the lower left corner."""
    width, height = figure.get_size_inches() * axes.POINTS_PER_INCH
    figure.text(place[0] / width, place[1] / height, printable(text), parse_math=False, **style)
