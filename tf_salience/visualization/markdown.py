"""Tokens as a table in Markdown: a bar to the right speaks for the target, one to the left against.

For TensorBoard, which shows no HTML.
"""

import re
from collections.abc import Sequence

from tf_salience.visualization import color_scale

_WIDTH = 16
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def table(header: str, tokens: Sequence[str], scores: Sequence[float]) -> str:
    """A line of text, and below it a row for each token.

    Args:
        header: the line.
        tokens: (tokens,).
        scores: (tokens,); the longest bar is that of the largest |score|.
    """
    rows = [
        f"| {_bar(-share)} | {escaped(token)} | {_bar(share)} | {score:+.3g} |"
        for token, score, share in zip(tokens, scores, color_scale.shares(scores), strict=True)
    ]
    return "\n".join(
        [escaped(header), "", "| against | token | for | score |", "|---:|:---:|:---|---:|", *rows]
    )


def escaped(text: str) -> str:
    """The text so that Markdown shows it as it is."""
    text = "".join(_HTML.get(sign, sign) for sign in text)
    # A line break would end the row.
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())) or "␣"


def _bar(share: float) -> str:
    """A bar of eighths of a letter's width; nothing for a share that is not positive."""
    eighths = round(max(share, 0.0) * _WIDTH * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).strip()
