"""Quadrature over [0, 1]: nodes and weights of rules, and the integrals of a path by them.

A fixed rule has a number of steps; the adaptive rule refines each example until its error estimate
meets a tolerance. All nodes and weights are float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tf_salience.attribution import array_ops, check_node
from tf_salience.attribution.result import Attribution

if TYPE_CHECKING:
    from tf_salience.attribution.path import Path

Array = Any
FloatArray = npt.NDArray[np.float64]

#: Intervals of the nested levels: 5, 9, 17, ... nodes. Smooth models are done by 33; what has jumps
#: in its gradients (ReLU) may need all of them.
LEVEL_INTERVALS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)

#: The share of the difference of two levels that is taken for the error of the finer one. A third
#: would do for smooth models, but not for ReLU models, and few gradients do not tell them apart
#: (benchmarks/calibrate.py).
ERROR_SHARE = 1.0


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
        signs: (levels, steps), of the barycentric formula: 1 and -1 in turn, half at the ends.
        sizes: (levels,), how many nodes each level has.
    """

    nodes: FloatArray
    weights: FloatArray
    signs: FloatArray
    sizes: tuple[int, ...]


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


def _clenshaw_curtis_weights(intervals: int) -> FloatArray:
    """Returns weights on [0, 1] at sin²(k π / (2 intervals)), for an even number of intervals."""
    k = np.arange(intervals + 1)
    j = np.arange(1, intervals // 2 + 1)
    b = np.where(j == intervals // 2, 1.0, 2.0)
    series = (b / (4.0 * j**2 - 1.0)) @ np.cos(2.0 * np.pi * np.outer(j, k) / intervals)
    ends = np.where((k == 0) | (k == intervals), 1.0, 2.0)
    return ends * (1.0 - series) / (2.0 * intervals)


@cache
def clenshaw_curtis(max_steps: int) -> NestedRule:
    """Returns the nested levels with at most `max_steps` intervals (at least 4: the first level).

    The nodes are the Chebyshev points, both ends included, so that each level reuses every
    gradient of those below it (Clenshaw & Curtis 1960; Trefethen 2008, "Is Gauss quadrature
    better than Clenshaw-Curtis?").
    """
    intervals = [n for n in LEVEL_INTERVALS if n <= max_steps]
    finest = intervals[-1]
    nodes = np.sin(np.arange(finest + 1) * np.pi / (2.0 * finest)) ** 2
    nodes[-1] = 1.0
    order: list[int] = []
    weights, signs = np.zeros((2, len(intervals), finest + 1))
    for level, n in enumerate(intervals):
        members = range(0, finest + 1, finest // n)
        order += [k for k in members if k not in order]
        weights[level, members] = _clenshaw_curtis_weights(n)
        signs[level, members] = np.where(np.arange(n + 1) % 2, -1.0, 1.0)
    signs[:, [0, -1]] /= 2.0
    sizes = tuple(n + 1 for n in intervals)
    return NestedRule(nodes[order], weights[:, order], signs[:, order], sizes)


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


def integrate_adaptive(
    path: "Path", *, tolerance: float, max_steps: int, error_share: float = ERROR_SHARE
) -> Attribution:
    """Integrates token scores along the path, each example on as many nested levels as it needs.

    In a graph the loop is unrolled: a level that no example needs any more runs no row.

    Args:
        path: the path of the examples.
        tolerance: the bound of the error estimate and of |delta| / sum |scores|.
        max_steps: the most intervals.
        error_share: see `ERROR_SHARE`; the calibration tries others.
    """
    ops = array_ops.of(path.outputs)
    rule = clenshaw_curtis(max_steps)
    angles = check_node.angles(path.outputs)
    active = path.examples
    level = 0 * active
    sums = mean_changes = baseline_output = None
    start = 0
    # An error estimate needs two levels, so the first round asks for the nodes of both.
    for number, end in enumerate(rule.sizes[1:], start=1):
        nodes, weights = _round(rule, ops.take(angles, active), start, end)
        # Each node adds to the sums of all levels that have it: no gradient is ever kept.
        added, outputs = path.integrate(active, nodes, weights)
        baseline_output = outputs[:, 0] if sums is None else baseline_output
        changes = outputs[:, : end - start] - ops.take(baseline_output, active)[:, None]
        added_changes = ops.sum(changes[:, None] * rule.weights[:, start:end], axis=2)
        sums = _add_at(sums, active, added)
        mean_changes = _add_at(mean_changes, active, added_changes)
        level = ops.set_at(level, active, number)
        scores = ops.take_level(sums, level)
        delta = ops.sum(scores, axis=1) - (path.outputs - baseline_output)
        error = _error(sums, level, delta, ops.take_level(mean_changes, level), error_share)
        converged = error <= tolerance
        active, start = ops.nonzero(~converged), end
        if ops.is_empty(active):
            break
    evaluations = ops.take(np.array(rule.sizes), level) + 1
    return Attribution(scores, evaluations, baseline_output, delta, error, converged)


def _add_at(total: Array | None, examples: Array, added: Array) -> Array:
    """Adds to some examples; the first round is all there is."""
    return added if total is None else array_ops.of(added).add_at(total, examples, added)


def _round(rule: NestedRule, angles: Array, start: int, end: int) -> tuple[Array, Array]:
    """Returns the nodes and weights of one round of the adaptive rule for some examples.

    Args:
        rule: the nested rule.
        angles: (examples,), of the check nodes; the first round asks for these nodes last.
        start: the first of the rule's nodes that are asked for.
        end: the one after the last.

    Returns:
        Nodes, (examples, steps), and weights, (examples, 3 · levels, steps): the integral of each
        level; then those of (1 - α) times the gradient; then the interpolant of each level at the
        check node, less the gradient there.
    """
    ops = array_ops.of(angles)
    nodes, integral = rule.nodes[start:end], rule.weights[:, start:end]
    shared = np.concatenate([integral, integral * (1.0 - nodes)])
    interpolant = check_node.interpolation_weights(
        angles, nodes, rule.signs[:, start:end], np.array(rule.sizes) - 1.0
    )
    zeros = 0.0 * angles[:, None, None]
    weights = ops.concat([zeros + shared, interpolant], axis=1)
    nodes = zeros[:, 0] + nodes
    if start == 0:
        last = np.repeat([0.0, 0.0, -1.0], len(integral))[:, None]
        weights = ops.concat([weights, zeros + last], axis=2)
        nodes = ops.concat([nodes, check_node.nodes(angles)[:, None]], axis=1)
    return nodes, weights


def _error(
    sums: Array, level: Array, delta: Array, mean_change: Array, error_share: float
) -> Array:
    """Estimates the error of each example's scores, relative to sum |scores|: (batch,).

    Args:
        sums: (batch, 3 · levels, tokens), weighted as by `_round`.
        level: (batch,), the level that each example has reached.
        delta: (batch,), sum of scores - (F(x) - F(x')).
        mean_change: (batch,), the integral of F - F(x') over the path.
        error_share: see `ERROR_SHARE`.
    """
    ops = array_ops.of(sums)
    levels = sums.shape[1] // 3
    scores = ops.take_level(sums, level)
    move = ops.sum(ops.abs(scores - ops.take_level(sums, level - 1)), axis=1)
    # By parts, ∫ (1 - α) dF/dα dα = ∫ (F - F(x')) dα. Two changes that cancel are seen here.
    moment = ops.sum(ops.take_level(sums, levels + level), axis=1) - mean_change
    # Near a jump an interpolant is off by as much, and the integral by one interval of it.
    off_grid = ops.sum(ops.abs(ops.take_level(sums, 2 * levels + level)), axis=1)
    off_grid = off_grid / ops.take(np.array(LEVEL_INTERVALS, np.float64), level)
    # The error of the tokens together is at least that of their sum.
    error = ops.maximum(error_share * move, ops.maximum(ops.abs(delta), ops.abs(moment)))
    return ops.divide(ops.maximum(error, off_grid), ops.sum(ops.abs(scores), axis=1))
