"""One shard of a job: its rows explained, and written with those that could not be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_salience.batch import kept_columns, shard_file
from tf_salience.batch.columns import ROW, Columns
from tf_salience.batch.explaining import RowExplainer
from tf_salience.batch.shard_file import Shard
from tf_salience.batch.tasks import Task
from tf_salience.data.rows import Row
from tf_salience.utils.validation import format_value

#: Rows that are grouped by length together, and written as one row group.
WINDOW_ROWS = 5000


class TooManyErrors(ValueError):
    """More rows could not be explained than `max_errors` allows."""


@dataclass(frozen=True)
class Outcome:
    """What came of a shard.

    Attributes:
        shard: what was written.
        warnings: the first message of each class of warning, by its name.
        first_error: the reason of the first row that could not be explained, or "".
    """

    shard: Shard
    warnings: dict[str, str]
    first_error: str


@dataclass
class ShardJob:
    """Explains and writes shards, one after the other.

    Attributes:
        explain: explains rows.
        columns: what is read and kept.
        folder: where the shards are written.
        job: the checksum of the job, for the footers.
        kept: the schema of the columns of the source.
        max_errors: the most rows that may fail, or None for any number.
        on_rows: called with numbers of rows: done, unconverged.
    """

    explain: RowExplainer
    columns: Columns
    folder: Path
    job: str
    kept: Any
    max_errors: int | None
    on_rows: Callable[[int, int], None] = lambda done, unconverged: None

    def run(self, task: Task) -> Outcome:
        """Explains the rows of a shard and writes them.

        Raises:
            TooManyErrors: if more of them cannot be explained than `max_errors`.
        """
        problems = dict(task.problems)
        warnings: dict[str, str] = {}
        rows = unconverged = evaluations = 0
        path = self.folder / shard_file.file_name(task.shard)
        with shard_file.new_shard(path, self.kept) as writer:
            for window in _windows(len(task.rows)):
                values = self._explained(task, window, problems, warnings)
                writer.write(values)
                missed = sum(converged is False for converged in values["converged"])
                rows, unconverged = rows + len(values[ROW]), unconverged + missed
                evaluations += sum(values["evaluations"])
                self.on_rows(len(window), missed)
            errors = [self._error(task, place, problems[place]) for place in sorted(problems)]
            shard_file.write_errors(shard_file.errors_path(self.folder, task.shard), errors)
            shard = Shard(
                task.shard, task.first_row, len(task.rows), rows, len(errors), unconverged,
                evaluations, task.checksum,
            )  # fmt: skip
            writer.finish(self.job, shard)
        _, written, _ = shard_file.read_shard(path)
        first = f"{errors[0]['location']}: {errors[0]['reason']}" if errors else ""
        return Outcome(written, warnings, first)

    def _explained(
        self, task: Task, window: range, problems: dict[int, str], warnings: dict[str, str]
    ) -> dict[str, list[Any]]:
        """Returns the columns of the rows of a window that could be explained."""
        self._check_kept(task.rows, window, problems)
        self._check(task, problems)
        explained = self.explain(
            task.rows,
            [place for place in window if place not in problems],
            lambda failed: self._check(task, problems | failed),
        )
        problems.update(explained.problems)
        for name, message in explained.warnings.items():
            warnings.setdefault(name, message)
        kept = {
            name: [task.rows[place].cells[name] for place in explained.places]
            for name in self.columns.kept
        }
        numbers = [task.first_row + place for place in explained.places]
        return {ROW: numbers, **kept, **explained.values}

    def _check_kept(self, rows: list[Row], window: range, problems: dict[int, str]) -> None:
        """Notes rows with values in the kept columns that have not the type of the others."""
        places = [place for place in window if place not in problems]
        for column in self.kept:
            values = [rows[place].cells[column.name] for place in places]
            if kept_columns.fits(values, column.type):
                continue
            for place, value in zip(places, values, strict=True):
                if not kept_columns.fits([value], column.type):
                    problems.setdefault(
                        place,
                        f"column {format_value(column.name)} must hold {column.type} as in the "
                        f"first rows. Received: {format_value(value)}",
                    )

    def _check(self, task: Task, problems: dict[int, str]) -> None:
        if self.max_errors is not None and len(problems) > self.max_errors:
            place = min(problems)
            first = f"{task.rows[place].location}: {problems[place]}"
            raise TooManyErrors(too_many_errors(self.max_errors, first))

    def _error(self, task: Task, place: int, reason: str) -> dict[str, Any]:
        row = task.rows[place]
        cells = {name: row.cells[name] for name in self.columns.read if name in row.cells}
        number = task.first_row + place
        return {"row": number, "location": row.location, "reason": reason, "source": cells}


def too_many_errors(max_errors: int, first: str) -> str:
    """Returns the message of a job that ends since too many rows could not be explained."""
    return (
        f"More than `max_errors` rows cannot be explained. Received: max_errors={max_errors}. "
        f"The first of them is {first}. Finished shards are kept; fix the source, or pass a "
        "larger `max_errors` (None for any number), and start the job again."
    )


def _windows(total: int) -> Iterator[range]:
    for start in range(0, total, WINDOW_ROWS):
        yield range(start, min(start + WINDOW_ROWS, total))
