"""The progress of a job: a bar in a terminal, and a way to stop it at the end of a shard."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _RateColumn(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} rows/s")


class JobProgress:
    """Counts rows, and shows them if `is_shown`.

    Args:
        total: the number of rows, or None.
        is_shown: whether a bar is drawn, on standard error.
    """

    def __init__(self, total: int | None, *, is_shown: bool) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("Explaining"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[unconverged]:,} not converged"),
            console=self._console,
            disable=not is_shown,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, unconverged=0)
        self._unconverged = 0

    def __enter__(self) -> "JobProgress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def skip(self, rows: int, unconverged: int) -> None:
        """Counts rows that were done before; they say nothing of the rate."""
        self._unconverged += unconverged
        task = self._bar.tasks[0]
        self._bar.reset(self._task, completed=int(task.completed) + rows, total=task.total)
        self._bar.update(self._task, unconverged=self._unconverged)

    def add(self, rows: int, unconverged: int) -> None:
        """Counts rows that are done."""
        self._unconverged += unconverged
        self._bar.update(self._task, advance=rows, unconverged=self._unconverged)

    def say(self, text: str) -> None:
        """Prints a line on standard error."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Stop:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.is_set = False


@contextmanager
def stop_at_interrupt(progress: JobProgress) -> Iterator[Stop]:
    """Yields whether Ctrl-C was pressed; pressed again it ends the block at once."""
    stop = Stop()
    # Python lets only the main thread set handlers, and interrupts no other.
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    earlier = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        del number, frame
        if stop.is_set:
            raise KeyboardInterrupt
        stop.is_set = True
        progress.say("Finishing the shard that was begun; Ctrl-C again stops at once.")

    signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, earlier)
