"""The workers of one piece of work: started, tuned, and the fastest settings kept."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import environments
from benchmarks.peers.catalogue import TOOLS
from benchmarks.protocol import Worker, WorkerError

#: A setting whose second run takes so many times longer than the best so far is not tuned.
_HOPELESS = 2.0


@dataclasses.dataclass(frozen=True)
class Member:
    """One tool, ready.

    Attributes:
        worker: its process.
        first: seconds of its very first run, with what is compiled then.
        seconds: of a run after tuning.
        notes: what was chosen.
    """

    worker: Worker
    first: float
    seconds: float
    notes: list[str]


@dataclasses.dataclass
class Team:
    """Starts workers for one piece of work.

    Attributes:
        folder: of the work.
        examples: the numbers of those that a tool may try itself on.
        environments: the folder of the peers' environments.
        logs: a folder for what workers say on stderr.
        patience: seconds that one answer may take.
        say: tells the user what is going on.
        members: those that are ready, by name.
        failed: why the others are not.
    """

    folder: pathlib.Path
    examples: list[int]
    environments: pathlib.Path
    logs: pathlib.Path
    patience: float
    say: Callable[[str], None]
    members: dict[str, Member] = dataclasses.field(default_factory=dict)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def workers(self) -> dict[str, Worker]:
        """The processes, by the names of their tools."""
        return {name: member.worker for name, member in self.members.items()}

    def start(self, name: str, steps: Any) -> None:
        """Starts a tool, under each of its settings, and keeps the fastest.

        Args:
            name: of the tool.
            steps: at which it is tuned.
        """
        tool = TOOLS[name]
        self.say(f"{tool.label}: starting")
        try:
            python = environments.python_of(tool.environment, self.environments)
        except environments.CannotInstallError as error:
            self.failed[name] = str(error)
            self.say(f"{tool.label}: {error}")
            return
        for variables in tool.settings:
            try:
                self._try(name, python, variables, steps)
            except WorkerError as error:
                self.say(f"{tool.label}: {error}")
                if name not in self.members:
                    self.failed[name] = str(error)
        if name in self.members:
            self.failed.pop(name, None)

    def stop(self) -> None:
        """Ends all of them."""
        for worker in self.workers.values():
            worker.stop()

    def _try(
        self, name: str, python: pathlib.Path, variables: Mapping[str, str], steps: Any
    ) -> None:
        words = [f"{key}={value}" for key, value in variables.items()]
        best = self.members.get(name)
        worker = Worker(
            python,
            "benchmarks.worker",
            [name],
            log=self.logs / ("-".join([name, *words]) + ".log"),
            patience=self.patience,
            variables=variables,
        )
        kept = False
        try:
            worker.ask("load", folder=str(self.folder))
            runs = [worker.ask("run", steps=steps, examples=self.examples) for _ in range(2)]
            first, seconds = (run["seconds"] for run in runs)
            if best is not None and seconds > _HOPELESS * best.seconds:
                return
            notes = worker.ask("tune", steps=steps)["notes"]
            seconds = worker.ask("run", steps=steps, examples=self.examples)["seconds"]
            kept = best is None or seconds < best.seconds
            if kept:
                self.members[name] = Member(worker, first, seconds, notes + words)
        finally:
            lost = best.worker if kept and best is not None else worker if not kept else None
            if lost is not None:
                lost.stop()
