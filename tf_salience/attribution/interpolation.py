"""Integrals between the nodes of a path, by polynomials through the nodes nearby.

The nodes may lie anywhere: a gap between two of them is split without evaluating any node again.
"""

from typing import Any, NamedTuple

import numpy as np

from tf_salience.attribution import array_ops

Array = Any

#: The numbers of nodes that a polynomial goes through: a constant, a line, a cubic, a quintic.
ORDERS = (1, 2, 4, 6)

#: A polynomial is used where its weights are together at most this many times the width of the
#: gap. Beyond that it extrapolates: rounding, or a jump between close nodes, would be multiplied.
_LARGEST_WEIGHTS = 3.0

#: The part of the path, from its start, where a gap may be taken for one of a steep place.
_STEEP = 1.0 / 64.0

_POINTS, _POINT_WEIGHTS = np.polynomial.legendre.leggauss(ORDERS[-1] // 2)


class GapIntegrals(NamedTuple):
    """Integrals over the gaps before each node, (batch, steps, tokens) each.

    Attributes:
        values: by the highest order that does not extrapolate.
        last_changes: what that order changed against the one below it.
        changes: what all orders changed together against a line between the two nodes.
    """

    values: Array
    last_changes: Array
    changes: Array


def gap_integrals(nodes: Array, values: Array) -> GapIntegrals:
    """Integrates values between neighbouring nodes, from 0 to the last one.

    Args:
        nodes: (batch, steps), ascending, at least as many as the highest of the `ORDERS`.
        values: (batch, steps, tokens), at the nodes.
    """
    ops = array_ops.of(nodes)
    starts = gap_starts(nodes)
    widths = nodes - starts
    integrals = changes = widths[..., None] * values
    lines = integrals
    for order in ORDERS[1:]:
        stencils = _stencils(nodes, order)
        weights = _weights(starts, nodes, ops.take(nodes, stencils, axis=1))
        higher = sum(
            weights[:, :, k, None] * ops.take(values, stencils[:, k], axis=1) for k in range(order)
        )
        is_safe = (ops.sum(ops.abs(weights), axis=2) <= _LARGEST_WEIGHTS * widths)[..., None]
        changes = ops.where(is_safe, higher - integrals, changes)
        integrals = ops.where(is_safe, higher, integrals)
        lines = integrals if order == 2 else lines
    return GapIntegrals(integrals, changes, integrals - lines)


def gap_starts(nodes: Array) -> Array:
    """Returns where the gaps before each node begin, (batch, steps): at 0, and at the nodes."""
    return array_ops.of(nodes).concat([0.0 * nodes[:, :1], nodes[:, :-1]], axis=1)


def _stencils(nodes: Array, order: int) -> Array:
    """Returns the indices of the nodes around each gap, (steps, order)."""
    ops = array_ops.of(nodes)
    steps = ops.shape(nodes)[1]
    first = ops.minimum(ops.maximum(ops.arange(steps) - order // 2, 0), steps - order)
    return first[:, None] + ops.arange(order)


def _weights(starts: Array, ends: Array, stencils: Array) -> Array:
    """Returns the integrals of Lagrange's polynomials over each gap, (batch, steps, order).

    Args:
        starts: (batch, steps), where the gaps begin.
        ends: (batch, steps), where they end.
        stencils: (batch, steps, order), the nodes of the polynomials.
    """
    ops = array_ops.of(starts)
    # Near the baseline there are nodes only where scores are steep there, and then often at every
    # scale. In the logarithm of the place they are smooth: ∫ f dα = ∫ f α d(log α).
    is_steep = (ends <= _STEEP) & (starts > 0.0)
    steep_starts = ops.log(ops.where(is_steep, starts, 1.0 + 0.0 * starts))
    starts = ops.where(is_steep, steep_starts, starts)
    ends = ops.where(is_steep, ops.log(ends), ends)
    scales = ops.where(is_steep[..., None], stencils, 1.0 + 0.0 * stencils)
    stencils = ops.where(is_steep[..., None], ops.log(stencils), stencils)
    order = stencils.shape[2]
    widths = ends - starts
    places = starts[..., None] + widths[..., None] * (_POINTS + 1.0) / 2.0
    distances = places[..., None] - stencils[:, :, None]
    between = stencils[..., :, None] - stencils[..., None, :] + np.eye(order)
    # A place lies inside a gap and never on a node. Too close nodes give weights that are not
    # finite, and so not safe.
    polynomials = ops.prod(distances, axis=3)[..., None] / distances
    polynomials = polynomials / ops.prod(between, axis=3)[:, :, None]
    weights = ops.sum(_POINT_WEIGHTS[:, None] / 2.0 * polynomials, axis=2)
    return scales * widths[..., None] * weights
