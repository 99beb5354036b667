"""`Job`: a source explained into a folder, from where it was to its end."""

import functools
import hashlib
import itertools
import json
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from tf_salience import targets
from tf_salience.attribution import methods
from tf_salience.batch import explaining, kept_columns, model_checksum, processes, shard_file
from tf_salience.batch import tasks as shard_tasks
from tf_salience.batch.job_setup import JobSetup, make_job
from tf_salience.batch.manifest import Manifest, read_manifest, versions
from tf_salience.batch.progress import JobProgress, Stop, stop_at_interrupt
from tf_salience.batch.shard_file import Shard
from tf_salience.batch.shard_job import Outcome, TooManyErrors, too_many_errors
from tf_salience.batch.sources import Source
from tf_salience.batch.tasks import ReadAhead, Task
from tf_salience.utils import files, validation, warnings

#: Shards that wait while one is explained.
_DEPTH = 2
#: Seconds between two manifests. What a killed job has not noted is seen from the shards.
_MANIFEST_SECONDS = 30.0


class Job:
    """One call of `explain_dataset`: what is finished is kept, the rest is done.

    Args:
        setup: what each process needs.
        source: the rows.
        shard_rows: rows of the source in a shard.
        workers: the number of processes.
    """

    def __init__(self, setup: JobSetup, source: Source, *, shard_rows: int, workers: int) -> None:
        self._setup = setup
        self._source = source
        self._shard_rows = shard_rows
        self._workers = workers
        self._explainer = setup.make_explainer()
        # A target that fits no row ends the job before it begins; with labels any class does here.
        self._explainer.check_target(1, None if setup.columns.label is None else [0])
        self._manifest = Manifest(self._facts(), versions())
        document = json.dumps(self._manifest.job, sort_keys=True)
        self._job = hashlib.sha256(document.encode()).hexdigest()[:32]
        self._shards: dict[int, Shard] = {}
        self._kept: Any = None
        self._companions: explaining.Buckets = {}
        self._written_at = time.monotonic()
        self._told: set[str] = set()
        self._first_error = ""

    def __call__(self, *, is_shown: bool) -> Manifest:
        """Does what is left; shows a bar if `is_shown`."""
        folder = self._setup.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise ValueError(
                "`output` must be a folder. Received: a file, or a path below a file, "
                f"output={validation.format_value(str(folder))}"
            ) from error
        with files.sole_writer(folder) as is_alone:
            if not is_alone:
                raise ValueError(
                    "`output` must be a folder that no other job is writing. Received: "
                    f"output={validation.format_value(str(folder))}. Wait for the other job, or "
                    "pass another folder."
                )
            return self._run(folder, is_shown=is_shown)

    def _run(self, folder: pathlib.Path, *, is_shown: bool) -> Manifest:
        self._resume(folder)
        with (
            JobProgress(self._source.total, is_shown=is_shown) as progress,
            stop_at_interrupt(progress) as stop,
            ReadAhead(functools.partial(self._read, progress), _DEPTH) as unfinished,
        ):
            try:
                for outcome in self._outcomes(unfinished, progress, stop):
                    self._note(outcome)
            finally:
                if len(self._shards) > len(self._manifest.shards):
                    self._write_manifest(complete=False)
            if stop.is_set:
                rows = self._manifest.counts["source_rows"]
                progress.say(
                    f"Stopped after {len(self._shards):,} shards, {rows:,} rows, in {folder}. "
                    "Start the same call again to go on."
                )
                raise KeyboardInterrupt
        self._write_manifest(complete=True)
        self._warn()
        return self._manifest

    def _facts(self) -> dict[str, Any]:
        """Returns what the rows of a shard depend on, as plain values."""
        setup, explainer = self._setup, self._explainer
        columns = setup.columns
        ignored = ("model", "method", "target", "tokenizer")
        arguments = {k: v for k, v in explainer.arguments.items() if k not in ignored}
        return model_checksum.plain_facts(
            {
                "model": {
                    "name": explainer.model.name,
                    **model_checksum.model_facts(explainer.model),
                },
                "method": methods.serialize(explainer.method),
                "target": {
                    **targets.serialize(explainer.target),
                    "code": model_checksum.function_facts(
                        getattr(explainer.target, "function", None)
                    ),
                },
                "tokenizer": model_checksum.tokenizer_facts(explainer.arguments["tokenizer"]),
                "explainer": arguments,
                "source": self._source.facts,
                "columns": {"inputs": columns.inputs, "label": columns.label, "keep": columns.kept},
                "long_texts": "cut" if setup.cuts_texts else "error",
                "shard_rows": self._shard_rows,
            }
        )

    def _resume(self, folder: pathlib.Path) -> None:
        """Reads what an earlier call has finished, and removes what a killed one has left.

        Raises:
            ValueError: if the folder holds another job, or other files.
        """
        for name in ("shard-*.parquet", "manifest.json"):
            files.remove_staging(folder, name)
        files.remove_staging(folder / shard_file.ERRORS, "errors-*.jsonl")
        earlier = read_manifest(folder)
        if earlier is None:
            if any(folder.iterdir()):
                raise ValueError(
                    "`output` must be a new or empty folder, or one of the same job. Received: "
                    f"output={validation.format_value(str(folder))}, which holds other files."
                )
            self._manifest.write(folder)
            return
        different = model_checksum.differences(earlier.job, self._manifest.job)
        if different and not any(folder.glob("*/*")) and not any(folder.glob("*.parquet")):
            # Nothing is lost: that job ended in its first shard, by a misspelled column perhaps.
            self._manifest.write(folder)
            return
        if different:
            raise ValueError(
                "`output` holds another job, which these arguments cannot continue. Received: "
                f"output={validation.format_value(str(folder))}. What differs: "
                f"{'; '.join(different)}. Pass another folder, or the same arguments as before."
            )
        self._manifest = replace(earlier, versions=self._manifest.versions)
        self._shards = self._finished(folder, {shard.number: shard for shard in earlier.shards})
        self._check_errors(f"in {folder / shard_file.ERRORS}")

    def _finished(self, folder: pathlib.Path, noted: dict[int, Shard]) -> dict[int, Shard]:
        """Returns the shards that are there; those a manifest knows are not read again."""
        shards: dict[int, Shard] = {}
        for path in sorted(folder.glob("shard-*.parquet")):
            number = shard_file.number_of(path)
            known = noted.get(number)
            if known is not None and known.bytes == path.stat().st_size and self._kept is not None:
                shards[number] = known
                continue
            job, shard, kept = shard_file.read_shard(path)
            if job != self._job or (known is not None and known != shard):
                raise ValueError(
                    f"The file {validation.format_value(str(path))} is not the shard that this job "
                    "has written. Remove it, and start the job again."
                )
            self._kept = kept
            shards[number] = shard
        return shards

    def _read(self, progress: JobProgress, is_closed: Callable[[], bool]) -> Iterator[Task]:
        """Yields the shards that are to be done; those that are finished are compared.

        Ends at the next row once `is_closed`.

        Raises:
            ValueError: if the source has changed, or has not the columns.
        """
        columns = self._setup.columns
        last = -1
        rows = itertools.takewhile(lambda _: not is_closed(), self._source.rows())
        for task in shard_tasks.tasks(rows, columns, self._shard_rows):
            if is_closed():
                return
            last = task.shard
            if task.shard == 0:
                self._begin(task)
            shard = self._shards.get(task.shard)
            if shard is None:
                yield task
                continue
            if (shard.source_rows, shard.source_checksum) != (len(task.rows), task.checksum):
                self._refuse(task.first_row, task.first_row + len(task.rows))
            progress.skip(shard.source_rows, shard.unconverged)
        if is_closed():
            return
        gone = [shard for number, shard in self._shards.items() if number > last]
        if gone:
            self._refuse(gone[0].first_row, gone[0].first_row + gone[0].source_rows)

    def _begin(self, task: Task) -> None:
        """Reads from the first shard what all others go by: types, and rows to stand beside."""
        columns = self._setup.columns
        self._check_columns(task)
        rows = [row for place, row in enumerate(task.rows) if place not in task.problems]
        self._companions = explaining.longest(columns, rows)
        if self._kept is None:
            rows = rows or [row for row in task.rows if not columns.kept_problem(row)]
            self._kept = kept_columns.schema_of(rows, columns.kept, self._source.types)

    def _check_columns(self, task: Task) -> None:
        """Raises where the first rows lack a column: no other row will have it."""
        for row in task.rows:
            if row.problem:
                continue
            missing = [name for name in self._setup.columns.read if name not in row.cells]
            if missing:
                raise ValueError(
                    f"{row.location}: there is no column {validation.format_value(missing[0])}. "
                    f"The columns are: {validation.format_value(list(row.cells))}. "
                    "Name others in `text_column`, `label_column` or `keep`."
                )
            return

    def _refuse(self, start: int, stop: int) -> None:
        raise ValueError(
            "`source` has changed since the job began. Received: rows "
            f"{start} to {stop - 1} with other values than those that were explained in "
            f"{validation.format_value(str(self._setup.folder))}. Pass the earlier source, or "
            "another `output`."
        )

    def _outcomes(
        self, unfinished: Iterator[Task], progress: JobProgress, stop: Stop
    ) -> Iterable[Outcome]:
        first = next(unfinished, None)
        if first is None:
            return
        tasks = _chain(first, unfinished)
        arguments: dict[str, Any] = {
            "setup": self._setup,
            "job": self._job,
            "kept": self._kept,
            "companions": self._companions,
        }
        if self._workers == 1:
            job = make_job(**arguments, explainer=self._explainer)
            job.on_rows = progress.add
            for task in tasks:
                yield job.run(task)
                if stop.is_set:
                    return
            return
        for outcome in processes.run(
            make_job, arguments, tasks, self._workers, lambda: stop.is_set
        ):
            progress.add(outcome.shard.source_rows, outcome.shard.unconverged)
            yield outcome

    def _note(self, outcome: Outcome) -> None:
        self._shards[outcome.shard.number] = outcome.shard
        for name, message in outcome.warnings.items():
            if name not in self._told:
                self._told.add(name)
                category = getattr(warnings, name, UserWarning)
                warnings.warn(f"In a call of shard {outcome.shard.number}: {message}", category)
        if time.monotonic() - self._written_at > _MANIFEST_SECONDS:
            self._write_manifest(complete=False)
        self._first_error = self._first_error or outcome.first_error
        self._check_errors(outcome.first_error)

    def _check_errors(self, first: str) -> None:
        most = self._setup.max_errors
        if most is not None and sum(shard.errors for shard in self._shards.values()) > most:
            raise TooManyErrors(too_many_errors(most, first))

    def _write_manifest(self, *, complete: bool) -> None:
        self._manifest = self._manifest.with_shards(self._shards.values(), complete=complete)
        self._manifest.write(self._setup.folder)
        self._written_at = time.monotonic()

    def _warn(self) -> None:
        counts = self._manifest.counts
        if counts["errors"]:
            first = f" The first is {self._first_error}" if self._first_error else ""
            warnings.warn(
                f"{counts['errors']:,} of {counts['source_rows']:,} rows could not be explained; "
                f"{self._setup.folder / shard_file.ERRORS} has their reasons.{first}",
                warnings.UnexplainedRowsWarning,
            )
        if counts["unconverged"]:
            warnings.warn(
                f"{counts['unconverged']:,} of {counts['rows']:,} rows did not converge: their "
                "`converged` is False, their `error_estimate` says how accurate they are.",
                warnings.NotConvergedWarning,
            )


def _chain(first: Task, rest: Iterator[Task]) -> Iterator[Task]:
    yield first
    yield from rest
