"""`Collection`: the measures of an evaluation, gathered from block to block of its examples."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tf_salience.evaluation import faithfulness, naopc, plausibility, rankings
from tf_salience.evaluation.arguments import Setup
from tf_salience.evaluation.evaluation import Evaluation, Measure
from tf_salience.evaluation.outputs import ErasedOutputs
from tf_salience.evaluation.ranked_text import RankedText
from tf_salience.evaluation.rationales import Rationale, mask_in
from tf_salience.evaluation.sanity import Sanity
from tf_salience.explainer.erasing import Erasing
from tf_salience.explanation import Explanation
from tf_salience.explanation.words import NO_WORD
from tf_salience.utils.arrays import Array

#: The shares of the tokens at which curves are averaged.
_SHARES = np.linspace(0.0, 1.0, 21)


@dataclass
class Collection:
    """The measures of the examples so far.

    Attributes:
        setup: the explainers, and how they are measured.
        rationales: one for each example, or None.
        generator: of random rankings.
        explanations: of all examples, by method.
        rows: by measure the number of an example and its values, (methods,), `random` last.
        curves: by name the sum of the curves so far, (methods, shares).
        taus: for each example (methods, methods).
        cost: as `Evaluation.cost`.
        left_out: how many examples have fewer than two tokens.
    """

    setup: Setup
    rationales: Sequence[Rationale] | None
    generator: np.random.Generator
    explanations: dict[str, Explanation] = field(default_factory=dict)
    rows: dict[str, list[tuple[int, list[float]]]] = field(default_factory=dict)
    curves: dict[str, Array] = field(default_factory=dict)
    taus: list[Array] = field(default_factory=list)
    cost: dict[str, dict[str, float]] = field(default_factory=dict)
    left_out: int = 0

    @property
    def first(self) -> Explanation:
        """The first method's explanation, for all that is the same in each."""
        return next(iter(self.explanations.values()))

    def explain(self, inputs: Any, labels: Any) -> None:
        """Explains all examples by every method."""
        for name, explainer in self.setup.explainers.items():
            start = time.perf_counter()
            explanation = explainer(inputs, labels)
            seconds = time.perf_counter() - start
            rows = float(explanation.evaluations.sum())
            takes_gradients = getattr(explainer.method, "takes_gradients", True)
            self.explanations[name] = explanation
            self.cost[name] = {
                # The pass at the input comes before any row.
                "forward": rows + len(explanation),
                "backward": rows if takes_gradients else 0.0,
                "seconds": seconds,
            }
        self.cost["measures"] = {"forward": 0.0, "backward": 0.0, "seconds": 0.0}

    def measure(self, erasing: Erasing) -> None:
        """Measures some of the examples."""
        start = time.perf_counter()
        places = [_places(self.first, number) for number in erasing.numbers.tolist()]
        kept = [row for row, columns in enumerate(places) if len(columns) > 1]
        self.left_out += len(places) - len(kept)
        texts = [
            RankedText(
                int(erasing.numbers[row]),
                row,
                np.stack(
                    [
                        explanation.scores[erasing.numbers[row], places[row]]
                        for explanation in self.explanations.values()
                    ]
                ),
                self.generator,
            )
            for row in kept
        ]
        columns = _columns_of(self.first, erasing.widths)
        outputs = ErasedOutputs(erasing, [columns[place] for place in places])
        if texts:
            self._measure(texts, outputs)
        for text in texts:
            if self.rationales is not None:
                self._add_plausibility(text, places[text.row])
        cost = self.cost["measures"]
        cost["forward"] += outputs.passes
        cost["seconds"] += time.perf_counter() - start

    def _measure(self, texts: Sequence[RankedText], outputs: ErasedOutputs) -> None:
        groups = [text.masks() for text in texts]
        rows = [text.row for text in texts]
        values = [self.setup.as_output(group) for group in outputs.of_masks(rows, groups)]
        bounds: list[Any] = [None] * len(texts)
        if self.setup.naopc_beam:
            bounds = naopc.bounds(
                lambda which, sets: self.setup.as_output(
                    outputs.of_sets([rows[number] for number in which], sets)
                ),
                [text.tokens for text in texts],
                self.setup.naopc_beam,
            ).tolist()
        for text, group, bound in zip(texts, values, bounds, strict=True):
            self._add_faithfulness(text, group, bound)

    def _add_faithfulness(self, text: RankedText, values: Array, bound: Any) -> None:
        curves, alone = text.curves(values)
        falls = values[0] - alone
        # An order may beat what the beam search has met.
        reached = [faithfulness.aopc(curve.deletion) for curve in curves]
        lowest, highest = (
            (0.0, 0.0) if bound is None else (min(bound[0], *reached), max(bound[1], *reached))
        )
        by_ranking = []
        for curve, scores in zip(curves, text.rankings, strict=True):
            named = faithfulness.measures(curve)
            if self.setup.has_probabilities:
                named["log_odds"] = faithfulness.curve_log_odds(curve.deletion)
            named["kendall_tau"] = rankings.kendall_tau(scores, falls)
            if highest > lowest:
                named["naopc"] = (faithfulness.aopc(curve.deletion) - lowest) / (highest - lowest)
            by_ranking.append(named)
        self._add_rows(text, by_ranking)
        self.taus.append(
            np.array([[rankings.kendall_tau(a, b) for b in text.scores] for a in text.scores])
        )
        for name in ("deletion", "insertion"):
            resampled = text.averaged(
                np.stack([_resampled(getattr(curve, name)) for curve in curves])
            )
            self.curves[name] = self.curves.get(name, 0.0) + resampled

    def _add_plausibility(self, text: RankedText, places: Array) -> None:
        assert self.rationales is not None
        named = mask_in(self.rationales[text.number], self.first[text.number], text.number)
        real = np.flatnonzero(self.first.mask[text.number])
        rationale = named[np.searchsorted(real, places)]
        if rationale.any():
            self._add_rows(
                text,
                [
                    plausibility.measures(order, scores, rationale)
                    for order, scores in zip(text.orders, text.rankings, strict=True)
                ],
            )

    def _add_rows(self, text: RankedText, by_ranking: Sequence[dict[str, float]]) -> None:
        """Adds the measures of one text; one that is undefined for a ranking is left out."""
        for name in by_ranking[0]:
            if all(name in named for named in by_ranking):
                column = np.array([named[name] for named in by_ranking])
                row = (text.number, text.averaged(column).tolist())
                self.rows.setdefault(name, []).append(row)

    def evaluation(self, randomized: Sanity | None) -> Evaluation:
        """Puts everything together."""
        total = len(self.first)
        if not self.taus:
            raise ValueError(
                "`evaluate` needs texts of two or more tokens, since a single token has no order. "
                f"Received: {total} examples, all of fewer tokens"
            )
        count = len(self.taus)
        return Evaluation(
            methods=list(self.setup.explainers),
            measures={
                name: Measure(
                    np.array([values for _, values in rows]).T,
                    np.array([number for number, _ in rows], np.int64),
                )
                for name, rows in self.rows.items()
            },
            curves={name: curve / count for name, curve in self.curves.items()},
            shares=_SHARES,
            agreement=np.mean(self.taus, axis=0),
            sanity={} if randomized is None else randomized.correlations,
            layers=[] if randomized is None else randomized.layers,
            cost=self.cost,
            examples=total,
            left_out=self.left_out,
            config={**self.setup.config, "target_name": _target_name(self.first)},
        )


def _places(explanation: Explanation, row: int) -> Array:
    """Returns the columns of the tokens that may be erased: no padding, no special tokens."""
    real = np.flatnonzero(explanation.mask[row])
    if explanation.words is None:
        return real
    return real[np.array(explanation.words[row], np.int64) != NO_WORD]


def _columns_of(explanation: Explanation, widths: Sequence[int]) -> Array:
    """Returns where each column of an explanation is among segments of these widths, (tokens,).

    Explained together with longer texts, a segment has more padding.
    """
    starts = np.cumsum([0, *widths[:-1]]).tolist()
    return np.concatenate(
        [
            np.arange(segment.stop - segment.start) + start
            for segment, start in zip(explanation.segments.values(), starts, strict=True)
        ]
    )


def _target_name(explanation: Explanation) -> str:
    """Returns what is explained, of all examples where it is the same."""
    names = list(dict.fromkeys(explanation.target_name))
    return names[0] if len(names) == 1 else ", ".join(names[:3]) + (", ..." if names[3:] else "")


def _resampled(curve: Array) -> Array:
    """Interpolates a curve at `_SHARES` of the tokens."""
    return np.interp(_SHARES, np.linspace(0.0, 1.0, len(curve)), curve)
