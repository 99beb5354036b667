"""How much of a long batch is shown, and the line that says how to see the rest."""

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple


class Limit(NamedTuple):
    """The most that one view shows.

    Attributes:
        examples: the most examples.
        tokens: the most tokens of all together; a single example is shown whole.
    """

    examples: int
    tokens: int


TERMINAL = Limit(examples=20, tokens=5_000)
NOTEBOOK = Limit(examples=50, tokens=20_000)
#: Of a matrix in a notebook, targets x tokens.
CELLS = 20_000


def shown_count(sizes: Iterable[int], limit: Limit) -> int:
    """Returns how many of the examples are shown, the first ones.

    Args:
        sizes: (batch,), the tokens of each example.
        limit: the most that is shown.
    """
    totals = list(accumulate(sizes))[: limit.examples]
    return max(sum(total <= limit.tokens for total in totals), min(len(totals), 1))


def left_out(
    shown: int, count: int, what: str = "examples", name: str = "explanation"
) -> list[str]:
    """Returns the line that stands below a view that was cut; none where all is shown.

    Args:
        shown: how many are shown.
        count: how many there are.
        what: what they are.
        name: what the variable may be called, to be sliced.
    """
    if shown == count:
        return []
    stop = min(2 * shown, count)
    return [
        f"{count - shown:,} more of {count:,} {what}: {name}[{shown}:{stop}] shows the next, "
        f"{name}[i] one of them"
    ]
