"""Rows of .tsv, .csv, .jsonl and .parquet files, one after the other."""

import csv
import functools
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tf_salience.utils.validation import format_value

_PARQUET_ROWS = 4096
#: Bytes at the start of a file from which the number of its rows is estimated.
_SAMPLE = 2**20


@dataclass(frozen=True)
class Row:
    """A row of a file or of another source.

    Attributes:
        location: where it stands, `file:line`, for messages.
        cells: values by column name; bytes that are not UTF-8 are lone surrogates in them.
        problem: why the row cannot be read; "" where it can.
    """

    location: str
    cells: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def class_label(cell: Any, class_names: Sequence[str] | None) -> Any:
    """Returns a label as class index or name.

    Digits, as files of text have them, are an index where no class has that name.
    """
    is_index = isinstance(cell, str) and cell.isdecimal() and cell not in (class_names or ())
    return int(cell) if is_index else cell


def table_rows(path: pathlib.Path, lines: Iterable[str], **dialect: Any) -> Iterator[Row]:
    """Yields the rows of a table of text with a header, whose empty lines are left out.

    Raises:
        ValueError: for a header with the same name twice.
    """
    reader = csv.reader(lines, **dialect)
    header = _next_line(path, reader)
    while isinstance(header, list) and not header:
        header = _next_line(path, reader)
    if isinstance(header, Row):
        raise ValueError(f"{header.location}: {header.problem}")
    if header is not None and len(set(header)) < len(header):
        raise ValueError(
            f"{path}:{reader.line_num}: two columns have the same name. "
            f"Received the header: {format_value(header)}"
        )
    while (cells := _next_line(path, reader)) is not None:
        location = f"{path}:{reader.line_num}"
        if isinstance(cells, Row):
            yield cells
        elif cells and len(cells) != len(header or ()):
            yield Row(
                location,
                problem=f"expected {len(header or ())} fields as in the header, "
                f"{format_value(header)}. Received: {len(cells)} fields",
            )
        elif cells:
            yield Row(location, dict(zip(header or (), cells, strict=True)))


def _next_line(path: pathlib.Path, reader: Any) -> list[str] | Row | None:
    """Returns the fields of the next line, a row with its problem, or None at the end."""
    try:
        return next(reader, None)
    except csv.Error as error:
        return Row(f"{path}:{reader.line_num}", problem=f"{error}.")


def jsonl_rows(path: pathlib.Path, lines: Iterable[str]) -> Iterator[Row]:
    """Yields the rows of lines of JSON, whose empty lines are left out."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        location = f"{path}:{number}"
        try:
            cells = json.loads(line)
        except json.JSONDecodeError as error:
            yield Row(location, problem=f"not JSON: {error.msg}.")
        except RecursionError:
            yield Row(location, problem="brackets are nested too deeply.")
        except ValueError as error:  # an integer of more than some thousand digits
            yield Row(location, problem=str(error))
        else:
            if isinstance(cells, dict):
                yield Row(location, cells)
            else:
                yield Row(
                    location,
                    problem='expected an object a line, such as {"text": "...", "label": 1}. '
                    f"Received: {format_value(line)}",
                )


#: How the lines of each kind of text are read.
TEXT_READERS: dict[str, Callable[[pathlib.Path, Iterable[str]], Iterator[Row]]] = {
    ".tsv": functools.partial(table_rows, delimiter="\t", quoting=csv.QUOTE_NONE),
    ".csv": functools.partial(table_rows, delimiter=",", strict=True),
    ".jsonl": jsonl_rows,
}
SUFFIXES = (*TEXT_READERS, ".parquet")


def read_rows(path: str | os.PathLike[str]) -> Iterator[Row]:
    """Reads a file of any size row by row; a row that cannot be read has a `problem`.

    Args:
        path: a .tsv, .csv or .jsonl file in UTF-8, as `read_file` takes it, or a .parquet file.

    Yields:
        The rows, in their order.

    Raises:
        ValueError: for another suffix, or a file that is not a table.
        ImportError: for `.parquet` without pyarrow, which the extra `parquet` installs.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    check_suffix(path)
    # A JSON string may hold any line break but "\n", and a quoted field of a .csv file all of them.
    newline = "\n" if suffix == ".jsonl" else ""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline=newline) as lines:
        yield from TEXT_READERS[suffix](path, lines)


def check_suffix(path: pathlib.Path, suffixes: Iterable[str] = SUFFIXES) -> None:
    """Raises a ValueError if the suffix of a data file is none of these."""
    if path.suffix.lower() not in suffixes:
        raise ValueError(
            f"The suffix of a data file must be one of {', '.join(suffixes)}. "
            f"Received: path={format_value(str(path))}, whose suffix is {format_value(path.suffix)}"
        )


def estimate_rows(path: str | os.PathLike[str]) -> int:
    """Estimates the number of rows: exact for .parquet, else from the lines of the start."""
    path = pathlib.Path(path)
    if path.suffix.lower() == ".parquet":
        return int(_parquet_file(path).metadata.num_rows)
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    lines = max(1, sample.count(b"\n"))
    return max(1, round(lines * path.stat().st_size / max(1, len(sample))))


def column_types(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the Arrow type of each column of a .parquet file; {} for other files."""
    path = pathlib.Path(path)
    if path.suffix.lower() != ".parquet":
        return {}
    return {field.name: field.type for field in _parquet_file(path).schema_arrow}


def _parquet_rows(path: pathlib.Path) -> Iterator[Row]:
    file, number = _parquet_file(path), 0
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        raise ValueError(
            f"{path}: two columns have the same name. Received the columns: {format_value(names)}. "
            "Rename one of them."
        )
    for batch in file.iter_batches(_PARQUET_ROWS):
        columns = {name: _values(batch.column(name)) for name in batch.schema.names}
        for cells in zip(*columns.values(), strict=True):
            number += 1
            yield Row(f"{path}:{number}", dict(zip(columns, cells, strict=True)))


def _values(column: Any) -> list[Any]:
    """Returns the values of an Arrow column; bytes that are not UTF-8 as lone surrogates.

    Times with nanoseconds, which Python has not, are strings.
    """
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        values = column.cast("binary").to_pylist()
        return [value and value.decode("utf-8", "surrogateescape") for value in values]
    except ValueError:
        return list(column.cast("string").to_pylist())


def _parquet_file(path: pathlib.Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            f"{path} needs pyarrow. Install it with `pip install 'tf-salience[parquet]'`."
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file ({error}).") from error
