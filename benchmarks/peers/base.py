"""What every tool is to the worker that runs it."""

import math
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Choice = TypeVar("Choice")


class Peer(Protocol):
    """One tool, ready to explain one piece of work.

    Attributes:
        notes: what a reader of its row must know.
        facts: what the last call found beside the scores.
    """

    notes: list[str]
    facts: dict[str, Any]

    def __call__(self, examples: Array, steps: Any) -> Array:
        """Scores (some, tokens) of the examples with these numbers, by so many evaluations each."""
        ...

    def tune(self, examples: Array, steps: Any) -> None:
        """Chooses what its user would choose by trying."""
        ...


def fastest(choices: Iterable[Choice], run: Callable[[Choice], Any]) -> Choice:
    """The choice that runs fastest, each once for warming and then the better of two."""
    seconds: dict[Choice, float] = {}
    for choice in choices:
        run(choice)
        seconds[choice] = math.inf
        for _ in range(2):
            start = perf_counter()
            run(choice)
            seconds[choice] = min(seconds[choice], perf_counter() - start)
            if seconds[choice] > 2 * min(seconds.values()):
                break
    return min(seconds, key=lambda choice: seconds[choice])


def gauss_legendre(steps: int) -> tuple[Array, Array]:
    """Nodes and weights on [0, 1], (steps,) each."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2
