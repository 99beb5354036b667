"""Tokens in a terminal: coloured with rich, or plain text with signed scores."""

from collections.abc import Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from tf_salience.views import palette


def colored(tokens: Sequence[str], scores: Sequence[float]) -> Text:
    """The tokens, each on a background as strong as its share of the largest |score|."""
    text = Text()
    for token, share in zip(tokens, palette.shares(scores), strict=True):
        style = Style(
            color=palette.hexadecimal(palette.foreground(share)),
            bgcolor=palette.hexadecimal(palette.background(share)),
        )
        text.append(token, style=style if share else None)
        text.append(" ")
    text.rstrip()
    return text


def plain(tokens: Sequence[str], scores: Sequence[float]) -> str:
    """The tokens with their scores, sign included, for a file or a pipe."""
    return " ".join(f"{token}({score:+.3g})" for token, score in zip(tokens, scores, strict=True))


def to_ansi(text: Text) -> str:
    """The text with the escape codes of this terminal, wrapped by the terminal itself."""
    console = Console(soft_wrap=True)
    with console.capture() as capture:
        console.print(text, end="", soft_wrap=True)
    return capture.get()
