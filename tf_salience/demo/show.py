"""What the demo prints and draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tf_salience.data import LabelledTexts
from tf_salience.demo.measure import Row
from tf_salience.visualization import terminal

_MOST_TOKENS = 22


def choose(
    data: LabelledTexts,
    gold: Sequence[np.ndarray] | None,
    explanations: Mapping[str, Any],
    *,
    count: int,
) -> list[int]:
    """Which texts to show: short ones that the model got right, the negated ones first."""
    explanation = next(iter(explanations.values()))
    fitting = [
        index
        for index, one in enumerate(explanation)
        if 4 <= len(one.tokens) <= _MOST_TOKENS
        and data.labels is not None
        and one.target == data.labels[index]
    ]
    if gold is not None:
        # Marked words beside unmarked ones of the other clause: the hard case.
        fitting.sort(key=lambda index: -min(int(gold[index].sum()), 2))
    return fitting[:count]


def print_texts(
    console: Console,
    chosen: Sequence[int],
    data: LabelledTexts,
    gold: Sequence[np.ndarray] | None,
    explanations: Mapping[str, Any],
) -> None:
    """Prints the chosen texts, one line a method."""
    console.print(
        "\nSome held-out texts that the model got right. Blue speaks for it, red against."
    )
    if gold is not None:
        console.print("Underlined: the words that carry the label.")
    for index in chosen:
        console.print()
        for place, (method, explanation) in enumerate(explanations.items()):
            one = explanation[index]
            if place == 0:
                console.print(_caption(one, data, index), style="bold", highlight=False)
            console.print(f"  {method}", style="dim", highlight=False)
            flags = None if gold is None else gold[index]
            body = _colored(one, flags) if console.color_system else _plain(one, flags)
            console.print(Padding(body, (0, 0, 0, 4)))


def print_table(
    console: Console, rows: Sequence[Row], *, accuracy: float, held_out: int, explained: int
) -> None:
    """Prints the table of methods."""
    known = rows[0].gold is not None
    table = Table(
        title=f"Accuracy {accuracy:.1%} on {held_out} held-out texts; {explained} explained",
        title_justify="left",
    )
    table.add_column("score")
    if known:
        table.add_column("top word is gold", justify="right")
    table.add_column("fall without top word", justify="right")
    table.add_column("seconds", justify="right")
    for row in rows:
        cells = [row.name]
        if row.gold is not None:
            cells.append(f"{row.gold:.1%}")
        cells.append(f"{row.fall:.3f}")
        cells.append("" if row.seconds is None else f"{row.seconds:.1f}")
        table.add_row(*cells)
    console.print()
    console.print(table)
    console.print(
        "Fall: how much of the predicted class' probability goes, on average, when the top word is "
        "taken out.",
        style="dim",
    )


def print_convergence(console: Console, explanation: Any) -> None:
    """Prints how exact integrated gradients were."""
    console.print(
        f"Integrated gradients: median |convergence delta| "
        f"{np.median(np.abs(explanation.convergence_delta)):.1e} logits, "
        f"{np.mean(explanation.evaluations):.1f} evaluations a text, "
        f"{int(np.sum(explanation.converged))} of {len(explanation)} converged",
        highlight=False,
    )


def draw(
    path: str, chosen: Sequence[int], data: LabelledTexts, explanations: Mapping[str, Any]
) -> None:
    """Draws the chosen texts into a picture.

    Raises:
        ImportError: without matplotlib, which the extra `plot` brings.
    """
    from tf_salience.visualization.image import save_image

    groups = []
    for index in chosen:
        ones = {method: explanation[index] for method, explanation in explanations.items()}
        rows = [(method, one.tokens, one.scores.tolist()) for method, one in ones.items()]
        groups.append((_caption(next(iter(ones.values())), data, index), rows))
    save_image(groups, path)


def _caption(one: Any, data: LabelledTexts, index: int) -> str:
    label = int(data.labels[index]) if data.labels is not None else 0
    name = str(label) if data.class_names is None else data.class_names[label]
    return f"labelled {name}; the model says {one.target_name}, with a logit of {one.output:.2f}"


def _colored(one: Any, gold: np.ndarray | None) -> Text:
    text: Text = one.__rich__()
    start = 0
    for place, token in enumerate(one.tokens):
        if gold is not None and gold[place]:
            text.stylize("underline", start, start + len(token))
        start += len(token) + 1
    return text


def _plain(one: Any, gold: np.ndarray | None) -> Text:
    tokens = [
        f"_{token}_" if gold is not None and gold[place] else token
        for place, token in enumerate(one.tokens)
    ]
    return Text(terminal.plain(tokens, one.scores.tolist()))
