"""Explains the probes, each whether or not the others can be explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.callbacks import rankings
from tf_salience.callbacks.probes import Probes
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation import Explanation, TokenSalience

Array = npt.NDArray[Any]

#: The share of its tokens that a sentence loses, or keeps, to see what they are worth.
ERASED_SHARE = 0.2
#: How many random rankings the scores' own is compared with; the same at every evaluation.
_DRAWS = 4


@dataclass(frozen=True)
class Observation:
    """One probe at one evaluation.

    Attributes:
        salience: its tokens and scores.
        padding_mass: the share of sum |scores| on padding; None for zeros alone.
        comprehensiveness: how much more the target falls without the top tokens than without as
            many random ones; None where there are fewer than two tokens.
        sufficiency: how much more it falls with the top tokens alone than with as many random ones;
            None as well.
    """

    salience: TokenSalience
    padding_mass: float | None
    comprehensiveness: float | None
    sufficiency: float | None


@dataclass(frozen=True)
class Failure:
    """A probe that could not be explained, and why."""

    reason: str


class Observer:
    """Explains probes.

    Args:
        explainer: the explainer of the model that is watched.
        probes: the examples.
        strict: whether a failure is raised rather than returned.
        divisible: whether a probe can be explained without the others; not so where the baseline
            or the target holds something for each of them.
    """

    def __init__(
        self, explainer: Explainer, probes: Probes, *, strict: bool, divisible: bool
    ) -> None:
        self.explainer = explainer
        self._probes = probes
        self._strict = strict
        self._divisible = divisible
        # Those that failed last time are asked one by one, so that they do not take others along.
        self._apart: set[int] = set()

    def __call__(self) -> list[Observation | Failure]:
        """One observation or failure for each probe."""
        found: dict[int, Observation | Failure] = {}
        together = [n for n in range(len(self._probes)) if n not in self._apart]
        if together and not self._try(together, found) and self._divisible:
            self._apart.update(together)
        for number in sorted(self._apart):
            if self._try([number], found):
                self._apart.discard(number)
        return [found[number] for number in range(len(self._probes))]

    def _try(self, which: Sequence[int], found: dict[int, Observation | Failure]) -> bool:
        """Explains some of the probes; whether it went well."""
        try:
            found.update(zip(which, self._observed(which), strict=True))
        except Exception as error:
            # Whatever a user's model or target raises: training is worth more than a look at it.
            if self._strict:
                raise
            found.update(dict.fromkeys(which, Failure(f"{type(error).__name__}: {error}")))
            return False
        return True

    def _observed(self, which: Sequence[int]) -> list[Observation]:
        inputs, labels = self._probes.take(which)
        explanation = self.explainer(inputs, labels)
        erased = np.stack(
            [
                _erased(scores, real, number)
                for scores, real, number in zip(
                    explanation.scores, explanation.mask, which, strict=True
                )
            ],
            axis=1,
        )
        # (1 + draws, two, batch): the scores' own ranking first.
        targets = self.explainer.without(inputs, erased, labels).reshape(-1, 2, len(which))
        gains = targets[1:].mean(axis=0) - targets[0]
        return [_observation(explanation, row, gains[:, row]) for row in range(len(explanation))]


def _observation(explanation: Explanation, row: int, gains: Array) -> Observation:
    scores, real = explanation.scores[row], explanation.mask[row]
    ranked = np.count_nonzero(real) > 1
    return Observation(
        salience=explanation[row],
        padding_mass=rankings.mass(scores, ~real),
        comprehensiveness=float(gains[0]) if ranked else None,
        sufficiency=float(gains[1]) if ranked else None,
    )


def _erased(scores: Array, real: npt.NDArray[np.bool_], seed: int) -> Array:
    """What is erased of one probe, (2 · (1 + draws), tokens).

    For the scores' own ranking, and for random ones: the top tokens, then all real tokens but them.
    """
    generator = np.random.default_rng(seed)
    places = np.flatnonzero(real)
    orders = [scores[real], *(generator.random(len(places)) for _ in range(_DRAWS))]
    rows = []
    for order in orders:
        top = np.zeros(len(real), bool)
        top[places[rankings.top_share(order, ERASED_SHARE)]] = True
        rows += [top, real & ~top]
    return np.array(rows)
