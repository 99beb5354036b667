"""What a method found, as arrays; and how parts of it are put together."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Attribution:
    """What a method found, `None` where it has no such thing.

    Attributes:
        scores: (batch, tokens), all segments side by side.
        evaluations: (batch,), forward and backward passes spent on each example.
        baseline_output: (batch,), the target at the baseline.
        convergence_delta: (batch,), sum of scores - (F(x) - F(x')).
        error_estimate: (batch,), relative to sum |scores|.
        converged: (batch,), whether the tolerance was met.
    """

    scores: Array
    evaluations: Array
    baseline_output: Array | None = None
    convergence_delta: Array | None = None
    error_estimate: Array | None = None
    converged: Array | None = None

    def take(self, which: Array) -> "Attribution":
        """Some of the examples, in the order asked for."""
        values: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            values[item.name] = None if value is None else value[which]
        return Attribution(**values)


def joined(parts: Sequence[Attribution]) -> Attribution:
    """Parts of one call, one after the other; their scores have the same width."""
    together: dict[str, Any] = {}
    for item in fields(Attribution):
        column = [getattr(part, item.name) for part in parts]
        together[item.name] = None if column[0] is None else np.concatenate(column)
    return Attribution(**together)


def widened(array: Array, before: Sequence[int], after: Sequence[int]) -> Array:
    """Segments side by side, (batch, sum of `before`), each padded with zeros to its new width."""
    ends = np.cumsum(before)[:-1]
    parts = [
        np.pad(part, [(0, 0), (0, width - part.shape[1])])
        for part, width in zip(np.split(array, ends, axis=1), after, strict=True)
    ]
    return np.concatenate(parts, axis=1)
