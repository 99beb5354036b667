"""What each probe's scores were at the evaluations so far: for its picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Column:
    """The scores of one probe at one evaluation.

    Attributes:
        step: of the optimizer.
        epoch: the number of the epoch, from 0, or None outside of `fit`.
        tokens: (tokens,).
        scores: (tokens,).
    """

    step: int
    epoch: int | None
    tokens: list[str]
    scores: npt.NDArray[np.float32]

    @property
    def label(self) -> str:
        """What stands below the column: the epoch, counted from 1 as Keras prints it, or step."""
        return f"step {self.step}" if self.epoch is None else str(self.epoch + 1)


class History:
    """The columns of every probe.

    Args:
        records: of an earlier run with the same log, which this one goes on with.
    """

    def __init__(self, records: Iterable[dict[str, Any]] = ()) -> None:
        self._columns: dict[int, list[Column]] = {}
        for record in records:
            if "scores" in record:
                scores = np.array(record["scores"], np.float32)
                column = Column(record["step"], record["epoch"], record["tokens"], scores)
                self.add(record["probe"], column)

    def add(self, probe: int, column: Column) -> None:
        """Adds a column.

        Those of other tokens, and those that lie ahead of it, are of another run and go.
        """
        kept = [
            one
            for one in self._columns.get(probe, [])
            if one.tokens == column.tokens and one.step < column.step
        ]
        self._columns[probe] = [*kept, column]

    def of(self, probe: int) -> list[Column]:
        """The columns of one probe, the oldest first."""
        return self._columns.get(probe, [])
