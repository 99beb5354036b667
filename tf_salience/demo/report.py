"""The demo's printed texts, and its picture."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tf_salience.demo.task import Task
from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.token_salience import TokenSalience
from tf_salience.utils.text import printable
from tf_salience.visualization import terminal
from tf_salience.visualization.plot.sheet import save_sheet

_MIN_TOKENS, _MAX_TOKENS = 4, 22


def choose_texts(task: Task, explanations: Mapping[str, Explanation]) -> list[int]:
    """Returns the indices of short texts that the model got right, most gold words first."""
    indices = [
        index
        for index, salience in enumerate(next(iter(explanations.values())))
        if _MIN_TOKENS <= len(salience.tokens) <= _MAX_TOKENS
        and task.test.labels is not None
        and salience.target == task.test.labels[index]
    ]
    gold = task.gold
    if gold is not None:
        # Two gold words are a negation or two clauses: the hard cases.
        indices.sort(key=lambda index: -min(int(gold[index].sum()), 2))
    return indices


def print_texts(
    console: Console, indices: Sequence[int], task: Task, explanations: Mapping[str, Explanation]
) -> None:
    """Prints the texts with these indices, their tokens coloured once for each method."""
    console.print(
        "\nSome held-out texts that the model got right. Blue speaks for it, red against."
    )
    if task.gold is not None:
        console.print("Underlined: the words that carry the label.")
    for index in indices:
        console.print()
        console.print(Text(printable(_caption(index, task, explanations))), style="bold")
        gold = None if task.gold is None else task.gold[index]
        for method, explanation in explanations.items():
            console.print(f"  {method}", style="dim")
            render = _colored if console.color_system else _plain
            console.print(Padding(render(explanation[index], gold), (0, 0, 0, 4)))


def print_convergence(console: Console, explanations: Mapping[str, Explanation]) -> None:
    """Prints the accuracy and the cost of the methods that estimate their error."""
    for method, explanation in explanations.items():
        if explanation.convergence_delta is None or explanation.converged is None:
            continue
        console.print(
            f"{method.replace('_', ' ').capitalize()}: median |convergence delta| "
            f"{np.median(np.abs(explanation.convergence_delta)):.1e} logits, "
            f"{np.mean(explanation.evaluations):.1f} evaluations a text, "
            f"{int(np.sum(explanation.converged))} of {len(explanation)} converged"
        )


def draw_texts(
    path: str, indices: Sequence[int], task: Task, explanations: Mapping[str, Explanation]
) -> None:
    """Draws the texts with these indices.

    Raises:
        ImportError: without matplotlib, which the extra `plot` brings.
    """
    groups = []
    for index in indices:
        rows = [(method, explanation[index]) for method, explanation in explanations.items()]
        groups.append((_caption(index, task, explanations), rows))
    save_sheet(groups, path)


def _caption(index: int, task: Task, explanations: Mapping[str, Explanation]) -> str:
    salience = next(iter(explanations.values()))[index]
    data = task.test
    label = int(data.labels[index]) if data.labels is not None else 0
    name = str(label) if data.class_names is None else data.class_names[label]
    return (
        f"labelled {name}; the model says {salience.target_name}, "
        f"with a logit of {salience.output:.2f}"
    )


def _colored(salience: TokenSalience, gold: np.ndarray | None) -> Text:
    text = salience.__rich__()
    start = 0
    for position, token in enumerate(salience.tokens):
        if gold is not None and gold[position]:
            text.stylize("underline", start, start + len(printable(token)))
        start += len(printable(token)) + 1
    return text


def _plain(salience: TokenSalience, gold: np.ndarray | None) -> Text:
    tokens = [
        f"_{token}_" if gold is not None and gold[position] else token
        for position, token in enumerate(salience.tokens)
    ]
    return Text(terminal.plain(tokens, salience.scores.tolist()))
