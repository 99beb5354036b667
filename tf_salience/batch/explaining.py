"""Rows explained together with others of their length; those that cannot be are set apart."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.batch.columns import Columns
from tf_salience.data.rows import Row
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation import records
from tf_salience.utils.validation import format_error
from tf_salience.utils.warnings import (
    NotConvergedWarning,
    NoTokensWarning,
    TruncatedTextWarning,
)

#: Rows of about the same length that are explained in one call.
CALL_ROWS = 512
#: What an explainer raises for inputs that it cannot explain.
_ROW_ERRORS = (ValueError, TypeError, tf.errors.OpError, TruncatedTextWarning)
#: Counted as errors, or with the rows, rather than told.
_COUNTED = (NoTokensWarning, NotConvergedWarning)


@dataclass(frozen=True)
class Explained:
    """Some rows, explained.

    Attributes:
        places: (examples,), the places of those that were explained, ascending.
        values: their columns of `records.columns`, (examples,) each, by name.
        problems: why the others were not, by their places.
        warnings: the first message of each class of warning, by its name.
    """

    places: list[int]
    values: dict[str, list[Any]]
    problems: dict[int, str]
    warnings: dict[str, str]


def explain_rows(
    explainer: Explainer,
    columns: Columns,
    rows: Sequence[Row],
    places: Sequence[int],
    *,
    cuts_texts: bool,
    check: Callable[[dict[int, str]], None],
) -> Explained:
    """Explains rows, each call with rows of about the same length.

    Args:
        explainer: the explainer.
        columns: what it reads.
        rows: of a shard.
        places: the places in `rows` of those to explain.
        cuts_texts: whether texts are cut that are longer than the model takes.
        check: called with `problems` as they grow; may raise.
    """
    run = _Run(explainer, columns, rows, cuts_texts, check)
    order = sorted(places, key=lambda place: columns.length(rows[place]))
    for start in range(0, len(order), CALL_ROWS):
        run.explain(order[start : start + CALL_ROWS])
    ascending = np.argsort(run.places, kind="stable").tolist()
    return Explained(
        [run.places[index] for index in ascending],
        {name: [column[index] for index in ascending] for name, column in run.values.items()},
        run.problems,
        run.warnings,
    )


class _Run:
    """The rows of one window that are done.

    Args:
        explainer: the explainer.
        columns: what it reads.
        rows: of a shard.
        cuts_texts: whether long texts are cut.
        check: called with `problems` as they grow.
    """

    def __init__(
        self,
        explainer: Explainer,
        columns: Columns,
        rows: Sequence[Row],
        cuts_texts: bool,
        check: Callable[[dict[int, str]], None],
    ) -> None:
        self._explainer = explainer
        self._columns = columns
        self._rows = rows
        self._cuts_texts = cuts_texts
        self._check = check
        self.places: list[int] = []
        self.values: dict[str, list[Any]] = {name: [] for name in records.COLUMNS}
        self.problems: dict[int, str] = {}
        self.warnings: dict[str, str] = {}

    def explain(self, places: list[int]) -> None:
        """Explains rows together, or in ever smaller parts until those are found that fail."""
        rows = [self._rows[place] for place in places]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if not self._cuts_texts:
                warnings.simplefilter("error", TruncatedTextWarning)
            try:
                explanation = self._explainer(
                    self._columns.model_inputs(rows), self._columns.labels(rows)
                )
            except _ROW_ERRORS as error:
                failure: Exception | None = error
            else:
                failure = None
        if failure is not None:
            self._divide(places, failure)
            return
        for warning in caught:
            if not issubclass(warning.category, _COUNTED):
                self.warnings.setdefault(warning.category.__name__, str(warning.message))
        self._keep(places, records.columns(explanation))

    def _divide(self, places: list[int], error: Exception) -> None:
        if len(places) == 1:
            self._note(places[0], format_error(error))
            return
        middle = len(places) // 2
        self.explain(places[:middle])
        self.explain(places[middle:])

    def _note(self, place: int, problem: str) -> None:
        self.problems[place] = problem
        self._check(self.problems)

    def _keep(self, places: list[int], values: dict[str, list[Any]]) -> None:
        has_tokens = [bool(tokens) for tokens in values["tokens"]]
        for place, is_kept in zip(places, has_tokens, strict=True):
            if not is_kept:
                self._note(place, "no token is left of it, so there is nothing to explain")
        self.places.extend(place for place, kept in zip(places, has_tokens, strict=True) if kept)
        for name, column in values.items():
            self.values[name].extend(
                value for value, kept in zip(column, has_tokens, strict=True) if kept
            )
