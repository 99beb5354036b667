"""Rules that integrate over [0, 1], and the nested levels of Clenshaw and Curtis.

Arrays in, arrays out. All numbers are float64; whoever uses a rule casts it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Intervals of the nested levels: 5, 9, 17, ... nodes. Smooth models are done by 33; what has jumps
#: in its gradients (ReLU) may need all of them.
LEVEL_INTERVALS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Rule:
    """A quadrature rule: the integral of f over [0, 1] is about `sum(weights * f(nodes))`.

    Attributes:
        nodes: (steps,), ascending, in [0, 1].
        weights: (steps,), which sum to 1.
    """

    nodes: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class NestedRule:
    """Rules of growing order that share their nodes: each level keeps the nodes of the one below.

    Attributes:
        nodes: (steps,), in the order in which the levels ask for them: the nodes of level 0, then
            those that level 1 adds, and so on.
        weights: (levels, steps); a row is the rule of one level, 0 at the nodes it does not have.
        sizes: (levels,), how many nodes each level has.
    """

    nodes: FloatArray
    weights: FloatArray
    sizes: tuple[int, ...]


def trapezoid(steps: int) -> Rule:
    """The trapezoid rule on `steps` intervals: `steps + 1` nodes, both ends included."""
    weights = np.full(steps + 1, 1.0 / steps)
    weights[[0, -1]] /= 2.0
    return Rule(np.linspace(0.0, 1.0, steps + 1), weights)


def midpoint(steps: int) -> Rule:
    """The midpoint rule on `steps` intervals: `steps` nodes, neither end included."""
    return Rule((np.arange(steps) + 0.5) / steps, np.full(steps, 1.0 / steps))


def gauss_legendre(steps: int) -> Rule:
    """The Gauss-Legendre rule of `steps` nodes: exact for polynomials up to degree 2 steps - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return Rule((nodes + 1.0) / 2.0, weights / 2.0)


def lit(steps: int) -> Rule:
    """The rule of LIT 1.3.1: nodes k / steps for k < steps, averaged in neighbouring pairs.

    It never evaluates the end of the path, and its `steps` nodes span only [0, 1 - 1 / steps]
    while its weights sum to 1: it is here so that old numbers can be reproduced.

    Raises:
        ValueError: with one step LIT averages no pair at all.
    """
    if steps < 2:
        raise ValueError(
            "`steps` must be at least 2 with rule='lit', which averages pairs of neighbouring "
            f"nodes. Received: steps={steps}"
        )
    weights = np.full(steps, 1.0 / (steps - 1))
    weights[[0, -1]] /= 2.0
    return Rule(np.arange(steps) / steps, weights)


RULES: dict[str, Callable[[int], Rule]] = {
    "trapezoid": trapezoid,
    "midpoint": midpoint,
    "gauss_legendre": gauss_legendre,
    "lit": lit,
}


def _clenshaw_curtis_weights(intervals: int) -> FloatArray:
    """Weights on [0, 1] at sin²(k π / (2 intervals)), for an even number of intervals."""
    k = np.arange(intervals + 1)
    j = np.arange(1, intervals // 2 + 1)
    b = np.where(j == intervals // 2, 1.0, 2.0)
    series = (b / (4.0 * j**2 - 1.0)) @ np.cos(2.0 * np.pi * np.outer(j, k) / intervals)
    ends = np.where((k == 0) | (k == intervals), 1.0, 2.0)
    return ends * (1.0 - series) / (2.0 * intervals)


@cache
def clenshaw_curtis(max_steps: int) -> NestedRule:
    """The nested levels with at most `max_steps` intervals (at least 4: the first level).

    The nodes are the Chebyshev points, both ends included, so that each level reuses every
    gradient of those below it (Clenshaw & Curtis 1960; Trefethen 2008, "Is Gauss quadrature
    better than Clenshaw-Curtis?").
    """
    intervals = [n for n in LEVEL_INTERVALS if n <= max_steps]
    finest = intervals[-1]
    nodes = np.sin(np.arange(finest + 1) * np.pi / (2.0 * finest)) ** 2
    nodes[-1] = 1.0
    order: list[int] = []
    rows: list[dict[int, float]] = []
    for n in intervals:
        members = range(0, finest + 1, finest // n)
        order += [k for k in members if k not in order]
        rows.append(dict(zip(members, _clenshaw_curtis_weights(n).tolist(), strict=True)))
    weights = np.array([[row.get(k, 0.0) for k in order] for row in rows])
    return NestedRule(nodes[order], weights, tuple(n + 1 for n in intervals))
