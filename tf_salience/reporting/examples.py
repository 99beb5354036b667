"""`Examples`: classes, labels, predictions and texts of the examples of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_salience.data.rows import class_label
from tf_salience.reporting import classes, run_texts
from tf_salience.reporting.runs import Run
from tf_salience.utils.arrays import Array
from tf_salience.utils.validation import format_value


@dataclass(frozen=True, eq=False)
class Examples:
    """Classes, labels, predictions and texts of the examples of a report.

    Attributes:
        class_names: of the classes by index; [] where none are known.
        labels: (batch,), class indices, -1 where unknown; or None.
        predictions: by run (batch,), class indices, -1 where unknown; or None.
        texts: by example a text for each segment; or None.
    """

    class_names: list[str]
    labels: Array | None
    predictions: list[Array | None]
    texts: list[list[str]] | None


def examples_of(
    runs: Sequence[Run], *, labels: Any, predictions: Any, class_names: Any, texts: Any
) -> Examples:
    """Returns what is known of the examples of runs; the arguments are those of `write_report`.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for values that do not fit the examples or the classes.
    """
    if labels is None:
        labels = _kept_labels(runs)
    values = None if labels is None else run_texts.aligned("labels", labels, runs)
    by_run = _by_run(predictions, runs)
    passed = [value for column in (values, *by_run) for value in column or ()]
    names = classes.class_names(class_names, runs, passed)
    count = len(names)

    def indices(name: str, column: Sequence[Any] | None) -> Array | None:
        plain = column and [class_label(value, names) for value in column]
        return classes.indices_of(name, plain, names)

    return Examples(
        names,
        indices("labels", values),
        [
            classes.predictions(run, count) if column is None else indices("predictions", column)
            for run, column in zip(runs, by_run, strict=True)
        ],
        run_texts.texts_of(texts, runs),
    )


def _kept_labels(runs: Sequence[Run]) -> str | None:
    """Returns the column of labels that a folder has read and kept, or None."""
    for run in runs:
        name = run.config.get("columns", {}).get("label")
        if name in run.columns:
            return name
    return None


def _by_run(predictions: Any, runs: Sequence[Run]) -> list[list[Any] | None]:
    """Returns the predictions that were passed for each run.

    Raises:
        ValueError: for a name that is not that of a run.
    """
    if predictions is None:
        return [None] * len(runs)
    if not isinstance(predictions, Mapping):
        return [run_texts.aligned("predictions", predictions, runs)] * len(runs)
    names = [run.name for run in runs]
    unknown = [name for name in predictions if name not in names]
    if unknown:
        raise ValueError(
            "`predictions` as a dict must have names of runs as its keys, "
            f"{format_value(names)}. Received: {format_value(unknown[0])}"
        )
    return [
        run_texts.aligned("predictions", predictions[name], runs) if name in predictions else None
        for name in names
    ]
