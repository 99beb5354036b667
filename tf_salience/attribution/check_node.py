"""A node off the nested grid, where the interpolant of a level is compared with the gradient.

Gradients that agree at all nodes of two levels may differ between them. Each example has one such
node of its own, so that no integrand can be wrong for all of them unseen.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.attribution import array_ops

Array = Any
FloatArray = npt.NDArray[np.float64]

#: The coarsest level that is checked has this many intervals.
_INTERVALS = 8
#: The place of the node in an interval of that level: near no node of it, of the next level (a
#: half) or of the one after that (a quarter).
_PLACE = (0.3, 0.45)


def angles(outputs: Array) -> Array:
    """Chooses the node of each example as an angle θ, (batch,); the node is sin² θ.

    It follows from the example's output alone, so neither chunks nor the order of the batch matter;
    and outputs that differ by their rounding have almost always nearly the same node.

    Args:
        outputs: (batch,), the target at the input.
    """
    ops = array_ops.of(outputs)
    place = _INTERVALS * ((0.37 + 100.0 * ops.log1p(ops.abs(outputs))) % 1.0)
    low, high = _PLACE
    return np.pi / (2 * _INTERVALS) * (place - place % 1.0 + low + (high - low) * (place % 1.0))


def nodes(angles: Array) -> Array:
    """Returns the nodes of these angles, (batch,), in [0, 1]."""
    return array_ops.of(angles).sin(angles) ** 2


def interpolation_weights(
    angles: Array, grid: FloatArray, signs: FloatArray, intervals: FloatArray
) -> Array:
    """Returns the weights by which each level's polynomial takes its values at the check nodes.

    They are those of the barycentric formula at Chebyshev points (Berrut & Trefethen 2004,
    "Barycentric Lagrange interpolation", equation 5.4), whose factor is known in closed form, so
    that the weights of a few nodes need no others.

    Args:
        angles: (batch,), as `angles` gives them.
        grid: (steps,), nodes of the nested rule.
        signs: (levels, steps); see `quadrature.NestedRule`.
        intervals: (levels,).

    Returns:
        (batch, levels, steps), 0 at the nodes that a level does not have.
    """
    ops = array_ops.of(angles)
    angle = angles[:, None, None]
    factor = ops.sin(2.0 * angle) * ops.sin(2.0 * intervals[:, None] * angle)
    distance = 2.0 * intervals[:, None] * (ops.sin(angle) ** 2 - grid)
    return factor * signs / distance
