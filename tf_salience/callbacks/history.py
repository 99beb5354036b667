"""What each probe's scores were at the evaluations so far: for its picture."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Column:
    """The scores of one probe at one evaluation.

    Attributes:
        step: of the optimizer.
        epoch: the number of the epoch, from 0, or None outside of `fit`.
        method: the name of the method.
        target_name: what was explained.
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
        """What stands below the column: the epoch, counted from 1 as Keras prints it, or step."""
        return f"step {self.step}" if self.epoch is None else str(self.epoch + 1)

    def goes_on_as(self, other: "Column") -> bool:
        """Whether the other can stand beside this one."""
        return self.tokens == other.tokens and self.method == other.method


class History:
    """The columns of every probe.

    Args:
        records: of an earlier run with the same log, which this one goes on with.

    Attributes:
        columns: by the number of the probe, the oldest first.
    """

    def __init__(self, records: Iterable[dict[str, Any]] = ()) -> None:
        self.columns: dict[int, list[Column]] = {}
        for record in records:
            if "scores" in record:
                values = {item.name: record[item.name] for item in fields(Column)}
                values["scores"] = np.array(record["scores"], np.float32)
                self.add(record["probe"], Column(**values))

    def add(self, probe: int, column: Column) -> None:
        """Adds a column.

        Those of other tokens or another method, and those that lie ahead of it, are of another run
        and go.
        """
        columns = self.columns.setdefault(probe, [])
        if columns and not columns[-1].goes_on_as(column):
            columns.clear()
        while columns and columns[-1].step >= column.step:
            columns.pop()
        columns.append(column)
