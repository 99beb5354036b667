"""Targets x tokens: a table in plain text, and in a notebook."""

from collections.abc import Sequence
from html import escape

from tf_salience.visualization import color_scale


def plain(targets: Sequence[str], tokens: Sequence[str], rows: Sequence[Sequence[float]]) -> str:
    """A row for each target, a column for each token; exact zeros are a dot.

    Args:
        targets: (targets,).
        tokens: (tokens,).
        rows: (targets, tokens), the scores.
    """
    cells = [["", *tokens]]
    for target, row in zip(targets, rows, strict=True):
        cells.append([target, *map(_cell, row)])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = []
    for line in cells:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        lines.append("  ".join([first.strip().ljust(widths[0]), *others]).rstrip())
    return "\n".join(lines)


def html(targets: Sequence[str], tokens: Sequence[str], rows: Sequence[Sequence[float]]) -> str:
    """The same as a `<table>`, each row coloured by its own largest |score|."""
    head = "".join(f"<th>{escape(token)}</th>" for token in tokens)
    body = []
    for target, row in zip(targets, rows, strict=True):
        cells = "".join(
            f'<td title="{score:+.4g}" style="background:'
            f"{color_scale.hexadecimal(color_scale.background(share))};"
            f'color:{color_scale.hexadecimal(color_scale.foreground(share))}">{_cell(score)}</td>'
            for score, share in zip(row, color_scale.shares(row), strict=True)
        )
        body.append(f"<tr><th>{escape(target)}</th>{cells}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(body)}</table>"


def _cell(score: float) -> str:
    return f"{score:+.2g}" if score else "·"
