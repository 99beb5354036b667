"""Works (a), (b) and (e): the workers are started, the steps are found, the rows are timed."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import accuracy, timing
from benchmarks.peers.catalogue import TOOLS
from benchmarks.protocol import WorkerError
from benchmarks.team import Team
from benchmarks.timing import Row
from benchmarks.work import Work

Array = npt.NDArray[Any]

#: Nodes of everyone in work (a).
EQUAL_STEPS = 32
#: Nodes at which the tools choose their batch sizes, in work (b).
_TUNING_STEPS = 16


@dataclasses.dataclass
class Bench:
    """One piece of work, and the tools that are to do it.

    Attributes:
        work: the work.
        names: of the tools, in the order of the table.
        environments: the folder of the peers' environments.
        scratch: a folder for scores and logs.
        patience: seconds that one answer may take.
        say: tells the user what is going on.
        checked_by: the tool that must agree with the reference.
        tried: how many examples the tools are first run on, and tuned on some of these.
    """

    work: Work
    names: list[str]
    environments: pathlib.Path
    scratch: pathlib.Path
    patience: float
    say: Callable[[str], None]
    checked_by: str = "bare"
    tried: int = 32

    def __post_init__(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._team = Team(
            folder=self.work.folder,
            examples=list(range(min(self.tried, len(self.work.ids)))),
            environments=self.environments,
            logs=self.scratch,
            patience=self.patience,
            say=self.say,
        )

    def equal(self, repeats: int) -> tuple[list[Row], float]:
        """Every tool at the same nodes, and "auto"; the rows, and what idle workers took."""
        try:
            self._start(EQUAL_STEPS)
            self._make_reference()
            rows = [
                self._row(name, "auto" if name == "auto" else EQUAL_STEPS, "equal")
                for name in self.names
            ]
            return rows, self._timed(rows, repeats)
        finally:
            self._team.stop()

    def to_tolerance(self, repeats: int) -> tuple[list[Row], float]:
        """Every tool at its default and at the fewest nodes that serve."""
        try:
            self._start(_TUNING_STEPS)
            reference = self._make_reference()
            rows = self._default_rows() + self._fewest_rows(reference)
            return rows, self._timed(rows, repeats)
        finally:
            self._team.stop()

    def at_defaults(self, repeats: int) -> tuple[list[Row], float]:
        """Every tool at its default, and tuned for it."""
        try:
            for name in self.names:
                self._team.start(name, TOOLS[name].default_steps or _TUNING_STEPS)
            self._make_reference()
            rows = self._default_rows()
            return rows, self._timed(rows, repeats)
        finally:
            self._team.stop()

    def _start(self, steps: int) -> None:
        for name in self.names:
            self._team.start(name, "auto" if name == "auto" else steps)

    def _default_rows(self) -> list[Row]:
        return [
            self._row(name, TOOLS[name].default_steps, "default")
            for name in self.names
            if TOOLS[name].default_steps is not None
        ]

    def _row(self, name: str, steps: Any, kind: str) -> Row:
        row = Row(name, TOOLS[name].label, steps, kind, failed=self._team.failed.get(name))
        if name in self._team.members:
            row.first = self._team.members[name].first
            row.notes = list(self._team.members[name].notes)
        return row

    def _make_reference(self) -> Array:
        """The attributions that all others are measured by, kept with the work."""
        file = self.work.reference_file
        if not file.is_file():
            self.say(f"the reference, {accuracy.REFERENCE_STEPS} nodes")
            steps = accuracy.REFERENCE_STEPS
            self._team.workers["fixed"].ask(
                "run", steps=steps, output=str(file.with_suffix(".new.npy"))
            )
            # A loop written by hand, or a tool of other people, must agree, or it is no reference.
            output = self.scratch / "check.npy"
            some = list(range(min(8, len(self.work.ids))))
            self._team.workers[self.checked_by].ask(
                "run", steps=steps, output=str(output), examples=some
            )
            made = np.load(file.with_suffix(".new.npy"))
            worst = accuracy.errors(made[some], np.load(output)).max()
            if not worst < 1e-4:
                raise WorkerError(f"The reference and {self.checked_by} differ by {worst:.1e}.")
            file.with_suffix(".new.npy").rename(file)
        return np.load(file)

    def _fewest_rows(self, reference: Array) -> list[Row]:
        """A row for each tool at the fewest nodes; the limit is reckoned for "auto"."""
        found: dict[str, int | None] = {}
        rows = []
        for name in self.names:
            if name in ("auto", "limit"):
                continue
            searcher = TOOLS[name].searched_by
            if searcher is None or searcher not in self._team.workers:
                searcher = name
            if searcher not in found and searcher in self._team.workers:
                self.say(f"{TOOLS[searcher].label}: looking for the fewest nodes")
                try:
                    found[searcher] = self._fewest(searcher, reference)
                except WorkerError as error:
                    self._team.failed[searcher] = str(error)
            row = self._row(name, found.get(searcher), "fewest")
            if row.steps is None and not row.failed:
                row.failed = f"not within 1 % with {accuracy.LADDER[-1]} nodes"
            rows.append(row)
        if "limit" in self.names and "auto" in self._team.workers:
            evaluations = self._team.workers["auto"].ask("run", steps="auto")["facts"][
                "evaluations"
            ]
            rows.append(self._row("limit", evaluations, "the evaluations of auto"))
        return rows

    def _fewest(self, name: str, reference: Array) -> int | None:
        def found_at(steps: int, examples: Array | None) -> Array:
            output = self.scratch / f"{name}-search.npy"
            some = None if examples is None else examples.tolist()
            self._team.workers[name].ask("run", steps=steps, output=str(output), examples=some)
            true = reference if examples is None else reference[examples]
            return accuracy.errors(np.load(output), true)

        usual = TOOLS[name].default_steps
        hints = found_at(usual if isinstance(usual, int) else EQUAL_STEPS, None)
        return accuracy.fewest(found_at, hints)

    def _timed(self, rows: list[Row], repeats: int) -> float:
        self.say(f"{len(rows)} rows, {repeats} rounds")
        idle = timing.rounds(rows, self._team.workers, self.scratch, repeats)
        reference = np.load(self.work.reference_file)
        for row in rows:
            if row.failed:
                continue
            evaluations = row.facts.get("evaluations", row.steps)
            row.evaluations = float(np.mean(evaluations))
            if row.tool != "limit":
                found = np.load(timing.scores_file(self.scratch, row))
                errors = accuracy.errors(found, reference)
                row.error_worst, row.error_median = float(errors.max()), float(np.median(errors))
                row.within = float((errors <= accuracy.TOLERANCE).mean())
        return idle
