"""How many evaluations steps="auto" takes, and whether its error estimates can be believed.

    python -m benchmarks.calibrate --data FILE [--sentences 200] [--models KIND ...] [--output FILE]

Models are trained on the file's texts, and kept. Held-out texts are explained by steps="auto" at
several tolerances and compared with a reference far finer than it, which is kept as well.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

import tf_salience as tfs
from benchmarks import models, protocol
from benchmarks.accuracy import errors
from tf_salience.attribution import quadrature
from tf_salience.attribution.path import Path
from tf_salience.attribution.quadrature import Rule
from tf_salience.attribution.result import Attribution
from tf_salience.data.files import read_file
from tf_salience.data.labelled_texts import LabelledTexts

Array = npt.NDArray[Any]

TOLERANCES = (0.1, 0.03, 0.01, 0.003, 0.001)
#: The tolerance of the first table, which is the default of the library.
TOLERANCE = 0.01
#: Nodes of the Gauss-Legendre reference. Where gradients jump, every rule has an error of about
#: 1 / n; a large model is smooth, and slow.
_REFERENCE = {
    "relu_cnn": 2048,
    "max_pool_bilstm": 2048,
    "max_pool_bilstm_long": 1024,
    "minilm": 96,
}
_SMOOTH_REFERENCE = 256
#: The octaves of the reference of a model that moves near the baseline at every scale.
_OCTAVES = 66


class Reference(tfs.IntegratedGradients):
    """Integrated gradients by a rule of any nodes."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(steps=len(rule.nodes))
        object.__setattr__(self, "reference", rule)

    def __call__(self, path: Path) -> Attribution:
        """Computes the attribution of every example of the path."""
        rule: Rule = self.reference  # type: ignore[attr-defined]
        sums, _ = path.integrate(path.examples, rule.nodes, rule.weights[None])
        return Attribution(sums[:, 0], np.full(len(sums), len(rule.nodes)))


def reference_rules(kind: str) -> tuple[Rule, Rule]:
    """Returns the reference rule of a kind of model, and one of about half as many nodes."""
    if kind == "rms_norm":
        return graded(6), graded(3)
    nodes = _REFERENCE.get(kind, _SMOOTH_REFERENCE)
    return quadrature.gauss_legendre(nodes), quadrature.gauss_legendre(nodes // 2)


def graded(nodes: int) -> Rule:
    """Returns Gauss-Legendre rules on [1/2, 1], [1/4, 1/2], ... and on what is left at 0."""
    ends = np.append(2.0 ** -np.arange(_OCTAVES), 0.0)[::-1]
    rule = quadrature.gauss_legendre(nodes)
    widths = np.diff(ends)[:, None]
    return Rule((ends[:-1, None] + widths * rule.nodes).ravel(), (widths * rule.weights).ravel())


@dataclasses.dataclass(frozen=True)
class Examples:
    """Held-out texts, a model that explains them, and the true scores.

    Attributes:
        trained: the model.
        inputs: what it takes.
        reference: (batch, tokens), the scores by the reference rule.
        moves: how far the worst scores are from those of a rule of half as many nodes.
    """

    trained: models.Trained
    inputs: Any
    reference: Array
    moves: float


def examples(
    kind: str, data: LabelledTexts, *, sentences: int, seed: int, cache: pathlib.Path
) -> Examples:
    """Trains one model and computes the reference of held-out texts, or reads both."""
    assert data.labels is not None
    trained = models.trained(kind, data.texts, data.labels.tolist(), seed=seed, cache=cache)
    held_out = data.take(trained.held_out[:sentences])
    inputs = trained.encode(held_out.texts)
    fine, half = reference_rules(kind)
    file = cache / f"{kind}-{seed}-{len(held_out.texts)}-{len(fine.nodes)}.npz"
    if file.is_file():
        kept = np.load(file)
        return Examples(trained, inputs, kept["reference"], float(kept["moves"]))
    reference, halved = (
        tfs.explain(trained.model, inputs, Reference(rule), **trained.explain).scores
        for rule in (fine, half)
    )
    moves = float(errors(halved, reference).max())
    np.savez(file, reference=reference, moves=moves)
    return Examples(trained, inputs, reference, moves)


def measured(kind: str, known: Examples, tolerances: Sequence[float]) -> dict[str, Any]:
    """Explains held-out texts at several tolerances."""
    start = time.perf_counter()
    sweep = [_at_tolerance(known, tolerance) for tolerance in tolerances]
    return {
        "kind": kind,
        "accuracy": known.trained.accuracy,
        "sentences": len(known.reference),
        "reference_moves": known.moves,
        "seconds": time.perf_counter() - start,
        "tolerances": sweep,
    }


def _at_tolerance(known: Examples, tolerance: float) -> dict[str, Any]:
    method = tfs.IntegratedGradients(tolerance=tolerance)
    explanation = tfs.explain(known.trained.model, known.inputs, method, **known.trained.explain)
    converged, evaluations = explanation.converged, explanation.evaluations
    true_errors = errors(explanation.scores, known.reference)
    right = true_errors <= tolerance
    ratios = explanation.error_estimate / np.maximum(true_errors, 1e-12)
    return {
        "tolerance": tolerance,
        "evaluations": float(evaluations.mean()),
        "most_evaluations": int(evaluations.max()),
        "converged": float(converged.mean()),
        "converged_within": float(right[converged].mean()) if converged.any() else None,
        "median_error": float(np.median(true_errors)),
        "worst_error": float(true_errors.max()),
        "worst_converged": float(true_errors[converged].max()) if converged.any() else None,
        "ratio_median": float(np.median(ratios)),
        "ratio_percentile": float(np.quantile(ratios, 0.01)),
    }


def tables(results: Sequence[dict[str, Any]]) -> str:
    """Returns the results as two tables in Markdown."""
    lines = [
        "| model | held-out accuracy | evaluations an example (most) | converged | of these within "
        f"{TOLERANCE:.0%} | median / worst true error | estimate / true error, median "
        "(1st percentile) | reference moves |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        case = next(case for case in result["tolerances"] if case["tolerance"] == TOLERANCE)
        lines.append(
            f"| {result['kind']} | {result['accuracy']:.1%} | {case['evaluations']:.1f} "
            f"({case['most_evaluations']}) | {case['converged']:.1%} | {_share(case)} "
            f"| {case['median_error']:.1e} / {case['worst_error']:.1e} "
            f"| {case['ratio_median']:.1f} ({case['ratio_percentile']:.2f}) "
            f"| {result['reference_moves']:.0e} |"
        )
    tolerances = [case["tolerance"] for case in results[0]["tolerances"]]
    lines += [
        "",
        "Evaluations an example; the share that converged; of these, the share within the "
        "tolerance:",
        "",
        f"| model | {' | '.join(f'{tolerance:.1%}' for tolerance in tolerances)} |",
        f"|---|{'---|' * len(tolerances)}",
    ]
    for result in results:
        cells = [
            f"{case['evaluations']:.1f}; {case['converged']:.0%}; {_share(case)}"
            for case in result["tolerances"]
        ]
        lines.append(f"| {result['kind']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(case: dict[str, Any]) -> str:
    share = case["converged_within"]
    return "-" if share is None else f"{share:.1%}"


def machine() -> dict[str, Any]:
    """Returns what the figures were measured on, and when."""
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
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate", description=__doc__)
    parser.add_argument("--data", required=True, help="texts to train on: .tsv, .csv or .jsonl")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column")
    parser.add_argument("--rating-column")
    parser.add_argument("--sentences", type=int, default=200, help="held-out texts a model")
    parser.add_argument("--models", nargs="+", choices=models.KINDS, default=models.KINDS)
    parser.add_argument("--tolerances", nargs="+", type=float, default=TOLERANCES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=pathlib.Path, default=protocol.ROOT / ".bench" / "models")
    parser.add_argument("--output", type=pathlib.Path, help="a .json file for all figures")
    options = parser.parse_args(arguments)
    data = read_file(
        options.data,
        text_column=options.text_column,
        label_column=options.label_column,
        rating_column=options.rating_column,
    )
    if data.labels is None:
        parser.error("the file needs labels: name --label-column or --rating-column")
    options.cache.mkdir(parents=True, exist_ok=True)
    results = []
    for kind in options.models:
        known = examples(
            kind, data, sentences=options.sentences, seed=options.seed, cache=options.cache
        )
        results.append(measured(kind, known, options.tolerances))
        print(f"{kind}: {results[-1]['seconds']:.0f} s", flush=True)
        if TOLERANCE in options.tolerances:
            print(tables(results[-1:]), flush=True)
    if len(results) > 1 and TOLERANCE in options.tolerances:
        print(f"\n{tables(results)}")
    if options.output is not None:
        report = {"machine": machine(), "seed": options.seed, "models": results}
        options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
