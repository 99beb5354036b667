"""Targets x tokens as a table, in plain text and in HTML."""

from collections.abc import Sequence
from html import escape

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.html import color_style


def as_text(
    targets: Sequence[str], tokens: Sequence[str], scores: Sequence[Sequence[float]]
) -> str:
    """Returns a row for each target and a column for each token; zeros are a dot.

    Args:
        targets: (targets,).
        tokens: (tokens,).
        scores: (targets, tokens).
    """
    rows = [["", *map(printable, tokens)]]
    rows += [
        [printable(target), *map(_cell, row)] for target, row in zip(targets, scores, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for target, *cells in rows:
        aligned = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([target.strip().ljust(widths[0]), *aligned]).rstrip())
    return "\n".join(lines)


def as_html(
    targets: Sequence[str], tokens: Sequence[str], scores: Sequence[Sequence[float]]
) -> str:
    """Returns the same as a `<table>`, each row coloured by its own largest |score|."""
    head = "".join(f"<th>{escape(printable(token))}</th>" for token in tokens)
    rows = []
    for target, target_scores in zip(targets, scores, strict=True):
        relative_scores = color_scale.relative_scores(target_scores)
        cells = "".join(
            f'<td title="{score:+.4g}" style="{color_style(relative)}">{_cell(score)}</td>'
            for score, relative in zip(target_scores, relative_scores, strict=True)
        )
        rows.append(f"<tr><th>{escape(printable(target))}</th>{cells}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def _cell(score: float) -> str:
    return f"{score:+.2g}" if score else "·"
