"""The history of one sentence as a picture: a row for each token, a column for each evaluation."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_salience.visualization import color_scale

#: Pixels.
_ROW, _LETTERS, _MARGIN, _GAP = 20, 13, 8, 6
#: The width of a column: as wide as the columns all have room, within these.
_NARROW, _WIDE, _ROOM = 4, 44, 880
_GREY = (102, 102, 102)
_BLACK = (0, 0, 0)
#: A label below, each so many pixels.
_LABEL_EVERY = 56


def strip(
    title: str, tokens: Sequence[str], columns: Sequence[tuple[str, color_scale.Scores]]
) -> tuple[bytes, tuple[int, int]]:
    """Draws the history: blue speaks for the target, red against it.

    Each column is coloured by its own largest |score|. Where there are more columns than room,
    some are left out, evenly; the first and the last stay.

    Args:
        title: a line above.
        tokens: (tokens,).
        columns: a label and scores, (tokens,), for each evaluation.

    Returns:
        The picture as PNG, and its (width, height).
    """
    most = _ROOM // _NARROW
    if len(columns) > most:
        kept = np.linspace(0, len(columns) - 1, most).round().astype(int)
        columns = [columns[number] for number in kept]
    font = _font(_LETTERS)
    # A line break has no place in a row.
    title, tokens = " ".join(title.split()), [" ".join(token.split()) for token in tokens]
    left = _MARGIN + _GAP + max((round(font.getlength(token)) for token in tokens), default=0)
    wide = max(_NARROW, min(_WIDE, _ROOM // max(len(columns), 1)))
    top = _MARGIN + _ROW
    width = max(left + wide * len(columns), round(font.getlength(title)) + _MARGIN) + _MARGIN
    height = top + _ROW * (len(tokens) + 1) + _MARGIN
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((_MARGIN, _MARGIN), title, fill=_GREY, font=font)
    for row, token in enumerate(tokens):
        place = (left - _GAP, top + _ROW * row + _ROW // 2)
        draw.text(place, token, fill=_BLACK, font=font, anchor="rm")
    if columns and tokens:
        cells = Image.fromarray(_cells([scores for _, scores in columns]))
        size = (wide * len(columns), _ROW * len(tokens))
        picture.paste(cells.resize(size, Image.Resampling.NEAREST), (left, top))
    _label(draw, [label for label, _ in columns], left, wide, top + _ROW * len(tokens))
    file = io.BytesIO()
    # Flat colours are small however little time is spent on it.
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue(), (width, height)


def _cells(columns: Sequence[color_scale.Scores]) -> Any:
    """The colours, (tokens, columns, 3), as bytes."""
    return color_scale.backgrounds(np.array([color_scale.shares(one) for one in columns]).T)


def _label(draw: Any, labels: Sequence[str], left: int, wide: int, y: int) -> None:
    every = max(1, -(-_LABEL_EVERY // wide))
    for number in range(0, len(labels), every):
        place = (left + wide * number + wide // 2, y + _ROW // 2)
        draw.text(place, labels[number], fill=_GREY, font=_font(_LETTERS - 2), anchor="mm")


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)
