"""Tokens in a terminal: coloured with rich, or plain text with signed scores."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.spacing import token_spacing


def colored(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
) -> Text:
    """Returns the tokens, each on a background as strong as its |score| beside the largest.

    Args:
        tokens: (tokens,).
        scores: (tokens,).
        segments: slices of the tokens by name; the names are shown if there are several.
        words: (tokens,), the index of each token's word, -1 for special tokens, which are dim; no
            space separates the tokens of one word.
    """
    text = Text()
    spacing = token_spacing(len(tokens), segments, words)
    relative_scores = color_scale.relative_scores(scores)
    for token, score, (label, space, special) in zip(tokens, relative_scores, spacing, strict=True):
        text.append(label, style="dim")
        style = Style(color=color_scale.foreground(score), bgcolor=color_scale.background(score))
        text.append(printable(token), style=style if score else "dim" if special else None)
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


def has_color() -> bool:
    """True if standard output is a terminal that shows colours."""
    return sys.stdout is not None and sys.stdout.isatty() and Console().color_system is not None


def to_ansi(text: Text) -> str:
    """Returns the text with escape codes for this terminal, which wraps the lines itself."""
    console = Console(soft_wrap=True)
    with console.capture() as capture:
        console.print(text, end="", soft_wrap=True)
    return capture.get()
