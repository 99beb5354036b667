"""The contents of a report as one dict of JSON values, arrays in base64, which the page shows."""

import base64
import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tf_salience.evaluation import report as evaluation_report
from tf_salience.explanation import words
from tf_salience.explanation.salience_matrix import SalienceMatrix
from tf_salience.reporting import classes, run_texts, token_offsets
from tf_salience.reporting.examples import Examples
from tf_salience.reporting.run_facts import facts, versions
from tf_salience.reporting.runs import Run, TargetScores
from tf_salience.reporting.words import word_means
from tf_salience.utils.arrays import Array
from tf_salience.visualization import color_scale
from tf_salience.visualization.plain_table import PlainTable

#: Of the histogram of error estimates; what is smaller goes into the first bar.
_LOWEST_DECADE, _HIGHEST_DECADE = -8.0, 2.0
#: Bars of a decade, and the most bars.
_BARS_OF_DECADE, _MOST_BARS = (8, 4, 2, 1), 12


def encoded(values: Any, dtype: type) -> dict[str, str] | None:
    """Returns numbers as `{"i32": ...}` or `{"f32": ...}`, little endian in base64; None of None.

    Args:
        values: numbers of any shape, or None.
        dtype: `np.int32` or `np.float32`.
    """
    if values is None:
        return None
    array = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))
    name = "f32" if array.dtype.kind == "f" else "i32"
    return {name: base64.b64encode(array.tobytes()).decode("ascii")}


def decoded(value: dict[str, str] | None) -> Array | None:
    """Returns the flat array of what `encoded` gave."""
    if value is None:
        return None
    ((name, data),) = value.items()
    return np.frombuffer(base64.b64decode(data), "<f4" if name == "f32" else "<i4")


def report_contents(
    runs: Sequence[Run], examples: Examples, *, title: str | None, tables: Sequence[PlainTable]
) -> dict[str, Any]:
    """Returns the contents of a report.

    Args:
        runs: the runs, of the same examples.
        examples: what is known of them.
        title: of the page, or None.
        tables: shown as they are.
    """
    names, labels, predictions = examples.class_names, examples.labels, examples.predictions
    accuracies = [classes.accuracy(labels, predicted, len(names)) for predicted in predictions]
    run_contents = [
        {
            **_run(run, examples.texts, len(names)),
            "predictions": encoded(predicted, np.int32),
            "accuracy": accuracy,
        }
        for run, predicted, accuracy in zip(runs, predictions, accuracies, strict=True)
    ]
    first_known = next((predicted for predicted in predictions if predicted is not None), None)
    means = [(number, means) for number, run in enumerate(runs) for means in word_means(run)]
    histograms = ((number, _convergence(run)) for number, run in enumerate(runs))
    return {
        "title": title or f"Explanations of {runs[0].config.get('model') or runs[0].name}",
        "created": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "versions": versions(runs),
        "size": len(runs[0]),
        "texts": examples.texts and list(map(run_texts.joined, examples.texts)),
        "classes": names,
        "labels": encoded(labels, np.int32),
        "predictions": encoded(first_known, np.int32),
        "runs": run_contents,
        "words": [{"run": number, **rows} for number, rows in means],
        "accuracy": next(filter(None, accuracies), None),
        "convergence": [{"run": number, **h} for number, h in histograms if h is not None],
        "tables": list(map(_table, tables)),
        "notes": _notes(labels, first_known),
    }


def _notes(labels: Array | None, predictions: Array | None) -> list[str]:
    """Returns what the overview says of what is not known."""
    if labels is not None and predictions is None:
        return [
            "Accuracy is not known, since the explanations do not tell what the model predicted: "
            "explain the target “predicted” or all classes, or pass `predictions=`."
        ]
    return []


def _run(run: Run, texts: list[list[str]] | None, class_count: int) -> dict[str, Any]:
    vocabulary: dict[str, int] = {}
    tokens = _numbers(run.tokens, vocabulary)
    spellings = None if run.words is None else _spellings(run, vocabulary)
    offsets = None if texts is None else token_offsets.utf16_offsets(run, texts)
    has_segments = any(len(segments) > 1 for segments in run.segments)
    return {
        "name": run.name,
        "method": run.method or "unknown method",
        "signed": _is_signed(run),
        "facts": facts(run),
        "vocabulary": list(vocabulary),
        "lengths": encoded(run.lengths, np.int32),
        "tokens": encoded(tokens, np.int32),
        "words": None if run.words is None else encoded(_flat(run.words), np.int32),
        "spellings": encoded(spellings, np.int32),
        "offsets": encoded(
            offsets and [bound for row in offsets for pair in row for bound in pair or (-1, -1)],
            np.int32,
        ),
        "segments": [list(map(list, row)) for row in run.segments] if has_segments else None,
        "targets": [_target(target, class_count) for target in run.targets],
        "matrix": None if run.matrices is None else list(map(_matrix, run.matrices)),
    }


def _is_signed(run: Run) -> bool:
    if run.method is None:
        return any(bool((target.scores < 0).any()) for target in run.targets)
    return color_scale.is_signed(run.method)


def _numbers(rows: Iterable[Iterable[str]], vocabulary: dict[str, int]) -> list[int]:
    """Returns the number of each string in the vocabulary, which grows."""
    return [vocabulary.setdefault(token, len(vocabulary)) for row in rows for token in row]


def _spellings(run: Run, vocabulary: dict[str, int]) -> list[int]:
    """Returns for each token the number of the word that it begins, else -1."""
    numbers: list[int] = []
    for tokens, indices in zip(run.tokens, run.words or (), strict=True):
        slices = words.word_slices(indices)
        row = [-1] * len(tokens)
        for place, word in zip(slices, words.merge_tokens(tokens, slices), strict=True):
            if indices[place.start] != words.NO_WORD:
                row[place.start] = vocabulary.setdefault(word, len(vocabulary))
        numbers += row
    return numbers


def _flat(rows: Iterable[Iterable[int]]) -> list[int]:
    return [value for row in rows for value in row]


def _target(target: TargetScores, class_count: int) -> dict[str, Any]:
    names: dict[str, int] = {}
    numbers = _numbers([target.names], names)
    indices = classes.class_indices(target)
    # A class beyond those that have names has none.
    indices = np.where(indices < class_count, indices, classes.UNKNOWN)
    return {
        "names": list(names),
        "name": encoded(numbers, np.int32),
        "index": encoded(indices if len(indices) else None, np.int32),
        "scores": encoded(target.scores, np.float32),
        "output": encoded(target.output, np.float32),
        "baseline_output": encoded(target.baseline_output, np.float32),
        "delta": encoded(target.convergence_delta, np.float32),
        "error": encoded(target.error_estimate, np.float32),
        "converged": encoded(target.converged, np.int32),
        "evaluations": encoded(target.evaluations, np.int32),
    }


def _matrix(matrix: SalienceMatrix) -> dict[str, Any]:
    return {
        "targets": matrix.targets,
        "target_tokens": encoded(matrix.places, np.int32),
        "scores": encoded(matrix.scores, np.float32),
        "output": encoded(matrix.output, np.float32),
        "delta": encoded(matrix.rows.convergence_delta, np.float32),
    }


def _convergence(run: Run) -> dict[str, Any] | None:
    """Returns the histogram of the error estimates of all targets; None where there are none."""
    targets = [target for target in run.targets if target.error_estimate is not None]
    if not targets:
        return None
    errors = np.concatenate([target.error_estimate for target in targets])
    finite = errors[np.isfinite(errors)]
    with np.errstate(divide="ignore"):
        decades = np.clip(np.log10(finite), _LOWEST_DECADE, _HIGHEST_DECADE)
    edges = _edges(decades)
    counts, _ = np.histogram(np.minimum(finite, edges[-1]), edges)
    flags = [target.converged for target in targets if target.converged is not None]
    return {
        "edges": edges,
        "counts": counts.tolist(),
        "unconverged": sum(int((~flag).sum()) for flag in flags),
        "tolerance": run.config.get("method", {}).get("config", {}).get("tolerance"),
    }


def _edges(decades: Array) -> list[float]:
    """Returns the edges of bars of an equal share of a decade, (bars + 1,); the first is 0."""
    lowest = decades.min(initial=_HIGHEST_DECADE)
    highest = max(lowest, decades.max(initial=_LOWEST_DECADE))
    for bars in _BARS_OF_DECADE:
        first, last = np.floor(bars * lowest) + 1, np.floor(bars * highest) + 1
        if last - first < _MOST_BARS:
            break
    return [0.0, *(10 ** (np.arange(first, last + 1) / bars)).tolist()]


def tables_of(evaluation: Any, summary: Any) -> list[PlainTable]:
    """Returns the tables of an `Evaluation` and of a `Summary`, each of which may be None.

    What stands above their tables in a terminal goes into the note of the first.
    """
    tables: list[PlainTable] = []
    if evaluation is not None:
        first, *others = evaluation_report.tables(evaluation)
        note = f"{evaluation_report.headline(evaluation)}. {first.note}".strip()
        tables += [replace(first, note=note), *others]
    if summary is not None:
        note = " ".join([*(f"{line}." for line in summary.headlines), summary.note])
        own = [replace(table, title=f"Summary: {table.title}") for table in summary.tables()]
        tables += [replace(own[0], note=note), *own[1:]] if own else []
    return tables


def _table(table: PlainTable) -> dict[str, Any]:
    return {
        "title": table.title,
        "caption": table.note,
        "heads": list(table.heads),
        "rows": [list(row) for row in table.rows],
        "align": "".join("l" if head in ("", "word", "class") else "r" for head in table.heads),
    }
