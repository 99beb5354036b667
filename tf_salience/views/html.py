"""Tokens in a notebook: spans with a background and the score as a tooltip."""

from collections.abc import Sequence
from html import escape

from tf_salience.views import palette


def tokens_html(tokens: Sequence[str], scores: Sequence[float]) -> str:
    """One `<span>` a token. Tokens are escaped: they are somebody's text."""
    spans = []
    for token, score, share in zip(tokens, scores, palette.shares(scores), strict=True):
        style = (
            f"background:{palette.hexadecimal(palette.background(share))};"
            f"color:{palette.hexadecimal(palette.foreground(share))};"
            "padding:1px 3px;border-radius:3px"
        )
        spans.append(f'<span style="{style}" title="{score:+.4g}">{escape(token)}</span>')
    return " ".join(spans)


def card(header: str, body: str) -> str:
    """A header line above the tokens; `body` is HTML, `header` is text."""
    return (
        '<div style="font-family:sans-serif;line-height:1.9">'
        f'<div style="font-size:85%;opacity:.75">{escape(header)}</div><div>{body}</div></div>'
    )
