"""Tokens in a notebook: spans with a background and the score as a tooltip."""

from collections.abc import Mapping, Sequence
from html import escape

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.spacing import token_spacing


def tokens_html(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
) -> str:
    """Returns one `<span>` for each token, its text escaped.

    Args:
        tokens: (tokens,).
        scores: (tokens,).
        segments: as for `terminal.colored`.
        words: as for `terminal.colored`.
    """
    spans = []
    spacing = token_spacing(len(tokens), segments, words)
    relative_scores = color_scale.relative_scores(scores)
    for token, score, relative, (label, space, special) in zip(
        tokens, scores, relative_scores, spacing, strict=True
    ):
        if label:
            style = "opacity:.6;padding:1px 3px"
            spans.append(f'<span style="{style}">{escape(label.strip())}</span> ')
        style = f"{color_style(relative)};padding:1px 3px;border-radius:3px"
        style += ";opacity:.6" if special else ""
        span = f'<span style="{style}" title="{score:+.4g}">{escape(printable(token))}</span>'
        spans.append(span + space)
    return "".join(spans).rstrip()


def color_style(relative_score: float) -> str:
    """Returns the CSS declarations of the background and of the text colour."""
    foreground = color_scale.foreground(relative_score)
    return f"background:{color_scale.background(relative_score)};color:{foreground}"


def card(header: str, body: str) -> str:
    """Returns a line of text, `header`, above the HTML of `body`."""
    return (
        '<div style="font-family:sans-serif;line-height:1.9">'
        f'<div style="font-size:85%;opacity:.75">{escape(printable(header))}</div>'
        f"<div>{body}</div></div>"
    )
