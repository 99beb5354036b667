"""`sentence`: tokens as lines of text, as in a notebook."""

import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.plot import axes
from tf_salience.visualization.plot.axes import Axes
from tf_salience.visualization.spacing import token_spacing

#: Points.
FONT_SIZE, _NUMBER_SIZE, _LABEL_SIZE = 11.0, 7.5, 8.0
LINE_HEIGHT, MARGIN, TOP, BASELINE = 24.0, 8.0, 4.0, 12.0
_GAP, _PIECE_GAP, _PADDING, _BOX_HEIGHT = 7.0, 1.0, 2.5, 16.0
_BAR_HEIGHTS = (0.5, 3.5)
_WIDTH = 8.0


class _Piece(NamedTuple):
    """A text of a line: a token, a number or the label of a segment.

    Attributes:
        text: the text.
        width: in points.
        gap: the space after it.
        size: of the font.
        is_italic: true for labels and special tokens.
        score: relative, in [-1, 1]; None for text that is not a token.
    """

    text: str
    width: float
    gap: float
    size: float
    is_italic: bool
    score: float | None


def sentence(
    salience: Any,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    numbers: bool = False,
    largest: float | None = None,
) -> Axes:
    """Draws the tokens of one example, each on the colour of its score with a bar below it.

    Args:
        salience: a `TokenSalience`.
        ax: the Axes, whose width the lines have; None: of a new figure.
        title: a line above the tokens; None: `salience.header`.
        numbers: whether each token is followed by its score.
        largest: the |score| with the strongest colour, where several sentences are compared; None:
            the largest of this one.

    Returns:
        The Axes.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
        TypeError: for anything but one example.

    Example:
        >>> explanation = tfs.explain(model, ["not a good film"])
        >>> tfs.plot.sentence(explanation[0]).figure.savefig("sentence.svg")
    """
    axes.check_drawable(
        "salience", salience, "is_signed", "a TokenSalience, one example: `explanation[0]`"
    )
    pieces = _pieces(salience, numbers, largest)
    if ax is None:
        count = len(_lines(pieces, _WIDTH * axes.POINTS_PER_INCH - 2 * MARGIN))
        has_title = title is None or title
        height = count * LINE_HEIGHT + MARGIN + (LINE_HEIGHT if has_title else 0.0)
        ax = axes.axes_or_new(None, _WIDTH, height / axes.POINTS_PER_INCH)
    title = salience.header if title is None else title
    if title:
        axes.set_title(ax, title)
    is_rtl = _is_right_to_left(salience)
    _draw(ax, pieces, signed=salience.is_signed, is_rtl=is_rtl)
    return ax


def line_count(salience: Any, width: float) -> int:
    """Returns how many lines the tokens of an example take in a width, in points."""
    return len(_lines(_pieces(salience, False, None), width - 2 * MARGIN))


def _pieces(salience: Any, numbers: bool, largest: float | None) -> list[_Piece]:
    scores = salience.scores.tolist()
    relative_scores = color_scale.relative_scores(scores, largest)
    spacing = token_spacing(len(scores), salience.segments, salience.words)
    texts = [printable(token) for token in salience.tokens]
    widths = axes.text_widths(texts, FONT_SIZE)
    number_texts = [f"{score:+.3g}" for score in scores] if numbers else [""] * len(scores)
    number_widths = axes.text_widths(number_texts, _NUMBER_SIZE)
    pieces = []
    for index, (label, space, is_special) in enumerate(spacing):
        if label:
            (width,) = axes.text_widths([label.strip()], _LABEL_SIZE)
            pieces.append(_Piece(label.strip(), width, _GAP, _LABEL_SIZE, True, None))
        gap = _GAP if space else _PIECE_GAP
        width = widths[index] + 2 * _PADDING
        relative = relative_scores[index]
        token_gap = 0.0 if numbers else gap
        pieces.append(_Piece(texts[index], width, token_gap, FONT_SIZE, is_special, relative))
        if numbers:
            text, width = number_texts[index], number_widths[index] + 2 * _PADDING
            pieces.append(_Piece(text, width, gap, _NUMBER_SIZE, False, None))
    return pieces


def _lines(pieces: Sequence[_Piece], width: float) -> list[list[tuple[float, _Piece]]]:
    """Returns the pieces of each line with their distance from its start, in points."""
    lines: list[list[tuple[float, _Piece]]] = [[]]
    x = 0.0
    for piece in pieces:
        if x + piece.width > width and lines[-1]:
            lines.append([])
            x = 0.0
        lines[-1].append((x, piece))
        x += piece.width + piece.gap
    return lines


def _draw(ax: Axes, pieces: Sequence[_Piece], *, signed: bool, is_rtl: bool) -> None:
    ax.set_axis_off()
    if ax.figure.get_layout_engine() is not None:
        # The size of the Axes is known once they are laid out.
        ax.figure.draw_without_rendering()
    points = axes.POINTS_PER_INCH / ax.figure.dpi
    width, height = ax.bbox.width * points, ax.bbox.height * points
    lines = _lines(pieces, width - 2 * MARGIN)
    theme = axes.theme_of(ax)
    ax.set_xlim(0.0, width)
    ax.set_ylim(max(height, len(lines) * LINE_HEIGHT), 0.0)
    for number, line in enumerate(lines):
        top = TOP + LINE_HEIGHT * number
        for start, piece in line:
            x = width - MARGIN - start - piece.width if is_rtl else MARGIN + start
            _draw_piece(ax, piece, x, top, theme=theme, signed=signed)


def _draw_piece(
    ax: Axes, piece: _Piece, x: float, top: float, *, theme: color_scale.Theme, signed: bool
) -> None:
    level = 0 if piece.score is None else color_scale.level(piece.score)
    color = color_scale.as_hex(theme.text)
    if piece.score is not None and level:
        color = color_scale.foreground(piece.score, theme, signed=signed)
        _draw_box(ax, piece.score, (x, top, piece.width), theme=theme, signed=signed)
    ax.text(
        x + piece.width / 2,
        top + BASELINE,
        piece.text,
        size=piece.size,
        color=color,
        style="italic" if piece.is_italic else "normal",
        ha="center",
        va="baseline",
        parse_math=False,
    )


def _draw_box(
    ax: Axes,
    score: float,
    place: tuple[float, float, float],
    *,
    theme: color_scale.Theme,
    signed: bool,
) -> None:
    """Draws the background of a token, and the bar below it, dashed against the target."""
    from matplotlib.patches import Rectangle

    x, top, width = place
    background = color_scale.background(score, theme, signed=signed)
    thin, thick = _BAR_HEIGHTS
    height = thin + (thick - thin) * min(abs(score), 1.0)
    bar = color_scale.bar(score, theme, signed=signed)
    ax.add_patch(Rectangle((x, top), width, _BOX_HEIGHT, facecolor=background, linewidth=0))
    # A dash and a gap of 3 points each; the last may be shorter.
    dash = 3.0 if score < 0 else width
    start = 0.0
    while start < width:
        dash_width = min(dash, width - start)
        ax.add_patch(
            Rectangle((x + start, top + _BOX_HEIGHT), dash_width, height, facecolor=bar, lw=0)
        )
        start += 2 * dash


def _is_right_to_left(salience: Any) -> bool:
    """True if the first letter of a token that is not special is of a right-to-left script."""
    words = [0] * len(salience.tokens) if salience.words is None else salience.words
    for token, word in zip(salience.tokens, words, strict=True):
        for character in token if word >= 0 else "":
            direction = unicodedata.bidirectional(character)
            if direction in ("L", "R", "AL"):
                return direction != "L"
    return False
