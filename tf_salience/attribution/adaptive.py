"""The adaptive rule: each example is refined where its scores are least known, until they are.

The path of an example begins with a few nodes. Between any two of them the scores are integrated by
polynomials through the nodes nearby, and two things tell what is wrong there: what the polynomial
changes against one of lower order, and whether its scores sum to what the target moved between the
two nodes. Where this is most, nodes are added; no gradient is ever taken twice. A smooth path is
known after the first nodes, one with a steep place is refined there, and one whose gradients jump
everywhere is sampled evenly.

It is the plan of adaptive quadrature of vectors (`scipy.integrate.quad_vec`: one norm, the interval
with the largest error first), with two things of its own: many examples go on together, and their
intervals share their nodes.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tf_salience.attribution import array_ops
from tf_salience.attribution.interpolation import GapIntegrals, gap_integrals, gap_starts
from tf_salience.attribution.result import Attribution, Obstacle

if TYPE_CHECKING:
    from tf_salience.attribution.path import Path

Array = Any

#: The nodes with which every path begins.
FIRST_NODES = 7
#: How far a first node is moved, at most, in distances between two.
_MOVE = 0.2
#: Outputs that differ by less than a thousandth have the same nodes.
_BINS = 1000.0
#: How each of the first nodes moves from one bin to the next, in radians: in no common rhythm.
_TURNS = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])

#: The error of an example is taken for this many times what the last order of the polynomials
#: changed, times the share of that in what all of them changed: a third or less where the scores
#: are smooth, and half where they jump. It is never taken for less than the last change, and not
#: for more than `JUMP_SHARE` times what jumps at unknown places between the nodes would do
#: (benchmarks/calibrate.py).
CHANGE_SHARE = 19.0
JUMP_SHARE = 1.3

#: What counts for nothing in a gap, in tolerances, for each part of the path that the gap is wide.
_NOTHING = 1e-3

#: A gap may get up to this many nodes in a round. Each divides what is left to be gained by
#: `_GAIN`; in the first gap by `_FIRST_GAIN`, since the scores may be steep at any scale there.
_NODES_IN_A_GAP = 4
_GAIN, _FIRST_GAIN = 8.0, 2.0
#: A gap of this share of its place has no more nodes that float32 tells apart, and no path has any
#: this near to its baseline.
_NARROWEST, _NEAREST = 1e-6, 1e-30
#: The part of the path that is called its start.
_START = 1.0 / 16.0


class _Estimate(NamedTuple):
    """What some nodes say of their examples.

    Attributes:
        scores: (examples, tokens).
        error: (examples,), relative to sum |scores|.
        gaps: (examples, steps), what may be wrong in the gap before each node, as sum |score|; 0 in
            gaps that are too narrow to be split.
        is_stuck: (examples,), true if the target jumps by more than the tolerance in such gaps.
        obstacle: (examples,), an `Obstacle`.
        obstacle_at: (examples,), the node behind the gap where most may be wrong.
    """

    scores: Array
    error: Array
    gaps: Array
    is_stuck: Array
    obstacle: Array
    obstacle_at: Array


def first_nodes(outputs: Array) -> Array:
    """Returns the nodes with which the paths begin, (batch, `FIRST_NODES`), the last one at 1.

    They are near the Chebyshev points, but each lies elsewhere for each example. Waves that agree
    at equal distances would pass for what is seen between them; here they do so for no example, or
    for few. Where the nodes lie follows from the example's output alone, so neither chunks nor the
    order of the batch matter, and it moves little with the output's rounding. None is at 0: a
    maximum of equal values, or the norm of a zero vector, has no slope there.

    Args:
        outputs: (batch,), the target at the input.
    """
    ops = array_ops.of(outputs)
    place = _BINS * ops.log1p(ops.abs(outputs))
    moves = _MOVE * ops.sin((place - place % 1.0)[:, None] * _TURNS)
    angles = (np.arange(FIRST_NODES - 1) + 0.5 + moves) / (FIRST_NODES - 0.5)
    return ops.concat([ops.sin(np.pi / 2 * angles) ** 2, 0.0 * outputs[:, None] + 1.0], axis=1)


def integrate(path: "Path", *, tolerance: float, max_steps: int) -> Attribution:
    """Integrates token scores along the path, each example with as many nodes as it needs.

    The scores at the nodes of all unfinished examples are kept, (examples, steps, tokens).

    Args:
        path: the path of the examples.
        tolerance: the bound of the error estimate.
        max_steps: the most nodes.
    """
    ops = array_ops.of(path.outputs)
    baseline_output = path.target_at(0.0)
    nodes = first_nodes(path.outputs)
    scores, targets = _evaluate(path, path.examples, nodes)
    # One array each, which are written to.
    results = (
        0.0 * scores[:, 0],
        0.0 * path.outputs,
        0 * path.examples,
        0 * path.examples,
        0.0 * path.outputs,
    )

    def is_unfinished(examples: Array, *_: Array) -> Any:
        return ops.shape(examples)[0] > 0

    def refine(
        examples: Array, nodes: Array, scores: Array, targets: Array, *results: Array
    ) -> Any:
        steps = ops.shape(nodes)[1]
        at_nodes = ops.concat([targets[:, :-1], ops.take(path.outputs, examples)[:, None]], axis=1)
        estimate = _estimate(
            nodes, scores, at_nodes, ops.take(baseline_output, examples), tolerance
        )
        outcome = (
            estimate.scores,
            estimate.error,
            steps + 0 * examples,
            estimate.obstacle,
            estimate.obstacle_at,
        )
        results = tuple(
            ops.set_at(array, examples, values)
            for array, values in zip(results, outcome, strict=True)
        )
        is_done = (estimate.error <= tolerance) | estimate.is_stuck | (steps >= max_steps)
        rest = ops.nonzero(~is_done)
        examples, nodes, scores, targets, gaps = (
            ops.take(array, rest, axis=0)
            for array in (examples, nodes, scores, targets, estimate.gaps)
        )
        added = _split(nodes, gaps, _added_count(nodes, max_steps))
        known = (nodes, scores, targets)
        new = (added, *_evaluate(path, examples, added))
        return examples, *_merged(known, new), *results

    state = ops.while_loop(is_unfinished, refine, (path.examples, nodes, scores, targets, *results))
    scores, error, evaluations, obstacle, obstacle_at = state[4:]
    return Attribution(
        scores=scores,
        evaluations=evaluations,
        baseline_output=baseline_output,
        convergence_delta=ops.sum(scores, axis=1) - (path.outputs - baseline_output),
        error_estimate=error,
        converged=error <= tolerance,
        obstacle=obstacle,
        obstacle_at=obstacle_at,
    )


def _added_count(nodes: Array, max_steps: int) -> Array:
    """Returns how many nodes a round adds to those of each example: a scalar, at least 0.

    Few at first, since smooth paths need few; an eighth later, so that rounds do not grow many.
    """
    ops = array_ops.of(nodes)
    steps = ops.shape(nodes)[1]
    count = ops.maximum(ops.minimum(steps // 3, 4), steps // 8)
    return ops.maximum(ops.minimum(count, max_steps - steps), 0)


def _merged(known: tuple[Array, ...], new: tuple[Array, ...]) -> list[Array]:
    """Merges new nodes and what belongs to them into the known ones, in ascending order.

    Args:
        known: nodes, (examples, steps), and arrays of a value at each, (examples, steps, ...).
        new: the same of other nodes.
    """
    ops = array_ops.of(known[0])
    order = ops.argsort(ops.concat([known[0], new[0]], axis=1))
    return [
        ops.take_along(ops.concat(pair, axis=1), order) for pair in zip(known, new, strict=True)
    ]


def _evaluate(path: "Path", examples: Array, nodes: Array) -> tuple[Array, Array]:
    """Computes the scores of some examples at nodes of their own, and the target there.

    Args:
        path: the path.
        examples: (examples,), their indices.
        nodes: (examples, steps).

    Returns:
        Scores, (examples, steps, tokens), and targets, (examples, steps).
    """
    ops = array_ops.of(nodes)
    size, steps = ops.shape(nodes)[0], ops.shape(nodes)[1]
    row_examples = ops.reshape(examples[:, None] + 0 * ops.arange(steps), [-1])
    sums, targets = path.integrate(row_examples, ops.reshape(nodes, [-1, 1]), np.ones((1, 1)))
    return (
        ops.reshape(sums, [size, steps, ops.shape(sums)[2]]),
        ops.reshape(targets, [size, steps]),
    )


def _estimate(
    nodes: Array, scores: Array, targets: Array, starts: Array, tolerance: float
) -> _Estimate:
    """Integrates the scores over the path, and estimates what is wrong with the integral.

    Args:
        nodes: (examples, steps), ascending, the last at 1.
        scores: (examples, steps, tokens), at the nodes.
        targets: (examples, steps), at the nodes.
        starts: (examples,), the target at the baseline.
        tolerance: the bound of the error.
    """
    ops = array_ops.of(nodes)
    integrals = gap_integrals(nodes, scores)
    integral = ops.sum(integrals.values, axis=1)
    total = ops.sum(ops.abs(integral), axis=1)
    moves = targets - ops.concat([starts[:, None], targets[:, :-1]], axis=1)
    missing = ops.sum(integrals.values, axis=2) - moves
    widths = nodes - gap_starts(nodes)
    # Of the first gap only one end is known: it is taken to change as much as the second.
    steps = scores[:, 1:] - scores[:, :-1]
    steps = widths[..., None] * ops.concat([steps[:, :1], steps], axis=1)
    error = _change_error(integrals, steps)
    # Up to each node the scores must sum to what the target moved. That is exact, and it sees
    # what happens between the nodes, too.
    error = ops.maximum(error, ops.max(ops.abs(ops.cumsum(missing, axis=1)), axis=1))
    gaps = ops.maximum(ops.sum(ops.abs(integrals.last_changes), axis=2), ops.abs(missing))
    is_narrow = (widths <= _NARROWEST * nodes) | (nodes <= _NEAREST)
    zero = 0.0 * gaps
    is_stuck = ops.sum(ops.where(is_narrow, ops.abs(missing), zero), axis=1) > tolerance * total
    # Less than this is rounding: then the widest gap is split, here as in another graph.
    nothing = _NOTHING * tolerance * total[:, None]
    half = 0.5 * ops.sum(gaps, axis=1)
    is_at_start = ops.sum(ops.where(nodes <= _START, gaps, zero), axis=1) > half
    is_one_place = is_stuck | (ops.max(gaps, axis=1) > half)
    one_or_many = ops.where(is_one_place, int(Obstacle.ONE_PLACE), int(Obstacle.MANY_PLACES))
    return _Estimate(
        scores=integral,
        error=ops.divide(error, total),
        gaps=ops.where(is_narrow, zero, ops.maximum(gaps, nothing * widths)),
        is_stuck=is_stuck,
        obstacle=ops.where(is_at_start, int(Obstacle.START), one_or_many),
        obstacle_at=ops.take_level(nodes, ops.argmax(gaps)),
    )


def _change_error(integrals: GapIntegrals, steps: Array) -> Array:
    """Estimates the error, (examples,), as sum |score|, from what the orders changed.

    Args:
        integrals: over the gaps.
        steps: (examples, steps, tokens), the differences of neighbouring scores times the widths
            between them.
    """
    ops = array_ops.of(steps)
    # The errors of the gaps have either sign, so they add up as the sides of a box do.
    last, all_orders, jumps = (
        ops.sum(ops.sqrt(ops.sum(changes * changes, axis=1)), axis=1)
        for changes in (integrals.last_changes, integrals.changes, steps)
    )
    share = ops.divide(last, all_orders)
    # A jump anywhere between two nodes: the mean square of its place, uniform over the width.
    return ops.minimum(
        JUMP_SHARE / np.sqrt(12.0) * jumps, last * ops.maximum(CHANGE_SHARE * share, 1.0)
    )


def _split(nodes: Array, gaps: Array, count: Array) -> Array:
    """Returns nodes to add, (examples, count), where the least is known.

    Args:
        nodes: (examples, steps), ascending.
        gaps: (examples, steps), what is not known in the gap before each node.
        count: how many nodes each example gets, a scalar.
    """
    ops = array_ops.of(nodes)
    size, steps = ops.shape(nodes)[0], ops.shape(nodes)[1]
    powers = np.arange(_NODES_IN_A_GAP)
    gains = ops.concat(
        [gaps[:, :1, None] / _FIRST_GAIN**powers, gaps[:, 1:, None] / _GAIN**powers], axis=1
    )
    chosen = ops.largest(ops.reshape(gains, [size, steps * _NODES_IN_A_GAP]), count)
    gap, number = chosen // _NODES_IN_A_GAP, ops.cast(chosen % _NODES_IN_A_GAP + 1, nodes)
    in_same_gap = ops.sum(ops.cast(gap[:, :, None] == gap[:, None, :], nodes), axis=2)
    right = ops.take_along(nodes, gap)
    left = ops.take_along(gap_starts(nodes), gap)
    inside = left + (right - left) * number / (in_same_gap + 1.0)
    # Towards the baseline, where a model that normalizes its embeddings is steepest, by halves.
    return ops.where(gap == 0, right * 0.5**number, inside)
