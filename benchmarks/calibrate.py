"""How many evaluations steps="auto" takes, and whether its error estimates can be believed.

    python -m benchmarks.calibrate --data FILE [--sentences 200] [--output calibration.json]

Four models are trained on the file's texts. Held-out sentences are explained by steps="auto" and
compared with a reference far finer than it. All levels of all sentences are computed once; then the
library's own rule is replayed on them for other values of `quadrature.ERROR_SHARE`.
"""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

import tf_salience as tfs
from benchmarks import models
from tf_salience.attribution import quadrature
from tf_salience.attribution.path import Path as AttributionPath
from tf_salience.attribution.result import Attribution
from tf_salience.data.files import read_file
from tf_salience.data.labelled_texts import LabelledTexts

Array = npt.NDArray[Any]

TOLERANCE = 0.01
SHARES = (1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 10)
#: The most intervals of "auto", and the nodes of the Gauss-Legendre reference. Where gradients
#: jump, every rule has an error of about 1 / n, and "auto" gets as many intervals as it takes.
SMOOTH, JUMPING = (128, 256), (1024, 2048)


@dataclasses.dataclass(frozen=True)
class Recorded:
    """All that the rule may ask of the path of some examples, and the reference.

    Attributes:
        outputs: (batch,), the target at the input.
        sums: one a round, (batch, rows, tokens): what its nodes add to each row of weights.
        targets: one a round, (batch, nodes of the round).
        reference: (batch, tokens), the scores by the reference rule.
        halved: (batch, tokens), the same by a rule of half as many nodes.
        auto: what steps="auto" gave.
    """

    outputs: Array
    sums: list[Array]
    targets: list[Array]
    reference: Array
    halved: Array
    auto: Attribution

    def replayed(self, share: float, max_steps: int) -> Attribution:
        """What the rule would have given with another share, or fewer steps."""
        return quadrature.integrate_adaptive(
            Replay(self), tolerance=TOLERANCE, max_steps=max_steps, error_share=share
        )


class Replay:
    """A recorded path: `path.Path` for the nested levels, round by round."""

    def __init__(self, recorded: Recorded) -> None:
        self.outputs = recorded.outputs
        self.examples = np.arange(len(recorded.outputs))
        self._rounds = iter(zip(recorded.sums, recorded.targets, strict=True))

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """The sums of the next round."""
        sums, found = next(self._rounds)
        assert found.shape[1] == nodes.shape[1]
        # The rows of the rule are three to a level, and fewer levels may be replayed.
        rows = sums.reshape(len(sums), 3, -1, sums.shape[2])[examples, :, : weights.shape[1] // 3]
        return rows.reshape(len(examples), -1, sums.shape[2]), found[examples]

    def target_at(self, node: float) -> Array:
        """The nested levels hold both ends: they never ask."""
        raise NotImplementedError


class Recording:
    """A path that keeps what it is asked for: `path.Path`.

    Attributes:
        rounds: the sums and the targets of each call.
    """

    def __init__(self, path: AttributionPath) -> None:
        self._path = path
        self.outputs, self.examples = path.outputs, path.examples
        self.rounds: list[tuple[Array, Array]] = []

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """The sums of the path."""
        self.rounds.append(self._path.integrate(examples, nodes, weights))
        # The rule adds to the sums of its first round in place.
        sums, targets = self.rounds[-1]
        return sums.copy(), targets

    def target_at(self, node: float) -> Array:
        """The nested levels hold both ends: they never ask."""
        raise NotImplementedError


class Recorder(tfs.IntegratedGradients):
    """Integrated gradients by steps="auto" that keeps what the replay needs."""

    def __init__(self, max_steps: int, reference: int) -> None:
        super().__init__(tolerance=TOLERANCE, max_steps=max_steps)
        object.__setattr__(self, "reference", reference)
        object.__setattr__(self, "found", [])

    def __call__(self, path: AttributionPath) -> Attribution:
        """The attribution of every example of the path."""
        auto = super().__call__(path)
        recording = Recording(path)
        # No error is below 0, so every example gets all levels.
        quadrature.integrate_adaptive(recording, tolerance=-1.0, max_steps=self.max_steps)
        fine, half = (
            path.integrate(path.examples, one.nodes, one.weights[None])[0][:, 0]
            for one in map(quadrature.gauss_legendre, (self.reference, self.reference // 2))
        )
        sums, found = zip(*recording.rounds, strict=True)
        outputs = np.array(path.outputs)
        self.found.append(Recorded(outputs, list(sums), list(found), fine, half, auto))
        return auto


def measured(
    kind: str,
    data: LabelledTexts,
    *,
    sentences: int,
    seed: int = 0,
    epochs: int | None = None,
) -> dict[str, Any]:
    """Trains one model and explains held-out sentences by it."""
    trained = models.trained(kind, data.texts, data.labels, seed=seed, epochs=epochs)
    held_out = data.take(trained.held_out[:sentences])
    ids = np.asarray(trained.vectorizer(np.asarray(held_out.texts, dtype=object)))
    recorder = Recorder(*(JUMPING if kind == "relu_cnn" else SMOOTH))
    start = time.perf_counter()
    tfs.explain(trained.model, ids, recorder, embeddings=trained.model.embed, pad_id=0)
    default = tfs.IntegratedGradients.max_steps
    return {
        "kind": kind,
        "accuracy": trained.accuracy,
        "sentences": len(ids),
        "reference": recorder.reference,
        # Halving the reference moves it by more than the error that is left.
        "reference_moves": float(
            max(_errors(one.halved, one.reference).max() for one in recorder.found)
        ),
        "seconds": time.perf_counter() - start,
        "max_steps": recorder.max_steps,
        "auto": _summary(recorder.found, [one.auto for one in recorder.found]),
        "shares": [
            {"share": share, "max_steps": most} | _replayed(recorder.found, share, most)
            for most in sorted({default, recorder.max_steps})
            for share in SHARES
        ],
    }


def _replayed(found: Sequence[Recorded], share: float, max_steps: int) -> dict[str, Any]:
    return _summary(found, [one.replayed(share, max_steps) for one in found])


def _summary(found: Sequence[Recorded], attributions: Sequence[Attribution]) -> dict[str, Any]:
    """What one setting did: means and shares over all sentences."""
    errors = np.concatenate(
        [
            _errors(attribution.scores, one.reference)
            for one, attribution in zip(found, attributions, strict=True)
        ]
    )
    converged, evaluations, estimates = (
        np.concatenate([getattr(one, name) for one in attributions])
        for name in ("converged", "evaluations", "error_estimate")
    )
    right = errors <= TOLERANCE
    return {
        "evaluations": float(evaluations.mean()),
        "most_evaluations": int(evaluations.max()),
        "within": float(right.mean()),
        "converged": float(converged.mean()),
        "converged_within": float(right[converged].mean()) if converged.any() else None,
        "estimate_holds": float((errors <= estimates).mean()),
        "median_error": float(np.median(errors)),
        "worst_error": float(errors.max()),
    }


def _errors(scores: Array, reference: Array) -> Array:
    """Sum |scores - reference| / sum |reference| of each example, (batch,)."""
    return np.abs(scores - reference).sum(axis=1) / np.abs(reference).sum(axis=1)


def tables(results: Sequence[dict[str, Any]]) -> str:
    """The results as two tables in Markdown."""
    lines = [
        "| model | accuracy | max_steps | evaluations an example | within 1 % | say converged "
        "| of these within 1 % | true error <= estimate | median / worst true error "
        "| reference moves |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in results:
        default = [
            (case["max_steps"], case)
            for case in one["shares"]
            if case["share"] == quadrature.ERROR_SHARE and case["max_steps"] != one["max_steps"]
        ]
        for most, case in [*default, (one["max_steps"], one["auto"])]:
            lines.append(
                f"| {one['kind']} | {one['accuracy']:.1%} | {most} | {case['evaluations']:.1f} "
                f"| {case['within']:.1%} | {case['converged']:.1%} "
                f"| {case['converged_within']:.1%} | {case['estimate_holds']:.1%} "
                f"| {case['median_error']:.1e} / {case['worst_error']:.1e} "
                f"| {one['reference_moves']:.0e} |"
            )
    names = [f"{one['kind']} ({one['max_steps']})" for one in results]
    lines += [
        "",
        "Evaluations an example, and of those that say converged the share within 1 %, by the "
        "share (`quadrature.ERROR_SHARE`):",
        "",
        f"| share | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for share in SHARES:
        cells = []
        for one in results:
            case = next(
                case
                for case in one["shares"]
                if (case["share"], case["max_steps"]) == (share, one["max_steps"])
            )
            cells.append(f"{case['evaluations']:.1f}, {case['converged_within']:.1%}")
        mark = " (in use)" if share == quadrature.ERROR_SHARE else ""
        lines.append(f"| 1/{1 / share:.0f}{mark} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What the figures were measured on, and when."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "gpus": len(tf.config.list_physical_devices("GPU")),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "tf_salience": tfs.__version__,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate", description=__doc__)
    parser.add_argument("--data", required=True, help="texts to train on: .tsv, .csv or .jsonl")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column")
    parser.add_argument("--rating-column")
    parser.add_argument("--sentences", type=int, default=200, help="held-out sentences a model")
    parser.add_argument("--models", nargs="+", choices=models.KINDS, default=models.KINDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="of the training; more make a harder path")
    parser.add_argument("--output", type=Path, help="a .json file for all figures")
    options = parser.parse_args(arguments)
    data = read_file(
        options.data,
        text_column=options.text_column,
        label_column=options.label_column,
        rating_column=options.rating_column,
    )
    if data.labels is None:
        parser.error("the file needs labels: name --label-column or --rating-column")
    results = []
    for kind in options.models:
        results.append(
            measured(
                kind,
                data,
                sentences=options.sentences,
                seed=options.seed,
                epochs=options.epochs,
            )
        )
        print(f"{kind}: {results[-1]['seconds']:.0f} s", flush=True)
    print(tables(results))
    if options.output is not None:
        found = {
            "machine": machine(),
            "tolerance": TOLERANCE,
            "seed": options.seed,
            "epochs": options.epochs,
        }
        text = json.dumps(found | {"models": results}, indent=1)
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
