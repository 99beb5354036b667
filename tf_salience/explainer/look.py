"""A first look at some examples, and what can be asked of them after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience import targets
from tf_salience.attribution.execution.batching import Pool
from tf_salience.explainer.parts import Part
from tf_salience.models.segments import Layout

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Look:
    """What is known of some examples before their paths are followed.

    Attributes:
        target: what is explained.
        context: what the target saw.
        layout: the segments as the user knows them.
        pool: the examples.
    """

    target: targets.Target
    context: targets.Context
    layout: Layout
    pool: Pool

    def part(self, *, trim: bool) -> Part:
        """Explains the examples: their paths; see `Pool.attribution`."""
        pool, layout = self.pool, self.layout
        part = Part(
            attribution=pool.attribution(trim=trim),
            masks=layout.masks,
            ids=[segment.ids for segment in pool.first.segments],
            names=layout.names,
            target_indices=pool.target_indices,
            target_names=[self.target.name(row, self.context) for row in pool.target_indices],
            output=pool.at_input,
        )
        return part.arranged(layout.order)


def without(looks: Sequence[Look], erased: Array) -> Array:
    """The target without some tokens, (sets, batch); see `Explainer.without`.

    Args:
        looks: at all examples, in order.
        erased: (sets, batch, tokens).

    Raises:
        ValueError: for another shape.
    """
    widths = np.max([look.layout.widths for look in looks], axis=0).tolist()
    expected = (looks[0].pool.total, sum(widths))
    if erased.ndim != 3 or erased.shape[1:] != expected:
        raise ValueError(
            "`erased` must be of shape (sets, batch, tokens), with the last two as in "
            f"`Explanation.mask`: (sets, {expected[0]}, {expected[1]}). "
            f"Received: shape {erased.shape}"
        )
    found = [
        [look.pool.without(look.layout.as_called(one[look.pool.numbers], widths)) for look in looks]
        for one in erased
    ]
    return np.array([np.concatenate(parts) for parts in found]).reshape(-1, expected[0])
