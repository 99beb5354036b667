"""Targets x tokens as a table, in plain text and in HTML."""

from collections.abc import Iterator, Sequence
from html import escape

from rich.cells import cell_len

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.html import level_class

_GAP = "  "


def as_text(
    targets: Sequence[str],
    tokens: Sequence[str],
    scores: Sequence[Sequence[float]],
    width: int | None = None,
) -> str:
    """Returns a row for each target and a column for each token; zeros are a dot.

    Args:
        targets: (targets,).
        tokens: (tokens,).
        scores: (targets, tokens).
        width: the columns of the terminal: tokens that find no room there stand below, in a table
            of their own; None: one table.
    """
    heads = ["", *(printable(target).strip() for target in targets)]
    columns = [
        [printable(token), *map(_cell, column)]
        for token, column in zip(tokens, zip(*scores, strict=True), strict=True)
    ]
    head_width = max(map(cell_len, heads))
    blocks = []
    for block in _blocks(columns, None if width is None else width - head_width):
        aligned = [_aligned(heads, left=True), *map(_aligned, block)]
        lines = [_GAP.join(row).rstrip() for row in zip(*aligned, strict=True)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def as_html(
    targets: Sequence[str],
    tokens: Sequence[str],
    scores: Sequence[Sequence[float]],
    *,
    signed: bool = True,
    largest: float | None = None,
) -> str:
    """Returns the same as a `<table>`, all rows on one scale.

    Args:
        targets: (targets,).
        tokens: (tokens,).
        scores: (targets, tokens).
        signed: as for `color_scale.backgrounds`.
        largest: as for `color_scale.relative_scores`; None: of all these scores.
    """
    largest = color_scale.largest_score(scores) if largest is None else largest
    head = "".join(f"<th>{escape(printable(token))}</th>" for token in tokens)
    rows = []
    for target, target_scores in zip(targets, scores, strict=True):
        cells = []
        for score, relative in zip(
            target_scores, color_scale.relative_scores(target_scores, largest), strict=True
        ):
            name = level_class(relative, signed=signed)
            name = f' class="{name}"' if name else ""
            cells.append(f'<td{name} title="{score:+.4g}">{_cell(score)}</td>')
        rows.append(f"<tr><th>{escape(printable(target))}</th>{''.join(cells)}</tr>")
    return f'<table class="m"><tr><th></th>{head}</tr>{"".join(rows)}</table>'


def _blocks(columns: list[list[str]], width: int | None) -> Iterator[list[list[str]]]:
    """Yields as many columns as fit in a width, at least one, again and again."""
    block: list[list[str]] = []
    used = 0
    for column in columns:
        column_width = len(_GAP) + max(map(cell_len, column))
        if block and width is not None and used + column_width > width:
            yield block
            block, used = [], 0
        block.append(column)
        used += column_width
    yield block


def _aligned(cells: Sequence[str], left: bool = False) -> list[str]:
    """Pads cells to the width of the widest."""
    width = max(map(cell_len, cells))
    padding = [" " * (width - cell_len(cell)) for cell in cells]
    pairs = zip(cells, padding, strict=True)
    return [cell + space if left else space + cell for cell, space in pairs]


def _cell(score: float) -> str:
    return f"{score:+.2g}" if score else "·"
