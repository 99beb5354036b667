"""Tokens in a terminal: coloured with rich, or plain text with signed scores."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.spacing import token_spacing

#: The colours of ANSI that are light, as the background of a terminal.
_LIGHT_ANSI = {"7", "9", "10", "11", "12", "13", "14", "15"}


def colored(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
    *,
    signed: bool = True,
) -> Text:
    """Returns the tokens, each on a background as strong as its |score| beside the largest.

    Args:
        tokens: (tokens,).
        scores: (tokens,).
        segments: slices of the tokens by name; the names are shown if there are several.
        words: (tokens,), the index of each token's word, -1 for special tokens, which are dim; no
            space separates the tokens of one word.
        signed: as for `color_scale.backgrounds`.
    """
    text = Text()
    spacing = token_spacing(len(tokens), segments, words)
    relative_scores = color_scale.relative_scores(scores)
    theme = current_theme()
    for token, score, (label, space, special) in zip(tokens, relative_scores, spacing, strict=True):
        text.append(label, style="dim")
        if color_scale.level(score):
            style: Style | str | None = Style(
                color=color_scale.foreground(score, theme, signed=signed),
                bgcolor=color_scale.background(score, theme, signed=signed),
            )
        else:
            style = "dim" if special else None
        text.append(printable(token), style=style)
        text.append(space)
    text.rstrip()
    return text


def plain(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
) -> str:
    """Returns the tokens with their signed scores, for a file or a pipe; see `colored`."""
    spacing = token_spacing(len(tokens), segments, words)
    return "".join(
        f"{label}{printable(token)}({score:+.3g}){space}"
        for token, score, (label, space, _) in zip(tokens, scores, spacing, strict=True)
    ).rstrip()


def current_theme() -> color_scale.Theme:
    """Returns the theme of this terminal, as `COLORFGBG` has it; dark where nothing is known."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return color_scale.LIGHT if background in _LIGHT_ANSI else color_scale.DARK


def has_color() -> bool:
    """True if standard output is a terminal that shows colours."""
    console = Console()
    return is_terminal() and console.color_system is not None and not console.no_color


def is_terminal() -> bool:
    """True if standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def width() -> int | None:
    """Returns the columns of standard output, or None where it is no terminal."""
    return _width() if is_terminal() else None


def wrapped(text: Text | str) -> str:
    """Wraps text at the width of this terminal, with its escape codes where it shows colours.

    Lines break between words, and within those that are wider than the terminal; wide characters,
    joined emoji and combining marks take the columns that they have.
    """
    # rich takes a terminal without escape codes for one of 80 columns, unless it is given both.
    console = Console(width=_width(), height=shutil.get_terminal_size().lines)
    lines = Text(text) if isinstance(text, str) else text
    with console.capture() as capture:
        console.print(lines, end="", overflow="fold", no_wrap=False)
    return capture.get()


def _width() -> int:
    return shutil.get_terminal_size().columns
