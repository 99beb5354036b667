"""Shards as files: written whole or not at all, with what a job must know in their footer."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tf_salience.batch.columns import ROW
from tf_salience.explanation import records
from tf_salience.explanation.storage import import_pyarrow
from tf_salience.utils import files
from tf_salience.utils.validation import format_value

_FOOTER = b"tf_salience.shard"
_BYTES = 2**22
ERRORS = "errors"


@dataclass(frozen=True)
class Shard:
    """What a manifest says of a shard.

    Attributes:
        number: of the shard.
        first_row: the number of its first row in the source.
        source_rows: how many rows of the source it was made of.
        rows: of these, those that were explained.
        errors: of these, those that could not be.
        unconverged: of `rows`, those that did not converge.
        evaluations: forward and backward passes of all `rows`.
        source_checksum: of the source's rows.
        sha256: of the file.
        bytes: of the file.
    """

    number: int
    first_row: int
    source_rows: int
    rows: int
    errors: int
    unconverged: int
    evaluations: int
    source_checksum: str
    sha256: str = ""
    bytes: int = 0

    @property
    def file(self) -> str:
        """The name of its file."""
        return file_name(self.number)


def file_name(number: int) -> str:
    """Returns the name of the file of a shard."""
    return f"shard-{number:06d}.parquet"


def number_of(path: Path) -> int:
    """Returns the number of the shard in a file.

    Raises:
        ValueError: if it does not have the name of a shard.
    """
    digits = path.stem.removeprefix("shard-")
    if not digits.isdecimal() or path.name != file_name(int(digits)):
        raise ValueError(
            f"The file {format_value(str(path))} does not have the name of a shard, such as "
            f"{file_name(0)}. A reader of the folder would read its rows too. Move it elsewhere."
        )
    return int(digits)


def errors_path(folder: Path, number: int) -> Path:
    """Returns the file of the rows of a shard that could not be explained."""
    return folder / ERRORS / f"errors-{number:06d}.jsonl"


def schema(kept: Any) -> Any:
    """Returns the `pyarrow.Schema` of a shard: row number, columns of the source, explanation.

    Args:
        kept: the schema of the columns of the source.
    """
    pa, _ = import_pyarrow()
    return pa.schema([(ROW, pa.int64()), *kept, *records.schema()])


class ShardWriter:
    """Writes the rows of a shard, a row group for each table.

    Args:
        path: a new file.
        kept: the schema of the columns of the source.
    """

    def __init__(self, path: Path, kept: Any) -> None:
        self._pa, parquet = import_pyarrow()
        self._schema = schema(kept)
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, columns: dict[str, list[Any]]) -> None:
        """Writes rows, as columns by name."""
        table = self._pa.Table.from_pydict(columns, self._schema)
        self._writer.write_table(table, row_group_size=max(1, len(table)))

    def finish(self, job: str, shard: Shard) -> None:
        """Closes the file, with what the shard is in its footer."""
        footer = {"job": job, "shard": asdict(shard)}
        self._writer.add_key_value_metadata({_FOOTER: json.dumps(footer).encode()})
        self._writer.close()

    def close(self) -> None:
        """Closes the file as it is."""
        self._writer.close()


@contextmanager
def new_shard(path: Path, kept: Any) -> Iterator[ShardWriter]:
    """Yields a writer; the file appears at `path`, synced, once the block has succeeded."""
    with files.atomic_file(path) as new:
        writer = ShardWriter(new, kept)
        try:
            yield writer
        finally:
            writer.close()


def write_errors(path: Path, errors: list[dict[str, Any]]) -> None:
    """Writes the rows that could not be explained, one object a line; nothing for none."""
    if not errors:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    with files.atomic_file(path) as new:
        new.write_text(
            "".join(f"{json.dumps(error, default=str)}\n" for error in errors), encoding="ascii"
        )


def read_shard(path: Path) -> tuple[str, Shard, Any]:
    """Reads the job, what the shard is, and the schema of its columns of the source.

    Raises:
        ValueError: if the file is no shard, or damaged.
    """
    pa, parquet = import_pyarrow()
    try:
        metadata = parquet.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{_damaged(path)} ({error})") from error
    footer = (metadata.metadata or {}).get(_FOOTER)
    if footer is None:
        raise ValueError(_damaged(path))
    facts = json.loads(footer)
    shard = Shard(**{**facts["shard"], "sha256": sha256(path), "bytes": path.stat().st_size})
    arrow_schema = metadata.schema.to_arrow_schema()
    kept = [field for field in arrow_schema if field.name not in (ROW, *records.COLUMNS)]
    return facts["job"], shard, pa.schema(kept)


def _damaged(path: Path) -> str:
    return (
        f"The file {format_value(str(path))} is no whole shard of explanations. Shards appear "
        "whole or not at all, so something else has changed it. Remove it, and start the job again."
    )


def sha256(path: Path) -> str:
    """Returns the checksum of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BYTES):
            digest.update(block)
    return digest.hexdigest()
