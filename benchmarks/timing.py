"""Rows timed side by side: every round runs each of them once, in an order of its own."""

import dataclasses
import pathlib
import random
import statistics
from typing import Any

from benchmarks.protocol import Worker, WorkerError

#: A row that takes longer than this many seconds is run in the first rounds alone.
_SLOW, _SLOW_ROUNDS = 15.0, 3


@dataclasses.dataclass
class Row:
    """A row of the table.

    Attributes:
        tool: its name in the catalogue.
        label: what the table calls it.
        steps: evaluations an example, "auto", or one number an example.
        kind: "equal", "default" or "fewest": how the steps came about.
        seconds: of each round; None where it was not run.
        first: seconds of the very first call, with what is compiled then.
        peak_mib: the most memory that its process has had until its last run.
        error_worst: of the examples, relative to the reference; None if it is not known.
        error_median: the same.
        within: the share of the examples whose error is within the tolerance.
        evaluations: of the mean example; None for the limit of what is not run.
        notes: what a reader must know.
        facts: what the tool told beside its scores.
        failed: why there are no figures, or None.
    """

    tool: str
    label: str
    steps: Any
    kind: str
    seconds: list[float | None] = dataclasses.field(default_factory=list)
    first: float | None = None
    peak_mib: float | None = None
    error_worst: float | None = None
    error_median: float | None = None
    within: float | None = None
    evaluations: float | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    failed: str | None = None

    @property
    def timed(self) -> list[float]:
        """Seconds of the rounds that it was run in."""
        return [one for one in self.seconds if one is not None]

    @property
    def median(self) -> float | None:
        """The median of the rounds, in seconds."""
        return statistics.median(self.timed) if self.timed and not self.failed else None


def rounds(rows: list[Row], workers: dict[str, Worker], folder: pathlib.Path, count: int) -> float:
    """Times the rows; each gets its seconds, and writes its scores to `folder` once.

    Returns:
        The largest share of the processor that the waiting workers took during a run: what they
        took from the one that was timed.
    """
    generator, idle = random.Random(0), 0.0
    for number in range(count):
        for row in generator.sample(rows, len(rows)):
            rested = number >= _SLOW_ROUNDS and max(row.timed, default=0) > _SLOW
            if row.failed or rested:
                row.seconds.append(None)
                continue
            before = _waiting(workers, row)
            try:
                answer = workers[row.tool].ask(
                    "run", steps=row.steps, output=str(scores_file(folder, row))
                )
            except WorkerError as error:
                row.failed = str(error)
                row.seconds.append(None)
                continue
            row.seconds.append(answer["seconds"])
            row.peak_mib, row.facts = answer["peak_mib"], answer["facts"]
            # Shorter than that, a tick of the clock would be a large share.
            if answer["seconds"] > 0.5:
                idle = max(idle, (_waiting(workers, row) - before) / answer["seconds"])
    return idle


def scores_file(folder: pathlib.Path, row: Row) -> pathlib.Path:
    """Where the scores of a row are written."""
    return folder / f"{row.tool}-{row.kind}.npy"


def ratio(row: Row, other: Row) -> float | None:
    """How many times longer a row takes than another: the median of the rounds that ran both."""
    pairs = [
        one / two
        for one, two in zip(row.seconds, other.seconds, strict=True)
        if one is not None and two is not None
    ]
    return statistics.median(pairs) if pairs and not (row.failed or other.failed) else None


def _waiting(workers: dict[str, Worker], row: Row) -> float:
    return sum(worker.cpu_seconds() for name, worker in workers.items() if name != row.tool)
