"""`Run`: the explanations of a report's examples by one method of one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.explanation import records, words
from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.salience_matrix import SalienceMatrix
from tf_salience.utils.arrays import Array

#: The first character of a token in its text and the one after its last, or None.
Offset = tuple[int, int] | None
#: Name, first token and the one after the last.
Segment = tuple[str, int, int]

_MEAN_OF_TARGETS = "mean of the targets"
_FLOATS = ("output", "baseline_output", "convergence_delta", "error_estimate")


@dataclass(frozen=True, eq=False)
class TargetScores:
    """The scores of all tokens for one target.

    Attributes:
        names: (batch,), the name of the target of each example.
        classes: (batch,), the index of the explained class, -1 where it is none; None for another
            kind of target.
        scores: (all tokens,), float32, one example after the other.
        output: (batch,), F(x).
        baseline_output: (batch,), F(x'), or None.
        convergence_delta: (batch,), or None.
        error_estimate: (batch,), or None.
        converged: (batch,), or None.
        evaluations: (batch,), or None.
        config: of the target, as `targets.serialize` gives it.
    """

    names: list[str]
    classes: Array | None
    scores: Array
    output: Array
    baseline_output: Array | None
    convergence_delta: Array | None
    error_estimate: Array | None
    converged: Array | None
    evaluations: Array | None
    config: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Run:
    """The explanations of a report's examples by one method of one model.

    Attributes:
        name: what the report calls it.
        tokens: by example the token strings.
        words: by example, as `TokenSalience.words`; None where each token is a word.
        offsets: by example, as `TokenSalience.offsets`; None where there are none.
        segments: by example the segments among its tokens.
        targets: the targets, at least one.
        config: model, method and versions, as `Explanation.config`.
        matrices: by example targets x tokens, or None.
        columns: of the examples, by name, what stands beside the explanations in a folder.
        row_numbers: (batch,), of the examples in the source of a folder; None for other runs.
        source_rows: how many rows the source of a folder has; None for other runs.
        total: how many examples there are, those included that a limit has left out.
    """

    name: str
    tokens: list[list[str]]
    words: list[list[int]] | None
    offsets: list[list[Offset]] | None
    segments: list[list[Segment]]
    targets: tuple[TargetScores, ...]
    config: Mapping[str, Any]
    matrices: list[SalienceMatrix] | None
    columns: Mapping[str, list[Any]]
    row_numbers: Array | None
    source_rows: int | None
    total: int

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def method(self) -> str | None:
        """The name of the method."""
        return self.config.get("method", {}).get("class_name")

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The number of tokens of each example, (batch,)."""
        return np.array(list(map(len, self.tokens)), np.int64)

    def scores_by_example(self, target: TargetScores) -> list[Array]:
        """Returns the scores of each example's tokens, (tokens,) each."""
        return np.split(target.scores, np.cumsum(self.lengths)[:-1])

    def special(self, example: int) -> list[bool]:
        """Returns for each token of an example whether it is special, `[CLS]` for instance."""
        if self.words is None:
            return [False] * len(self.tokens[example])
        return [word == words.NO_WORD for word in self.words[example]]


def of_explanation(name: str, explanation: Explanation, total: int) -> Run:
    """Returns the run of an explanation; `total` as `Run.total`."""
    columns = records.columns(explanation)
    run = of_columns(name, columns, explanation.config, total=total)
    return replace(run, offsets=explanation.offsets)


def of_matrices(name: str, matrices: Sequence[SalienceMatrix], total: int) -> Run:
    """Returns the run of matrices, an example each; its target is the mean of theirs."""
    firsts = [records.columns(matrix.rows[:1]) for matrix in matrices]
    columns = {key: [first[key][0] for first in firsts] for key in firsts[0]}
    run = of_columns(name, columns, matrices[0].rows.config, total=total)
    rows = [matrix.rows for matrix in matrices]
    means = {key: _reduced(rows, key, np.mean) for key in _FLOATS}
    target = TargetScores(
        names=[_MEAN_OF_TARGETS] * len(matrices),
        classes=None,
        scores=np.concatenate([matrix.scores.mean(axis=0) for matrix in matrices]),
        output=np.array(means["output"]),
        baseline_output=means["baseline_output"],
        convergence_delta=means["convergence_delta"],
        error_estimate=_reduced(rows, "error_estimate", np.max),
        converged=_reduced(rows, "converged", np.all),
        evaluations=_reduced(rows, "evaluations", np.sum),
        config=run.targets[0].config,
    )
    offsets = [row.offsets[0] for row in rows if row.offsets is not None]
    return replace(
        run,
        targets=(target,),
        matrices=list(matrices),
        offsets=offsets if len(offsets) == len(rows) else None,
    )


def _reduced(rows: Sequence[Explanation], name: str, reduce: Any) -> Array | None:
    """Reduces a value of each target to one of each example, (batch,); None where one has none."""
    values = [getattr(row, name) for row in rows]
    return None if any(value is None for value in values) else np.array(list(map(reduce, values)))


def of_columns(
    name: str, columns: Mapping[str, list[Any]], config: Mapping[str, Any], *, total: int
) -> Run:
    """Returns the run of records, as `explanation.records` has them.

    Args:
        name: of the run.
        columns: of `records.COLUMNS`, and others of the source.
        config: as `Run.config`, with the `target`.
        total: as `Run.total`.
    """
    tokens = columns["tokens"]
    scores = [score for row in columns["scores"] for score in row]
    target = TargetScores(
        names=[name or "" for name in columns["target_name"]],
        classes=_array(columns["target"], np.int64, missing=-1),
        scores=np.array(scores, np.float32),
        output=np.array(columns["output"], np.float64),
        **{key: _array(columns[key], np.float64, missing=np.nan) for key in _FLOATS[1:]},
        converged=_array(columns["converged"], bool, missing=True),
        evaluations=_array(columns["evaluations"], np.int64, missing=0),
        config=config.get("target", {}),
    )
    numbers = columns["words"]
    return Run(
        name=name,
        tokens=tokens,
        words=None if _is_missing(numbers) else list(map(_numbered, numbers, tokens)),
        offsets=None,
        segments=[
            [(segment["name"], segment["start"], segment["stop"]) for segment in segments or ()]
            for segments in columns["segments"]
        ],
        targets=(target,),
        config=config,
        matrices=None,
        columns={},
        row_numbers=None,
        source_rows=None,
        total=total,
    )


def _numbered(numbers: list[int] | None, tokens: list[str]) -> list[int]:
    return list(range(len(tokens))) if numbers is None else numbers


def _array(values: Sequence[Any], dtype: Any, *, missing: Any) -> Array | None:
    """Returns an array, `missing` where a value is None; None where all are."""
    if _is_missing(values):
        return None
    return np.array([missing if value is None else value for value in values], dtype)


def _is_missing(values: Sequence[Any]) -> bool:
    return all(value is None for value in values)
