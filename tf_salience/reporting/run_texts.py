"""Texts of a report, and other values that are passed for its examples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_salience.reporting.runs import Run
from tf_salience.utils.validation import format_value

#: Between the texts of several segments.
SEPARATOR = "\n"


def texts_of(passed: Any, runs: Sequence[Run]) -> list[list[str]] | None:
    """Returns the texts of each example, one for each column of texts; None where unknown.

    Args:
        passed: a list of texts; a tuple or a dict of lists, by segment; or None: the columns that
            a folder has kept.
        runs: all runs.

    Raises:
        TypeError: for anything else.
        ValueError: for another number of texts than examples.
    """
    if passed is None:
        kept = next(filter(None, map(kept_texts, runs)), None)
        if kept is None:
            return None
        columns = kept
    elif isinstance(passed, tuple | Mapping):
        lists = passed.values() if isinstance(passed, Mapping) else passed
        columns = [aligned("texts", column, runs) for column in lists]
    else:
        columns = [aligned("texts", passed, runs)]
    rows = zip(*columns, strict=True)
    return [[_string(text, example) for text in row] for example, row in enumerate(rows)]


def _string(text: Any, example: int) -> str:
    """Returns a text; TensorFlow's strings are bytes."""
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise TypeError(
            f"`texts` must hold strings. Received: {format_value(text)} (of type "
            f"{type(text).__name__}) for example {example}"
        )
    return text


def kept_texts(run: Run) -> list[list[str]] | None:
    """Returns the columns of texts that the job of a folder has read and kept."""
    inputs = run.config.get("columns", {}).get("inputs")
    names = [inputs] if isinstance(inputs, str) else list(inputs or ())
    if not names or not all(name in run.columns for name in names):
        return None
    columns = [run.columns[name] for name in names]
    return columns if all(isinstance(v, str) for column in columns for v in column) else None


def aligned(name: str, values: Any, runs: Sequence[Run]) -> list[Any]:
    """Returns the values of the examples of a report, (batch,).

    Args:
        name: of the argument, for messages.
        values: a list or array, of all examples or of those that a limit has left; of a folder
            also of all rows of its source, those included that could not be explained. A string is
            the name of a column that a folder has kept.
        runs: all runs.

    Raises:
        TypeError: for something without a length.
        ValueError: for another number of values than examples, or a column that there is not.
    """
    count = len(runs[0])
    if isinstance(values, str):
        columns = next((run.columns for run in runs if values in run.columns), None)
        if columns is None:
            kept = sorted({column for run in runs for column in run.columns})
            raise ValueError(
                f"`{name}` as a string must be a column that `explain_dataset` has kept, "
                f"{format_value(kept)}. Received: {name}={format_value(values)}. Pass a list with "
                "one value for each example."
            )
        return columns[values]
    if not hasattr(values, "__len__") or isinstance(values, bytes | Mapping):
        raise TypeError(
            f"`{name}` must be a list with one value for each example. Received: "
            f"{format_value(values)} (of type {type(values).__name__})"
        )
    plain = np.asarray(values).tolist() if hasattr(values, "__array__") else list(values)
    if len(plain) in (count, *(run.total for run in runs)):
        return plain[:count]
    for run in runs:
        if run.row_numbers is not None and len(plain) == run.source_rows:
            return [plain[row] for row in run.row_numbers.tolist()]
    raise ValueError(
        f"`{name}` must have one value for each example. Received: {len(plain):,} for "
        f"{runs[0].total:,} examples"
    )


def joined(texts: Sequence[str]) -> str:
    """Returns the text of an example: those of its segments, a line each."""
    return SEPARATOR.join(texts)
