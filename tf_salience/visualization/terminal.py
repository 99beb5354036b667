"""Tokens in a terminal: coloured with rich, or plain text with signed scores."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from tf_salience.visualization import color_scale, spacing


def colored(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
) -> Text:
    """The tokens, each on a background as strong as its share of the largest |score|.

    Args:
        tokens: (tokens,).
        scores: (tokens,).
        segments: name to slice; several are set apart by their names.
        words: (tokens,), the number of the word that each token is a piece of, -1 for special
            tokens, which are dim; pieces of one word stand side by side.
    """
    text = Text()
    starts = spacing.starts(segments)
    spaced = spacing.after(len(tokens), words)
    for place, (token, share) in enumerate(zip(tokens, color_scale.shares(scores), strict=True)):
        if place in starts:
            text.append(f"[{starts[place]}] ", style="dim")
        style = Style(
            color=color_scale.hexadecimal(color_scale.foreground(share)),
            bgcolor=color_scale.hexadecimal(color_scale.background(share)),
        )
        special = words is not None and words[place] < 0
        text.append(token, style=style if share else "dim" if special else None)
        text.append(" " if spaced[place] else "")
    text.rstrip()
    return text


def plain(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
) -> str:
    """The tokens with their scores, sign included, for a file or a pipe; see `colored`."""
    starts = spacing.starts(segments)
    spaced = spacing.after(len(tokens), words)
    return "".join(
        (f"[{starts[place]}] " if place in starts else "")
        + f"{token}({score:+.3g})"
        + (" " if spaced[place] else "")
        for place, (token, score) in enumerate(zip(tokens, scores, strict=True))
    ).rstrip()


def has_color() -> bool:
    """Whether standard output is a terminal that shows colours."""
    return sys.stdout is not None and sys.stdout.isatty() and Console().color_system is not None


def to_ansi(text: Text) -> str:
    """The text with the escape codes of this terminal, wrapped by the terminal itself."""
    console = Console(soft_wrap=True)
    with console.capture() as capture:
        console.print(text, end="", soft_wrap=True)
    return capture.get()
