"""Tables as `.json` or `.parquet` files; numbers are read back bit for bit."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_salience.utils import files

EXPLANATION = "explanation"
VERSION = 1
_DOCUMENT_KEYS = {"format", "version", "header", "columns", "examples"}


@dataclass(frozen=True)
class Table:
    """Columns of equal length, one row per example, and a header that holds for all rows.

    Attributes:
        header: JSON values by name.
        columns: lists of JSON values, (batch,), by name.
    """

    header: dict[str, Any]
    columns: dict[str, list[Any]]


def check_suffix(path: Path) -> None:
    """Raises a ValueError if the suffix is neither `.json` nor `.parquet`."""
    if path.suffix not in (".json", ".parquet"):
        raise ValueError(
            "The suffix of `path` must be `.json` or `.parquet`. "
            f"Received: path={str(path)!r}, whose suffix is {path.suffix!r}"
        )


def write_table(path: Path, table: Table, kind: str = EXPLANATION) -> None:
    """Writes a table; an existing file is replaced once the new one is complete.

    Args:
        path: the file, whose suffix chooses the format.
        table: the table.
        kind: one word for what the table holds.
    """
    check_suffix(path)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"The folder {str(path.parent)!r} does not exist. Received: path={str(path)!r}"
        )
    write = _write_json if path.suffix == ".json" else _write_parquet
    with files.atomic_file(path) as new:
        write(new, table, kind)


def read_table(path: Path, kind: str = EXPLANATION) -> Table:
    """Reads a table that `write_table` wrote.

    Args:
        path: the file.
        kind: what the table must hold.

    Raises:
        ValueError: if the file is something else.
    """
    check_suffix(path)
    return _read_json(path, kind) if path.suffix == ".json" else _read_parquet(path, kind)


def _write_json(path: Path, table: Table, kind: str) -> None:
    examples = [
        dict(zip(table.columns, values, strict=True))
        for values in zip(*table.columns.values(), strict=True)
    ]
    document = {
        "format": _format(kind),
        "version": VERSION,
        "header": table.header,
        "columns": list(table.columns),
        "examples": examples,
    }
    path.write_text(json.dumps(document, allow_nan=False), encoding="ascii")


def _read_json(path: Path, kind: str) -> Table:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"Not a JSON file. Received: path={str(path)!r} ({error})") from error
    is_document = isinstance(document, dict) and set(document) == _DOCUMENT_KEYS
    if not is_document or document["format"] != _format(kind):
        raise ValueError(f"The file holds no {kind}. Received: path={str(path)!r}")
    _check_version(document["version"], path)
    examples = document["examples"]
    columns = {name: [example[name] for example in examples] for name in document["columns"]}
    return Table(document["header"], columns)


def _write_parquet(path: Path, table: Table, kind: str) -> None:
    pyarrow, parquet = import_pyarrow()
    metadata = {_format(kind): json.dumps({"version": VERSION, **table.header})}
    parquet.write_table(pyarrow.table(table.columns, metadata=metadata), path)


def _read_parquet(path: Path, kind: str) -> Table:
    pyarrow, parquet = import_pyarrow()
    try:
        arrow_table = parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"Not a parquet file. Received: path={str(path)!r} ({error})") from error
    metadata = (arrow_table.schema.metadata or {}).get(_format(kind).encode())
    if metadata is None:
        raise ValueError(f"The file holds no {kind}. Received: path={str(path)!r}")
    header = json.loads(metadata)
    _check_version(header.pop("version"), path)
    return Table(header, arrow_table.to_pydict())


def _format(kind: str) -> str:
    return f"tf_salience.{kind}"


def _check_version(version: Any, path: Path) -> None:
    if version != VERSION:
        raise ValueError(
            f"The format version of the file must be {VERSION}. Received: version={version} in "
            f"path={str(path)!r}. Load it with the release of tf_salience that saved it."
        )


def import_pyarrow() -> tuple[Any, Any]:
    """Returns the modules `pyarrow` and `pyarrow.parquet`.

    Raises:
        ImportError: if they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "`.parquet` files need pyarrow. Install it with `pip install 'tf-salience[parquet]'`, "
            "or save as `.json`."
        ) from error
    return pyarrow, pyarrow.parquet
