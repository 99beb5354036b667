"""Tokens as a table in Markdown, for TensorBoard, which shows no HTML.

A bar to the right speaks for the target, a bar to the left against it.
"""

import html
import re
from collections.abc import Sequence

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale

_BAR_WIDTH = 16
# By eighths of a character's width.
_PARTIAL_BLOCKS = " ▏▎▍▌▋▊▉"
_MARKDOWN_CHARACTERS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~])")


def table(header: str, tokens: Sequence[str], scores: Sequence[float]) -> str:
    """Returns a line of text and, below it, a table with a row for each token.

    Args:
        header: the line of text.
        tokens: (tokens,).
        scores: (tokens,); the largest |score| has the longest bar.
    """
    rows = [
        f"| {_bar(-relative)} | {escape(token)} | {_bar(relative)} | {score:+.3g} |"
        for token, score, relative in zip(
            tokens, scores, color_scale.relative_scores(scores), strict=True
        )
    ]
    return "\n".join(
        [escape(header), "", "| against | token | for | score |", "|---:|:---:|:---|---:|", *rows]
    )


def escape(text: str) -> str:
    """Escapes the text for a cell of a Markdown table."""
    text = html.escape(" ".join(printable(text).split()), quote=False)
    return _MARKDOWN_CHARACTERS.sub(r"\\\1", text) or "␣"


def _bar(relative_score: float) -> str:
    """Draws a bar; it is empty for a score that is not positive."""
    eighths = round(max(relative_score, 0.0) * _BAR_WIDTH * 8)
    return ("█" * (eighths // 8) + _PARTIAL_BLOCKS[eighths % 8]).strip()
