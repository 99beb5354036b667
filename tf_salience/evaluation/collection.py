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
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation import Explanation
from tf_salience.explanation.words import NO_WORD
from tf_salience.utils.arrays import Array

#: The shares of the tokens at which curves are averaged.
_SHARES = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class Block:
    """Some of the examples.

    Attributes:
        numbers: (examples,), their numbers in the user's inputs.
        inputs: of these examples.
        labels: of these examples, or None.
        rationales: one for each, or None.
    """

    numbers: Array
    inputs: Any
    labels: Any
    rationales: Sequence[Rationale] | None


@dataclass
class Collection:
    """The measures of the examples so far.

    Attributes:
        setup: the explainers, and how they are measured.
        rows: by measure the number of an example and its values, (methods,), `random` last.
        curves: by name the sum of the curves so far, (methods, shares).
        taus: for each example (methods, methods).
        cost: as `Evaluation.cost`.
        left_out: how many examples have fewer than two tokens.
        target_name: of the first example.
    """

    setup: Setup
    rows: dict[str, list[tuple[int, list[float]]]] = field(default_factory=dict)
    curves: dict[str, Array] = field(default_factory=dict)
    taus: list[Array] = field(default_factory=list)
    cost: dict[str, dict[str, float]] = field(default_factory=dict)
    left_out: int = 0
    target_name: str = ""

    def add(self, block: Block, generator: np.random.Generator) -> None:
        """Explains and measures some examples."""
        explanations = {
            name: self._explain(name, explainer, block)
            for name, explainer in self.setup.explainers.items()
        }
        first = next(iter(explanations.values()))
        self.target_name = self.target_name or first.target_name[0]
        places = [_places(first, row) for row in range(len(first))]
        kept = [row for row, columns in enumerate(places) if len(columns) > 1]
        self.left_out += len(places) - len(kept)
        if not kept:
            return
        texts = [
            RankedText(
                int(block.numbers[row]),
                row,
                np.stack([e.scores[row, places[row]] for e in explanations.values()]),
                generator,
            )
            for row in kept
        ]
        start = time.perf_counter()
        outputs = ErasedOutputs(self.setup.erasing(block.inputs, block.labels), places)
        self._measure(texts, outputs)
        if block.rationales is not None:
            for text in texts:
                mask = mask_in(block.rationales[text.row], first[text.row], text.number)
                among_real = np.searchsorted(np.flatnonzero(first.mask[text.row]), places[text.row])
                self._add_plausibility(text, mask[among_real])
        cost = self.cost.setdefault("measures", {"forward": 0.0, "backward": 0.0, "seconds": 0.0})
        cost["forward"] += outputs.passes
        cost["seconds"] += time.perf_counter() - start

    def _explain(self, name: str, explainer: Explainer, block: Block) -> Explanation:
        start = time.perf_counter()
        explanation = explainer(block.inputs, block.labels)
        seconds = time.perf_counter() - start
        cost = self.cost.setdefault(name, {"forward": 0.0, "backward": 0.0, "seconds": 0.0})
        rows = float(explanation.evaluations.sum())
        # The pass at the input comes before any row.
        cost["forward"] += rows + len(explanation)
        cost["backward"] += rows if getattr(explainer.method, "takes_gradients", True) else 0.0
        cost["seconds"] += seconds
        return explanation

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

    def _add_plausibility(self, text: RankedText, rationale: Array) -> None:
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

    def evaluation(self, total: int, randomized: Sanity | None) -> Evaluation:
        """Puts everything together."""
        if not self.taus:
            raise ValueError(
                "`evaluate` needs texts of two or more tokens, since one has no order. Received: "
                f"{total} examples, all of fewer"
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
            config={**self.setup.config, "target_name": self.target_name},
        )


def _places(explanation: Explanation, row: int) -> Array:
    """Returns the columns of the tokens that may be erased: no padding, no special tokens."""
    real = np.flatnonzero(explanation.mask[row])
    if explanation.words is None:
        return real
    return real[np.array(explanation.words[row], np.int64) != NO_WORD]


def _resampled(curve: Array) -> Array:
    """Interpolates a curve at `_SHARES` of the tokens."""
    return np.interp(_SHARES, np.linspace(0.0, 1.0, len(curve)), curve)
