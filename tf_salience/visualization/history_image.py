"""The history of one probe's scores as an image: a row for each token, a column an evaluation."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale

# Pixels.
_ROW_HEIGHT, _FONT_SIZE, _MARGIN, _TOKEN_GAP = 20, 13, 8, 6
# Of each column; of all columns together.
_MIN_COLUMN_WIDTH, _MAX_COLUMN_WIDTH, _MAX_COLUMNS_WIDTH = 4, 44, 880
_LABEL_DISTANCE = 56
_GREY = (102, 102, 102)


def draw_history(
    title: str, tokens: Sequence[str], columns: Sequence[tuple[str, color_scale.Scores]]
) -> tuple[bytes, tuple[int, int]]:
    """Draws the history: blue speaks for the target, red against it.

    Each column is coloured by its own largest |score|. Columns that find no room are left out,
    evenly; the first and the last are always drawn.

    Args:
        title: a line above the history.
        tokens: (tokens,).
        columns: a label and scores, (tokens,), for each evaluation.

    Returns:
        The image as PNG, and its (width, height).
    """
    columns = _thin_out(columns)
    title, tokens = printable(title), [printable(token) for token in tokens]
    font = _font(_FONT_SIZE)
    left = _MARGIN + _TOKEN_GAP + max((round(font.getlength(token)) for token in tokens), default=0)
    top = _MARGIN + _ROW_HEIGHT
    fitting_width = _MAX_COLUMNS_WIDTH // max(len(columns), 1)
    column_width = max(_MIN_COLUMN_WIDTH, min(_MAX_COLUMN_WIDTH, fitting_width))
    right = max(left + column_width * len(columns), round(font.getlength(title)) + _MARGIN)
    bottom = top + _ROW_HEIGHT * len(tokens)
    size = (right + _MARGIN, bottom + _ROW_HEIGHT + _MARGIN)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.text((_MARGIN, _MARGIN), title, fill=_GREY, font=font)
    for row, token in enumerate(tokens):
        position = (left - _TOKEN_GAP, top + _ROW_HEIGHT * row + _ROW_HEIGHT // 2)
        draw.text(position, token, fill="black", font=font, anchor="rm")
    if columns and tokens:
        scores = np.array([color_scale.relative_scores(column) for _, column in columns]).T
        cells = Image.fromarray(color_scale.backgrounds(scores))
        cells_size = (column_width * len(columns), _ROW_HEIGHT * len(tokens))
        image.paste(cells.resize(cells_size, Image.Resampling.NEAREST), (left, top))
    _draw_labels(draw, [label for label, _ in columns], left, column_width, bottom)
    file = io.BytesIO()
    # The fastest level: flat colours compress well at any.
    image.save(file, "PNG", compress_level=1)
    return file.getvalue(), size


def _thin_out(columns: Sequence[Any]) -> Sequence[Any]:
    count = min(len(columns), _MAX_COLUMNS_WIDTH // _MIN_COLUMN_WIDTH)
    indices = np.linspace(0, len(columns) - 1, count).round().astype(int)
    return [columns[index] for index in indices]


def _draw_labels(draw: Any, labels: Sequence[str], left: int, column_width: int, y: int) -> None:
    columns_per_label = max(1, -(-_LABEL_DISTANCE // column_width))
    for column in range(0, len(labels), columns_per_label):
        position = (left + column_width * column + column_width // 2, y + _ROW_HEIGHT // 2)
        draw.text(position, labels[column], fill=_GREY, font=_font(_FONT_SIZE - 2), anchor="mm")


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)
