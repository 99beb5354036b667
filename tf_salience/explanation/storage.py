"""A table of lists with a header, as `.json` or `.parquet`; numbers come back bit for bit."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = "tf_salience.explanation"
VERSION = 1
_KEY = FORMAT.encode()


@dataclass(frozen=True)
class Table:
    """Columns of equal length, one row an example, and what holds for all of them.

    Attributes:
        header: JSON values.
        columns: name to one JSON value an example.
    """

    header: dict[str, Any]
    columns: dict[str, list[Any]]


def check_suffix(path: Path) -> None:
    """Raises a ValueError for a suffix that cannot be written or read."""
    if path.suffix not in (".json", ".parquet"):
        raise ValueError(
            "An explanation is kept as `.json` or `.parquet`. "
            f"Received: path={str(path)!r}, whose suffix is {path.suffix!r}"
        )


def write(path: Path, table: Table) -> None:
    """Writes the table beside `path` and moves it there once it is whole."""
    check_suffix(path)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(path.parent)!r}. Received: path={str(path)!r}"
        )
    if path.suffix == ".json":
        with _whole(path) as new:
            new.write_text(json.dumps(_document(table), allow_nan=False), encoding="ascii")
        return
    pyarrow, parquet = _pyarrow()
    arrow = pyarrow.table(table.columns)
    about = json.dumps({"version": VERSION, **table.header}).encode()
    with _whole(path) as new:
        parquet.write_table(arrow.replace_schema_metadata({_KEY: about}), new)


def read(path: Path) -> Table:
    """Reads what `write` wrote.

    Raises:
        ValueError: if the file is something else.
    """
    check_suffix(path)
    if path.suffix == ".json":
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"Not a JSON file. Received: path={str(path)!r} ({error})") from error
        parts = {"format", "version", "header", "columns", "examples"}
        if not isinstance(document, dict) or set(document) != parts or document["format"] != FORMAT:
            raise ValueError(f"The file holds no explanation. Received: path={str(path)!r}")
        _check_version(document["version"], path)
        rows = document["examples"]
        columns = {name: [row[name] for row in rows] for name in document["columns"]}
        return Table(document["header"], columns)
    pyarrow, parquet = _pyarrow()
    try:
        arrow = parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"Not a parquet file. Received: path={str(path)!r} ({error})") from error
    about = (arrow.schema.metadata or {}).get(_KEY)
    if about is None:
        raise ValueError(f"The file holds no explanation. Received: path={str(path)!r}")
    header = json.loads(about)
    _check_version(header.pop("version"), path)
    return Table(header, arrow.to_pydict())


def _document(table: Table) -> dict[str, Any]:
    names = list(table.columns)
    rows = [
        dict(zip(names, values, strict=True))
        for values in zip(*table.columns.values(), strict=True)
    ]
    return {
        "format": FORMAT,
        "version": VERSION,
        "header": table.header,
        "columns": names,
        "examples": rows,
    }


def _check_version(version: Any, path: Path) -> None:
    if version != VERSION:
        raise ValueError(
            f"The file was written in version {version} of the format; this library reads version "
            f"{VERSION}. Received: path={str(path)!r}"
        )


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "`.parquet` files need pyarrow. Install it with `pip install 'tf-salience[parquet]'`, "
            "or save as `.json`."
        ) from error
    return pyarrow, pyarrow.parquet


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary file in the same folder that takes the place of `path` if all goes well."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        # mkstemp makes files that only their owner reads; a new file has the usual rights.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
