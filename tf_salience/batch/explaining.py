"""Rows explained together with others of their length; those that cannot be are set apart."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.batch.columns import Columns
from tf_salience.data.rows import Row
from tf_salience.explainer import call_sizes
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation import Explanation, records
from tf_salience.utils.validation import format_error
from tf_salience.utils.warnings import (
    NotConvergedWarning,
    NoTokensWarning,
    TruncatedTextWarning,
)

#: What an explainer raises for inputs that it cannot explain.
_ROW_ERRORS = (ValueError, TypeError, OverflowError, tf.errors.OpError, TruncatedTextWarning)
#: Counted as errors, or with the rows, rather than told.
_COUNTED = (NoTokensWarning, NotConvergedWarning)

#: Whether the inputs are texts, and the number of the width.
Bucket = tuple[bool, int]
Buckets = Mapping[Bucket, Sequence[Row]]
#: Called with why rows cannot be explained, by place, as they are found; may raise.
Check = Callable[[dict[int, str]], None]


def bucket(columns: Columns, row: Row) -> Bucket:
    """Returns the bucket of a row; those of one have about the same length.

    Numbers stand in others than texts: in one array, numpy would make texts of them.
    """
    return columns.has_text(row), call_sizes.width_number(columns.length(row))


def longest(columns: Columns, rows: Sequence[Row]) -> dict[Bucket, list[Row]]:
    """Returns the longest row of each bucket, the companion of all calls with rows of it.

    Texts are padded to the longest of a call, and each width is compiled by itself: with the same
    row in all calls of a bucket, they nearly always have the same width.
    """
    companions: dict[Bucket, Row] = {}
    for row in rows:
        key = bucket(columns, row)
        other = companions.get(key)
        if other is None or columns.length(row) > columns.length(other):
            companions[key] = row
    return {key: [row] for key, row in companions.items()}


@dataclass
class Explained:
    """Some rows, explained.

    Attributes:
        places: (examples,), the places of those that were explained.
        values: their columns of `records.columns`, (examples,) each, by name.
        problems: why the others were not, by their places.
        warnings: the first message of each class of warning, by its name.
    """

    places: list[int] = field(default_factory=list)
    values: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in records.COLUMNS}
    )
    problems: dict[int, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)

    def in_order(self) -> "Explained":
        """Returns the same, by ascending places."""
        order = np.argsort(self.places, kind="stable").tolist()
        values = {name: [column[i] for i in order] for name, column in self.values.items()}
        return Explained([self.places[i] for i in order], values, self.problems, self.warnings)


class RowExplainer:
    """Explains rows, each call with those of one bucket.

    Args:
        explainer: the explainer.
        columns: what it reads.
        companions: rows that go with all calls of their bucket, see `longest`.
        cuts_texts: whether texts are cut that are longer than the model takes.
    """

    def __init__(
        self, explainer: Explainer, columns: Columns, companions: Buckets, *, cuts_texts: bool
    ) -> None:
        self._explainer = explainer
        self._columns = columns
        self._companions = dict(companions)
        self._proven: set[Bucket] = set()
        self._cuts_texts = cuts_texts

    def __call__(self, rows: Sequence[Row], places: Sequence[int], check: Check) -> Explained:
        """Explains some rows of a shard.

        Args:
            rows: of the shard.
            places: the places in `rows` of those to explain.
            check: called with the problems as they grow.
        """
        explained = Explained()
        buckets: dict[Bucket, list[int]] = {}
        for place in places:
            buckets.setdefault(bucket(self._columns, rows[place]), []).append(place)
        for key in sorted(buckets):
            self._explain(rows, buckets[key], key, explained, check)
        return explained.in_order()

    def _explain(
        self, rows: Sequence[Row], places: list[int], key: Bucket, result: Explained, check: Check
    ) -> None:
        """Explains rows of a bucket, or ever smaller parts until those are found that fail."""
        companions = self._companions.get(key, ())
        together = [*(rows[place] for place in places), *companions]
        explanation, caught, error = self._call(together)
        if error is not None and companions and key not in self._proven:
            # It may be their fault. Alone they are explained as they would be with others.
            self._proven.add(key)
            if self._call(companions)[2] is not None:
                del self._companions[key]
                self._explain(rows, places, key, result, check)
                return
        if explanation is None:
            if len(places) == 1:
                result.problems[places[0]] = "" if error is None else format_error(error)
                check(result.problems)
                return
            middle = len(places) // 2
            self._explain(rows, places[:middle], key, result, check)
            self._explain(rows, places[middle:], key, result, check)
            return
        self._proven.add(key)
        for warning in caught:
            if not issubclass(warning.category, _COUNTED):
                result.warnings.setdefault(warning.category.__name__, str(warning.message))
        _keep(places, records.columns(explanation[: len(places)]), result)
        check(result.problems)

    def _call(
        self, rows: Sequence[Row]
    ) -> tuple[Explanation | None, list[warnings.WarningMessage], Exception | None]:
        """Returns an explanation and its warnings, or the error.

        The explanation ends with copies of the last row, which fill the call.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if not self._cuts_texts:
                warnings.simplefilter("error", TruncatedTextWarning)
            try:
                rows = [*rows, *[rows[-1]] * (call_sizes.filled_rows(len(rows)) - len(rows))]
                inputs = self._columns.model_inputs(rows)
                labels = self._columns.labels(rows, self._explainer.class_names)
                return self._explainer(inputs, labels), caught, None
            except _ROW_ERRORS as error:
                return None, [], error


def _keep(places: list[int], values: dict[str, list[Any]], result: Explained) -> None:
    """Adds rows to a result, those without a token to its problems."""
    kept = [index for index, tokens in enumerate(values["tokens"]) if tokens]
    for index, place in enumerate(places):
        if not values["tokens"][index]:
            result.problems[place] = "no token is left of it, so there is nothing to explain"
    result.places.extend(places[index] for index in kept)
    for name, column in values.items():
        result.values[name].extend(column[index] for index in kept)
