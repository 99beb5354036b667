"""`Attribution`: the result of a method, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

#: A numpy array; a tensor while a graph is traced.
Array = Any


class Obstacle(IntEnum):
    """Where on its path the scores of an example are least known."""

    MANY_PLACES = 0
    START = 1
    ONE_PLACE = 2


@dataclass(frozen=True)
class Attribution:
    """The result of a method; `None` where the method does not have it.

    Attributes:
        scores: (batch, tokens), all segments side by side.
        evaluations: (batch,), forward and backward passes spent on each example.
        baseline_output: (batch,), the target at the baseline, F(x').
        convergence_delta: (batch,), sum of scores - (F(x) - F(x')).
        error_estimate: (batch,), relative to sum |scores|.
        converged: (batch,), true where the tolerance was met.
        obstacle: (batch,), an `Obstacle`: what makes the path hard to integrate, also where
            the tolerance is met.
        obstacle_at: (batch,), its node.
    """

    scores: Array
    evaluations: Array
    baseline_output: Array | None = None
    convergence_delta: Array | None = None
    error_estimate: Array | None = None
    converged: Array | None = None
    obstacle: Array | None = None
    obstacle_at: Array | None = None

    def take(self, examples: Array) -> "Attribution":
        """Takes some of the examples, in the order of their indices."""
        return Attribution(
            **{
                name: None if values is None else values[examples]
                for name, values in vars(self).items()
            }
        )


def join(attributions: Sequence[Attribution]) -> Attribution:
    """Joins attributions along the batch axis; their scores have the same width."""
    joined = {}
    for name in vars(attributions[0]):
        arrays = [getattr(attribution, name) for attribution in attributions]
        joined[name] = None if arrays[0] is None else np.concatenate(arrays)
    return Attribution(**joined)
