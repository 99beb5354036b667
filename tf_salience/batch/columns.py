"""`Columns`: which columns of a row the model reads, and which stand beside its explanation."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_salience.data.files import is_unicode
from tf_salience.data.rows import Row, class_label
from tf_salience.explanation import records
from tf_salience.utils.validation import format_value

#: The column with the number of the row in the source, from 0.
ROW = "row"


@dataclass(frozen=True)
class Columns:
    """Which columns of a row the model reads, and which stand beside its explanation.

    Attributes:
        inputs: the column of texts or ids; several for a model of several inputs: a tuple of
            columns, or a dict of them by the names of the inputs.
        label: the column of labels, or None.
        kept: the columns that are written beside the explanation.
    """

    inputs: str | Sequence[str] | Mapping[str, str]
    label: str | None
    kept: tuple[str, ...]

    @classmethod
    def checked(cls, inputs: Any, label: str | None, kept: Sequence[str]) -> "Columns":
        """Checks what a user passes.

        Raises:
            TypeError: for names that are not strings.
            ValueError: for a column that is kept twice, or whose name the explanation has.
        """
        if isinstance(kept, str):
            kept = (kept,)
        are_names = isinstance(kept, Iterable) and isinstance(inputs, Iterable)
        kept = tuple(kept) if are_names else kept  # an iterator is read once
        names = [*_names(inputs), *kept, *([] if label is None else [label])] if are_names else []
        if not all(isinstance(name, str) for name in names) or not are_names or not _names(inputs):
            raise TypeError(
                "`text_column`, `label_column` and `keep` must be names of columns. Received: "
                f"text_column={format_value(inputs)}, label_column={format_value(label)}, "
                f"keep={format_value(kept)}"
            )
        taken = sorted({ROW, *records.COLUMNS}.intersection(kept))
        if taken or len(set(kept)) < len(kept):
            raise ValueError(
                "`keep` must be different columns of the source, other than those of the "
                f"explanation, {format_value([ROW, *records.COLUMNS])}. "
                f"Received: keep={format_value(list(kept))}. Rename the column in the source."
            )
        if not isinstance(inputs, str | Mapping):
            inputs = tuple(inputs)
        return cls(inputs, label, tuple(kept))

    @property
    def read(self) -> list[str]:
        """All columns that are read, each once."""
        label = [] if self.label is None else [self.label]
        return list(dict.fromkeys([*_names(self.inputs), *label, *self.kept]))

    def problem(self, row: Row) -> str:
        """Returns why a row cannot be explained, or "" where nothing is seen of it."""
        if row.problem:
            return row.problem
        for name in self.read:
            if name not in row.cells:
                columns = format_value(list(row.cells))
                return f"there is no column {format_value(name)}. The columns are: {columns}"
        for name in _names(self.inputs):
            reason = _problem_of(row.cells[name])
            if reason:
                return f"column {format_value(name)} {reason}"
        if self.label is not None and row.cells[self.label] is None:
            return f"column {format_value(self.label)} is empty"
        return self.kept_problem(row)

    def kept_problem(self, row: Row) -> str:
        """Returns why the kept columns of a row cannot be written, or ""."""
        for name in self.kept:
            if name not in row.cells:
                return f"there is no column {format_value(name)}"
            if any(isinstance(v, str) and not is_unicode(v) for v in _leaves(row.cells[name])):
                value = format_value(row.cells[name])
                return f"column {format_value(name)} is not UTF-8. Received: {value}"
        return ""

    def has_text(self, row: Row) -> bool:
        """True if all inputs of a row are texts."""
        return all(isinstance(row.cells[name], str) for name in _names(self.inputs))

    def length(self, row: Row) -> int:
        """Estimates the tokens of a row: the words or ids of its longest input."""
        return max(_length(row.cells[name]) for name in _names(self.inputs))

    def model_inputs(self, rows: Sequence[Row]) -> Any:
        """Returns the inputs of the rows as an explainer takes them."""
        if isinstance(self.inputs, str):
            return [row.cells[self.inputs] for row in rows]
        if isinstance(self.inputs, Mapping):
            return {
                name: [row.cells[column] for row in rows] for name, column in self.inputs.items()
            }
        return tuple([row.cells[column] for row in rows] for column in self.inputs)

    def labels(self, rows: Sequence[Row], class_names: Sequence[str] | None) -> list[Any] | None:
        """Returns the labels of the rows, or None."""
        if self.label is None:
            return None
        return [class_label(row.cells[self.label], class_names) for row in rows]


def _names(inputs: Any) -> list[Any]:
    if isinstance(inputs, str):
        return [inputs]
    return list(inputs.values()) if isinstance(inputs, Mapping) else list(inputs)


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value.split())
    return len(value) if isinstance(value, list) else 1


def _problem_of(value: Any) -> str:
    """Returns what is wrong with an input, or ""."""
    if value is None or value == "" or value == []:
        return "is empty"
    if isinstance(value, str):
        if not is_unicode(value):
            return f"is not UTF-8. Received: {format_value(value)}"
        return "" if value.strip() else "is empty"
    if any(isinstance(number, float) and not math.isfinite(number) for number in _leaves(value)):
        return f"must hold finite numbers. Received: {format_value(value)}"
    return ""


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
