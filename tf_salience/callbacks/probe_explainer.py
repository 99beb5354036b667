"""Explains the probes, each even where others cannot be explained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tf_salience.callbacks.probes import Probes
from tf_salience.evaluation import faithfulness, rankings
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation import TokenSalience
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array

#: The fraction of the tokens that is erased for comprehensiveness, and kept for sufficiency.
ERASED_FRACTION = 0.2
#: The number of random rankings that a ranking by scores is compared with.
_RANDOM_RANKINGS = 4


@dataclass(frozen=True)
class ProbeExplanation:
    """The explanation of one probe at one evaluation.

    Attributes:
        salience: the tokens and their scores.
        padding_mass: the share of sum |scores| on padding; None if all scores are 0.
        comprehensiveness: the fall of the target without the top tokens, minus the mean fall
            without as many random tokens; None for fewer than two tokens.
        sufficiency: the fall of the target with the top tokens alone, minus the mean fall with as
            many random tokens alone; None for fewer than two tokens.
    """

    salience: TokenSalience
    padding_mass: float | None
    comprehensiveness: float | None
    sufficiency: float | None


class ProbeExplainer:
    """Explains the probes as one batch, or one by one after a failure.

    Args:
        explainer: the explainer of the model.
        probes: the examples.
        raise_errors: True to raise an error, False to return its message.
        separable: True if a probe can be explained without the others; False where the baseline or
            the target has one entry per example.
    """

    def __init__(
        self, explainer: Explainer, probes: Probes, *, raise_errors: bool, separable: bool
    ) -> None:
        self.explainer = explainer
        self._probes = probes
        self._raise_errors = raise_errors
        self._separable = separable
        # Probes that failed at the last evaluation: in a batch they would make the others fail.
        self._failed: set[int] = set()

    def __call__(self) -> tuple[dict[int, ProbeExplanation], dict[int, str]]:
        """Explains every probe.

        Returns:
            Explanations and error messages by the number of the probe; each probe has one of both.
        """
        explanations: dict[int, ProbeExplanation] = {}
        errors: dict[int, str] = {}
        batches = [[probe] for probe in self._failed]
        remaining = [probe for probe in range(len(self._probes)) if probe not in self._failed]
        if remaining:
            batches.append(remaining)
        while batches:
            batch = batches.pop()
            try:
                explanations.update(zip(batch, self._explain(batch), strict=True))
                self._failed.difference_update(batch)
            except Exception as error:
                # A user's model or target may raise anything, and must not end the training.
                if self._raise_errors:
                    raise
                if self._separable and len(batch) > 1:
                    batches += [[probe] for probe in batch]
                    continue
                message = f"{type(error).__name__}: {validation.format_error(error)}"
                errors.update(dict.fromkeys(batch, message))
                if self._separable:
                    self._failed.update(batch)
        return dict(sorted(explanations.items())), dict(sorted(errors.items()))

    def _explain(self, batch: Sequence[int]) -> list[ProbeExplanation]:
        inputs, labels = self._probes.take(batch)
        explanation = self.explainer(inputs, labels)
        rows = zip(explanation.scores, explanation.mask, batch, strict=True)
        erased = np.stack([_erasure_masks(*row) for row in rows], axis=1)
        # (1 + random rankings, 2, batch); the first ranking is that by scores.
        targets = self.explainer.without(inputs, erased, labels).reshape(-1, 2, len(batch))
        return [
            ProbeExplanation(
                salience,
                rankings.mass(scores, ~real),
                # One token has no order.
                *(_over_random(output, probe) if len(salience.tokens) > 1 else (None, None)),
            )
            for salience, scores, real, output, probe in zip(
                explanation,
                explanation.scores,
                explanation.mask,
                explanation.output,
                np.moveaxis(targets, 2, 0),
                strict=True,
            )
        ]


def _over_random(whole: float, targets: Array) -> tuple[float, float]:
    """Computes comprehensiveness and sufficiency, each minus its mean over random rankings.

    Args:
        whole: the target at the input.
        targets: (1 + random rankings, 2), without the top tokens and with these alone.
    """
    measures = (faithfulness.comprehensiveness, faithfulness.sufficiency)
    by_scores, *random = [
        [measure(whole, row[[column]]) for column, measure in enumerate(measures)]
        for row in targets
    ]
    comprehensiveness, sufficiency = np.subtract(by_scores, np.mean(random, axis=0)).tolist()
    return comprehensiveness, sufficiency


def _erasure_masks(scores: Array, real: Array, seed: int) -> Array:
    """Builds the masks of the tokens to erase from one probe, (2 · (1 + random), tokens).

    Two masks for the ranking by scores, then for each random ranking: the top tokens, and all real
    tokens except these. A probe's seed, its number, gives the same masks at every evaluation.
    """
    generator = np.random.default_rng(seed)
    positions = np.flatnonzero(real)
    random = generator.random((_RANDOM_RANKINGS, len(positions)))
    count = faithfulness.count_of(ERASED_FRACTION, len(positions))
    masks = np.zeros((2 * (1 + _RANDOM_RANKINGS), len(real)), bool)
    masks[:, positions] = np.concatenate(
        [
            faithfulness.top_masks(rankings.top_k(ranking, len(positions)), count)
            for ranking in (scores[real], *random)
        ]
    )
    return masks
