"""Quadrature over [0, 1] by a fixed number of steps: nodes and weights, and integrals by them.

All nodes and weights are float64. The rule that chooses its nodes is in `adaptive`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tf_salience.attribution import array_ops
from tf_salience.attribution.result import Attribution

if TYPE_CHECKING:
    from tf_salience.attribution.path import Path

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """A quadrature rule: the integral of f over [0, 1] is about `sum(weights * f(nodes))`.

    Attributes:
        nodes: (steps,), ascending, in [0, 1].
        weights: (steps,), which sum to 1.
    """

    nodes: FloatArray
    weights: FloatArray


def trapezoid(steps: int) -> Rule:
    """Returns the trapezoid rule on `steps` intervals: `steps + 1` nodes, both ends included."""
    weights = np.full(steps + 1, 1.0 / steps)
    weights[[0, -1]] /= 2.0
    return Rule(np.linspace(0.0, 1.0, steps + 1), weights)


def midpoint(steps: int) -> Rule:
    """Returns the midpoint rule on `steps` intervals: `steps` nodes, neither end included."""
    return Rule((np.arange(steps) + 0.5) / steps, np.full(steps, 1.0 / steps))


def gauss_legendre(steps: int) -> Rule:
    """Returns the Gauss-Legendre rule of `steps` nodes, exact up to degree 2 steps - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return Rule((nodes + 1.0) / 2.0, weights / 2.0)


def lit(steps: int) -> Rule:
    """Returns the rule of LIT 1.3.1: nodes k / steps for k < steps, averaged in neighbouring pairs.

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


def nodes_and_levels(rule: str, steps: int) -> tuple[FloatArray, FloatArray]:
    """Returns the nodes of a fixed rule, (steps,), and its weights, (levels, steps).

    Level 0 is the rule. Every second node of an even trapezoid is a trapezoid too, level 1, which
    gives an error estimate without a further gradient.
    """
    fine = RULES[rule](steps)
    if rule != "trapezoid" or steps % 2:
        return fine.nodes, fine.weights[None]
    coarse = np.zeros_like(fine.weights)
    coarse[::2] = trapezoid(steps // 2).weights
    return fine.nodes, np.stack([fine.weights, coarse])


def integrate_fixed(path: "Path", rule: str, steps: int) -> Attribution:
    """Integrates token scores along the path by a rule with a fixed number of steps.

    Args:
        path: the path of the examples.
        rule: a name of `RULES`.
        steps: the number of steps.
    """
    ops = array_ops.of(path.outputs)
    nodes, weights = nodes_and_levels(rule, steps)
    sums, outputs = path.integrate(path.examples, nodes, weights)
    scores = sums[:, 0]
    baseline_output = outputs[:, 0] if nodes[0] == 0.0 else path.target_at(0.0)
    error = None
    if len(weights) > 1:
        # Richardson: halving the step quarters the error, so a third of the difference is left.
        difference = ops.sum(ops.abs(scores - sums[:, 1]), axis=1)
        error = ops.divide(difference, ops.sum(ops.abs(scores), axis=1)) / 3.0
    return Attribution(
        scores=scores,
        evaluations=ops.full(ops.shape(path.outputs)[0], len(nodes)),
        baseline_output=baseline_output,
        convergence_delta=ops.sum(scores, axis=1) - (path.outputs - baseline_output),
        error_estimate=error,
    )
