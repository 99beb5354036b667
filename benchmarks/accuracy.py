"""How far attributions are from the reference, and the fewest nodes that bring them within 1 %."""

import bisect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: The largest relative L1 error that serves, of the worst example.
TOLERANCE = 0.01
#: Nodes of the reference, by Gauss-Legendre.
REFERENCE_STEPS = 256

#: The numbers of nodes that are tried: each one at first, then about 5 in each doubling.
LADDER = (
    *range(4, 17), 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 64, 72, 80, 90, 100, 112, 128,
    144, 160, 180, 200, 224, 256, 288, 320, 360, 400, 448, 512, 576, 640, 720, 800, 896, 1024,
)  # fmt: skip
_HARDEST = 24


def errors(scores: Array, reference: Array) -> Array:
    """The relative L1 error of each example's scores, (batch,): sum |a - r| / sum |r|."""
    return np.abs(scores - reference).sum(axis=1) / np.abs(reference).sum(axis=1)


def fewest(found_at: Callable[[int, Array | None], Array], hints: Array) -> int | None:
    """The fewest nodes with which the worst example is within the tolerance.

    The ladder is halved with the examples that are likely to be worst, and what is found is tried
    with all of them, and raised until it serves.

    Args:
        found_at: the errors at a number of nodes, of the examples with these numbers or of all.
        hints: (batch,), errors at some number of nodes: the larger, the harder the example.

    Returns:
        A number of the ladder, or None if its last does not serve.
    """
    hardest = np.sort(np.argsort(hints)[-_HARDEST:])

    def serves(steps: int) -> bool:
        return bool(found_at(steps, hardest).max() <= TOLERANCE)

    # False comes before True, so the first that serves is found by bisection.
    step = bisect.bisect_left(LADDER, True, key=serves)
    for steps in LADDER[step:]:
        if found_at(steps, None).max() <= TOLERANCE:
            return steps
    return None
