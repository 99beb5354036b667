"""Shards of a source as tasks, read ahead in a thread of their own."""

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from tf_salience.batch.columns import Columns
from tf_salience.data.rows import Row

Item = TypeVar("Item")
#: How long the end of a job waits for a source that does not yield its next row.
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Task:
    """The rows of one shard.

    Attributes:
        shard: its number.
        first_row: the number of its first row in the source.
        rows: in the order of the source.
        problems: why rows cannot be explained, by their place in `rows`.
        checksum: of the columns that are read.
    """

    shard: int
    first_row: int
    rows: list[Row]
    problems: dict[int, str]
    checksum: str


def tasks(rows: Iterable[Row], columns: Columns, shard_rows: int) -> Iterator[Task]:
    """Groups rows into shards: shard i has the rows from i * `shard_rows` on, whoever makes it."""
    shard: list[Row] = []
    number = 0
    for row in rows:
        shard.append(row)
        if len(shard) == shard_rows:
            yield _task(number, shard_rows, shard, columns)
            shard, number = [], number + 1
    if shard:
        yield _task(number, shard_rows, shard, columns)


def _task(number: int, shard_rows: int, rows: list[Row], columns: Columns) -> Task:
    digest, read = hashlib.blake2b(digest_size=16), columns.read
    problems: dict[int, str] = {}
    for place, row in enumerate(rows):
        digest.update(
            repr([row.cells.get(name) for name in read]).encode("utf-8", "backslashreplace")
        )
        problem = columns.problem(row)
        if problem:
            problems[place] = problem
            digest.update(row.problem.encode("utf-8", "backslashreplace"))
    return Task(number, number * shard_rows, rows, problems, digest.hexdigest())


class ReadAhead(Iterator[Item]):
    """Reads items in a thread while earlier ones are worked on; closed by `with`.

    Args:
        read: returns what is read; called with a function that says whether to end early.
        depth: the most items that wait.
    """

    def __init__(self, read: Callable[[Callable[[], bool]], Iterator[Item]], depth: int) -> None:
        self._queue: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(depth)
        self._is_closed = threading.Event()
        self._items = read(self._is_closed.is_set)
        self._thread = threading.Thread(target=self._read, name="tf_salience.read", daemon=True)

    def __enter__(self) -> "ReadAhead[Item]":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed.set()
        # The thread may wait for room; for a source that hangs nobody waits.
        end = time.monotonic() + _PATIENCE_SECONDS
        while self._thread.is_alive() and time.monotonic() < end:
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def __next__(self) -> Item:
        item, error = self._queue.get()
        if error is not None:
            raise error
        return item

    def _read(self) -> None:
        try:
            for item in self._items:
                self._queue.put((item, None))
                if self._is_closed.is_set():
                    return
            self._queue.put((None, StopIteration()))
        # Whatever the source raises belongs to the thread that asks for its rows.
        except BaseException as error:
            self._queue.put((None, error))
