"""The tables of an `Evaluation`: in a terminal, as plain text, in a notebook.

An evaluation is `Any` here, since its module imports this one.
"""

import io
from collections.abc import Iterator
from html import escape
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tf_salience.utils.text import printable
from tf_salience.visualization import html
from tf_salience.visualization.plain_table import PlainTable

#: The rank correlation above which a method has not noticed that all weights are random.
NOTICED = 0.5
#: How each measure is called, and whether it is good when it is large.
LABELS = {
    "comprehensiveness": ("comprehensiveness", True),
    "sufficiency": ("sufficiency", False),
    "deletion": ("area of deletion", False),
    "insertion": ("area of insertion", True),
    "log_odds": ("log-odds", False),
    "kendall_tau": ("Kendall's tau, leave-one-out", True),
    "naopc": ("NAOPC", True),
    "auprc": ("AUPRC of the rationale", True),
    "token_f1": ("token F1", True),
    "top_1": ("top token in the rationale", True),
    "iou_f1": ("IOU F1", True),
}
_PLAIN_WIDTH = 120
#: Five rankings beside it fit a terminal of 80 columns.
_LABEL_WIDTH = 19


def as_rich(evaluation: Any) -> Group:
    """Returns the tables for a rich console."""
    parts: list[Any] = [Text(headline(evaluation), style="bold")]
    for plain in tables(evaluation):
        parts.append(Text(f"\n{plain.title}", style="italic"))
        table = Table()
        for number, head in enumerate(plain.heads):
            # The words of a name stand on lines of their own, so that columns are narrow.
            lines = printable(head).replace("_", "\n")
            if number:
                table.add_column(lines, justify="right", no_wrap=True)
            else:
                table.add_column(lines, min_width=_LABEL_WIDTH)
        for row in plain.rows:
            table.add_row(*map(printable_cell, row))
        parts.append(table)
        if plain.note:
            parts.append(Text(plain.note, style="dim"))
    return Group(*parts)


def as_text(evaluation: Any) -> str:
    """Returns the tables as plain text."""
    console = Console(
        file=io.StringIO(), width=_PLAIN_WIDTH, color_system=None, force_terminal=False
    )
    console.print(as_rich(evaluation))
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]


def as_html(evaluation: Any) -> str:
    """Returns the tables for a notebook."""
    parts = []
    for plain in tables(evaluation):
        head = "".join(f"<th>{escape(printable(cell))}</th>" for cell in plain.heads)
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td>{escape(printable_cell(cell)).replace(chr(10), '<br>')}</td>" for cell in row
            )
            + "</tr>"
            for row in plain.rows
        )
        parts.append(
            f"<table><caption>{escape(plain.title)}</caption><tr>{head}</tr>{rows}</table>"
            f"<p>{escape(plain.note)}</p>"
        )
    summary = headline(evaluation)
    return html.with_style(html.card(summary, "".join(parts), signed=None))


def printable_cell(cell: str) -> str:
    """Returns a cell of one or two lines that cannot control the terminal."""
    return "\n".join(map(printable, cell.split("\n")))


def headline(evaluation: Any) -> str:
    """Returns a line with the examples, the eraser and the target."""
    config = evaluation.config
    left_out = evaluation.left_out
    return printable(
        f"{evaluation.examples} examples"
        + (f", {left_out} of fewer than two tokens left out" if left_out else "")
        + f" · eraser: {config['eraser']} · in units of {config['scale']}"
        + f" · target: {config['target_name']}"
    )


def tables(evaluation: Any) -> Iterator[PlainTable]:
    """Yields the tables: measures, agreement, randomised weights, cost."""
    if evaluation.measures:
        yield _measures(evaluation)
    if len(evaluation.methods) > 1:
        yield _agreement(evaluation)
    if evaluation.sanity:
        yield _sanity(evaluation)
    yield _cost(evaluation)


def _measures(evaluation: Any) -> PlainTable:
    rows = []
    whole = evaluation.examples - evaluation.left_out
    for name, measure in evaluation.measures.items():
        label, is_good_when_large = LABELS[name]
        cells = [
            f"{mean:.3f}\n± {(high - low) / 2:.3f}"
            for mean, (low, high) in zip(measure.means, measure.intervals, strict=True)
        ]
        missing = whole - len(measure.examples)
        counted = f"\n{missing} left out" if missing else ""
        rows.append([f"{label} {'↑' if is_good_when_large else '↓'}{counted}", *cells])
    note = (
        "Below each mean ± half of its bootstrap 95 % interval over the examples. ↑: good when "
        "large, ↓: when small. Figures of another eraser, or of another model, cannot be compared "
        "with these"
    )
    beam = evaluation.config.get("naopc_beam")
    note += (
        f"; but NAOPC of models can: bounds by a beam of {beam}, exact up to 8 tokens."
        if beam
        else "."
    )
    return PlainTable("Measures", ["", *evaluation.methods, "random"], rows, note)


def _agreement(evaluation: Any) -> PlainTable:
    rows = [
        [method, *(f"{tau:+.2f}" for tau in row)]
        for method, row in zip(evaluation.methods, evaluation.agreement, strict=True)
    ]
    return PlainTable(
        "Agreement of the methods (Kendall's tau of their scores)", ["", *evaluation.methods], rows
    )


def _sanity(evaluation: Any) -> PlainTable:
    rows = []
    for method, correlations in evaluation.sanity.items():
        cascading, independent = correlations["cascading"], correlations["independent"]
        rows.append(
            [
                method,
                f"{cascading[0]:+.2f}",
                f"{cascading[-1]:+.2f}",
                f"{independent.min():+.2f}",
                f"{independent.max():+.2f}",
            ]
        )
    heads = ["", "output layer", "all layers", "one layer, least", "one layer, most"]
    names = evaluation.unnoticing
    note = (
        f"{', '.join(map(printable, names))} did not notice that all weights are random."
        if names
        else "Every method noticed that all weights are random."
    )
    return PlainTable("Rank correlation with the scores of a randomised copy", heads, rows, note)


def _cost(evaluation: Any) -> PlainTable:
    rows = [
        [name, f"{cost['forward']:,.0f}", f"{cost['backward']:,.0f}", f"{cost['seconds']:.1f}"]
        for name, cost in evaluation.cost.items()
    ]
    return PlainTable("Cost, tracing included", ["", "forward", "backward", "seconds"], rows)
