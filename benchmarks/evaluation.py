"""How faithful each method is on four trained models, and what the measuring costs.

    python -m benchmarks.evaluation --data FILE [--sentences 1000] [--naopc 200] [--output x.json]

Four models are trained on the file's texts, and all methods are evaluated on held-out sentences. On
the pre-LN transformer a loop of `model.predict` over perturbed sentences is timed in the same run.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

import tf_salience as tfs
from benchmarks import models
from benchmarks.machine import describe
from tf_salience.attribution.methods import METHODS
from tf_salience.data.files import read_file
from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.evaluation.report import LABELS

Array = npt.NDArray[Any]

BEAM = 5
KINDS = ("lstm", "max_pool_bilstm", "pre_ln", "post_ln")
#: The transformers are of the size of the demo's.
_SMALL = {"layers": 2, "dim": 64}
_LOOPED_SENTENCES, _LOOPED_ROWS = 20, 200


def measured(
    kind: str,
    data: LabelledTexts,
    *,
    sentences: int,
    naopc_sentences: int,
    seed: int,
    cache: Path | None,
) -> dict[str, Any]:
    """Trains one model and evaluates all methods on held-out sentences."""
    recipe = models.RECIPES[kind]
    if kind.endswith("_ln"):
        recipe = dataclasses.replace(recipe, **_SMALL)
    trained = models.trained(kind, data.texts, data.labels, seed=seed, cache=cache, recipe=recipe)
    texts = trained.encode([data.texts[number] for number in trained.held_out])
    explainers = [
        tfs.Explainer(
            trained.model, method, class_names=["negative", "positive"], **trained.explain
        )
        for method in METHODS
    ]
    start = time.perf_counter()
    evaluation = tfs.evaluate(explainers, texts[:sentences], seed=seed)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    normalized = tfs.evaluate(explainers, texts[:naopc_sentences], naopc_beam=BEAM, seed=seed)
    naopc_seconds = time.perf_counter() - start
    cost = evaluation.cost["measures"]
    return {
        "kind": kind,
        "accuracy": trained.accuracy,
        "sentences": evaluation.examples,
        "seconds": seconds,
        "rows": cost["forward"],
        "milliseconds_a_row": 1e3 * cost["seconds"] / cost["forward"],
        "naopc_sentences": normalized.examples,
        "naopc_seconds": naopc_seconds,
        "methods": [*evaluation.methods, "random"],
        "measures": {
            name: {"means": measure.means.tolist(), "intervals": measure.intervals.tolist()}
            for name, measure in {
                **evaluation.measures,
                "naopc": normalized.measures["naopc"],
            }.items()
        },
        "agreement": evaluation.agreement.tolist(),
        "cost": evaluation.cost,
        "predict": predict_loops(trained.model, texts) if kind == "pre_ln" else None,
        "printed": str(evaluation),
    }


def predict_loops(model: keras.Model, ids: Array) -> dict[str, float]:
    """Times `model.predict` on sentences of which words are [UNK], in milliseconds a row.

    Returns:
        `one_row`: each perturbed sentence by itself; `one_sentence`: all perturbations of a
        sentence in one call.
    """
    generator = np.random.default_rng(0)
    perturbed = [
        np.where(generator.random((40, ids.shape[1])) < 0.3, np.minimum(row, 1), row)[
            :, : max(1, int((row != 0).sum()))
        ]
        for row in ids[:_LOOPED_SENTENCES]
    ]
    predict = model.predict
    for rows in perturbed:  # every width is traced before it is timed
        predict(rows[:1], verbose=0)
        predict(rows, verbose=0)
    start = time.perf_counter()
    single = [row for rows in perturbed for row in rows][:_LOOPED_ROWS]
    for row in single:
        predict(row[None], verbose=0)
    one_row = time.perf_counter() - start
    start = time.perf_counter()
    for rows in perturbed:
        predict(rows, verbose=0)
    one_sentence = time.perf_counter() - start
    return {
        "one_row": 1e3 * one_row / len(single),
        "one_sentence": 1e3 * one_sentence / sum(map(len, perturbed)),
    }


def tables(results: Sequence[dict[str, Any]]) -> str:
    """The results as tables in Markdown, one for each model, and the cost."""
    lines = []
    for result in results:
        heads = [name.replace("_", " ") for name in result["methods"]]
        lines += [
            f"**{result['kind']}**, accuracy {result['accuracy']:.1%}",
            "",
            f"| measure | {' | '.join(heads)} |",
            f"|---|{'---|' * len(heads)}",
        ]
        for name, measure in result["measures"].items():
            label, is_large = LABELS[name]
            cells = [
                f"{mean:.3f} ± {(high - low) / 2:.3f}"
                for mean, (low, high) in zip(measure["means"], measure["intervals"], strict=True)
            ]
            lines.append(f"| {label} {'↑' if is_large else '↓'} | {' | '.join(cells)} |")
        lines.append("")
    lines += [
        "| model | sentences | seconds | rows | ms a row | NAOPC: sentences | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        lines.append(
            f"| {result['kind']} | {result['sentences']} | {result['seconds']:.0f} "
            f"| {result['rows']:,.0f} | {result['milliseconds_a_row']:.2f} "
            f"| {result['naopc_sentences']} | {result['naopc_seconds']:.0f} |"
        )
        if result["predict"] is not None:
            lines += [
                "",
                "`model.predict`, milliseconds a row: "
                + ", ".join(f"{name} {value:.2f}" for name, value in result["predict"].items()),
                "",
            ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--data", required=True, help="texts to train on: .tsv, .csv or .jsonl")
    parser.add_argument("--sentences", type=int, default=1000, help="held-out sentences")
    parser.add_argument("--naopc", type=int, default=200, help="sentences whose NAOPC is found")
    parser.add_argument("--models", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--cache", type=Path, help="a folder where trained models are kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="a .json file for all figures")
    options = parser.parse_args(arguments)
    data = read_file(options.data)
    if data.labels is None:
        parser.error("the file needs labels: a column `label` or `rating`")
    results = []
    for kind in options.models:
        results.append(
            measured(
                kind,
                data,
                sentences=options.sentences,
                naopc_sentences=options.naopc,
                seed=options.seed,
                cache=options.cache,
            )
        )
        print(f"{kind}: {results[-1]['seconds']:.0f} s", flush=True)
        print(tables(results[-1:]), flush=True)
    if options.output is not None:
        text = json.dumps({"machine": describe(), "models": results}, indent=1)
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
