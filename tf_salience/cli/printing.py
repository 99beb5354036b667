"""Explanations on standard output."""

from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.views import TERMINAL, shown_count
from tf_salience.visualization import terminal


def print_explanation(explanation: Explanation, *, shows_all: bool) -> None:
    """Prints each example; on a terminal the first ones, and how to see the others.

    A file or another command gets all of them.

    Args:
        explanation: what is printed.
        shows_all: whether a terminal gets all of them, too.
    """
    count = len(explanation)
    shown = count
    if terminal.is_terminal() and not shows_all:
        shown = shown_count(map(len, explanation.tokens), TERMINAL)
    for salience in explanation[:shown]:
        print(salience, end="\n\n")
    if shown < count:
        print(
            f"{count - shown:,} more of {count:,} examples: --all shows them, --output FILE saves "
            "them, and `tf-salience report FILE` makes a page of that."
        )
