"""Scores of each probe at all evaluations, for the image of its history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ProbeScores:
    """Scores of one probe at one evaluation.

    Attributes:
        step: the optimizer's iterations.
        epoch: the number of the epoch, from 0; None outside of `fit`.
        method: the name of the method.
        target_name: the name of the target.
        tokens: (tokens,).
        scores: (tokens,).
    """

    step: int
    epoch: int | None
    method: str
    target_name: str
    tokens: list[str]
    scores: npt.NDArray[np.float32]

    @property
    def label(self) -> str:
        """The label in the image: the epoch, counted from 1 as Keras prints it, or the step."""
        return f"step {self.step}" if self.epoch is None else str(self.epoch + 1)

    def is_comparable(self, later: "ProbeScores") -> bool:
        """True if later scores are of the same tokens and by the same method."""
        return self.tokens == later.tokens and self.method == later.method


class ScoreHistory:
    """Scores of every probe at the evaluations so far.

    Args:
        records: the log records of an earlier run that this run continues; `evaluation.is_complete`
            holds for each of them.

    Attributes:
        by_probe: maps the number of a probe to its scores, the oldest first.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]] = ()) -> None:
        self.by_probe: dict[int, list[ProbeScores]] = {}
        for record in records:
            if "scores" in record:
                values = {field.name: record[field.name] for field in fields(ProbeScores)}
                values["scores"] = np.array(record["scores"], np.float32)
                self.append(record["probe"], ProbeScores(**values))

    def append(self, probe: int, scores: ProbeScores) -> None:
        """Appends scores of a probe, and drops those of another run.

        These are scores of other tokens or another method, or at the same or a later step.
        """
        history = self.by_probe.setdefault(probe, [])
        if history and not history[-1].is_comparable(scores):
            history.clear()
        while history and history[-1].step >= scores.step:
            history.pop()
        history.append(scores)
