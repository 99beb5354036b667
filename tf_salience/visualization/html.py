"""Tokens in a notebook: spans with a background and the score as a tooltip."""

from collections.abc import Mapping, Sequence
from html import escape

from tf_salience.visualization import color_scale, spacing


def tokens_html(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
) -> str:
    """One `<span>` a token. Tokens are escaped: they are somebody's text.

    Args:
        tokens: (tokens,).
        scores: (tokens,).
        segments: as `terminal.colored` takes them.
        words: as `terminal.colored` takes them.
    """
    spans = []
    starts = spacing.starts(segments)
    spaced = spacing.after(len(tokens), words)
    for place, (token, score, share) in enumerate(
        zip(tokens, scores, color_scale.shares(scores), strict=True)
    ):
        if place in starts:
            name = escape(f"[{starts[place]}]")
            spans.append(f'<span style="opacity:.6;padding:1px 3px">{name}</span> ')
        style = (
            f"background:{color_scale.hexadecimal(color_scale.background(share))};"
            f"color:{color_scale.hexadecimal(color_scale.foreground(share))};"
            "padding:1px 3px;border-radius:3px"
        )
        if words is not None and words[place] < 0:
            style += ";opacity:.6"
        span = f'<span style="{style}" title="{score:+.4g}">{escape(token)}</span>'
        spans.append(span + (" " if spaced[place] else ""))
    return "".join(spans).rstrip()


def card(header: str, body: str) -> str:
    """A header line above the tokens; `body` is HTML, `header` is text."""
    return (
        '<div style="font-family:sans-serif;line-height:1.9">'
        f'<div style="font-size:85%;opacity:.75">{escape(header)}</div><div>{body}</div></div>'
    )
