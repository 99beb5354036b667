"""Texts from files: .tsv, .csv and .jsonl."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
import pathlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tf_salience.data.labelled_texts import LabelledTexts

RATING_NAMES = ("negative", "positive")


class EmptyTextWarning(UserWarning):
    """Rows whose text is empty were left out."""


@dataclasses.dataclass(frozen=True)
class _Row:
    line: int
    cells: Mapping[str, Any]


def read_file(
    path: str | os.PathLike[str],
    *,
    text_column: str = "text",
    label_column: str | None = None,
    rating_column: str | None = None,
    rating_threshold: float = 0.0,
) -> LabelledTexts:
    """Reads labelled texts from a .tsv, .csv or .jsonl file in UTF-8.

    A .tsv file has a header and no quoting: a quote is a character of its text. A .csv file has a
    header and the usual double quotes. A .jsonl file has one object a line.

    Args:
        path: the file.
        text_column: name of the column of texts.
        label_column: name of the column of classes: integers 0, 1, ... taken as they are, or
            strings, which become indices into their sorted names.
        rating_column: name of a column of numbers; above `rating_threshold` is the class
            "positive" (1), the rest "negative" (0). With neither column named, a column `label`
            is used, else a column `rating`, else there are no labels.
        rating_threshold: where "positive" starts, itself excluded.

    Returns:
        The texts and labels, (batch,). Rows with an empty text are left out with an
        `EmptyTextWarning`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file cannot be read as described; the message names file and line.
    """
    path = pathlib.Path(path)
    if label_column is not None and rating_column is not None:
        raise ValueError(
            "Pass `label_column` or `rating_column`, not both. "
            f"Received: label_column={label_column!r}, rating_column={rating_column!r}"
        )
    rows = _read_rows(path)
    if label_column is None and rating_column is None:
        columns = rows[0].cells
        label_column = "label" if "label" in columns else None
        rating_column = "rating" if label_column is None and "rating" in columns else None
    rows = _drop_empty(path, rows, text_column)
    texts = [row.cells[text_column] for row in rows]
    if label_column is not None:
        labels, class_names = _labels(path, rows, label_column)
        return LabelledTexts(texts, labels, class_names)
    if rating_column is not None:
        ratings = [_rating(path, row, rating_column) for row in rows]
        labels = (np.asarray(ratings) > rating_threshold).astype(np.int64)
        return LabelledTexts(texts, labels, RATING_NAMES)
    return LabelledTexts(texts)


def _read_rows(path: pathlib.Path) -> list[_Row]:
    """All the rows of a file; at least one."""
    readers = {".tsv": _tsv_rows, ".csv": _csv_rows, ".jsonl": _jsonl_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"Cannot tell the format of a data file by its suffix {path.suffix!r}; "
            f"expected one of {', '.join(readers)}. Received: path={str(path)!r}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no data file {str(path)!r}.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}). "
            "Save it as UTF-8 and try again."
        ) from error
    rows = list(reader(path, text))
    if not rows:
        raise ValueError(f"{path} holds no rows; expected at least one text.")
    return rows


def _tsv_rows(path: pathlib.Path, text: str) -> Iterator[_Row]:
    return _table_rows(path, text, delimiter="\t", quoting=csv.QUOTE_NONE)


def _csv_rows(path: pathlib.Path, text: str) -> Iterator[_Row]:
    return _table_rows(path, text, delimiter=",", strict=True)


def _table_rows(path: pathlib.Path, text: str, **dialect: Any) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), **dialect)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not cells:
                continue
            if header is None:
                header = cells
                if len(set(header)) < len(header):
                    raise ValueError(
                        f"{path}:{reader.line_num}: two columns have the same name. "
                        f"Received the header: {', '.join(header)}"
                    )
                continue
            if len(cells) != len(header):
                raise ValueError(
                    f"{path}:{reader.line_num}: expected {len(header)} fields as in the header "
                    f"({', '.join(header)}). Received: {len(cells)} fields"
                )
            yield _Row(reader.line_num, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: {error}.") from error


def _jsonl_rows(path: pathlib.Path, text: str) -> Iterator[_Row]:
    # Not splitlines(): JSON strings may hold U+2028 and its like as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: not JSON: {error.msg}.") from error
        if not isinstance(cells, dict):
            raise ValueError(
                f"{path}:{number}: expected an object a line, such as "
                f'{{"text": "...", "label": 1}}. Received: {line[:60]}'
            )
        yield _Row(number, cells)


def _cell(path: pathlib.Path, row: _Row, column: str) -> Any:
    if column not in row.cells:
        raise ValueError(
            f"{path}:{row.line}: there is no column {column!r}. "
            f"The columns are: {', '.join(row.cells)}"
        )
    return row.cells[column]


def _drop_empty(path: pathlib.Path, rows: list[_Row], text_column: str) -> list[_Row]:
    kept = []
    for row in rows:
        text = _cell(path, row, text_column)
        if text is not None and not isinstance(text, str):
            raise ValueError(
                f"{path}:{row.line}: column {text_column!r} must hold a string. Received: {text!r}"
            )
        if text and text.strip():
            kept.append(row)
    if not kept:
        raise ValueError(f"{path}: column {text_column!r} is empty in all {len(rows)} rows.")
    if len(kept) < len(rows):
        warnings.warn(
            f"{path}: left out {len(rows) - len(kept)} of {len(rows)} rows, "
            f"whose column {text_column!r} is empty.",
            EmptyTextWarning,
            stacklevel=3,
        )
    return kept


def _rating(path: pathlib.Path, row: _Row, column: str) -> float:
    cell = _cell(path, row, column)
    try:
        rating = float(cell)
    except (TypeError, ValueError):
        rating = math.nan
    if not math.isfinite(rating):
        raise ValueError(
            f"{path}:{row.line}: column {column!r} must hold a finite number. Received: {cell!r}"
        )
    return rating


def _labels(
    path: pathlib.Path, rows: list[_Row], column: str
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Class indices (batch,), and the names of the classes where the file has names."""
    cells = [_cell(path, row, column) for row in rows]
    for row, cell in zip(rows, cells, strict=True):
        if isinstance(cell, bool) or not isinstance(cell, int | str) or cell == "":
            raise ValueError(
                f"{path}:{row.line}: column {column!r} must hold a class, an integer or a name. "
                f"Received: {cell!r}. For a column of numbers to cut in two, name it as the "
                "rating column."
            )
    try:
        indices = [int(cell) for cell in cells]
    except ValueError:
        names = sorted({str(cell) for cell in cells})
        position = {name: index for index, name in enumerate(names)}
        return np.array([position[str(cell)] for cell in cells], dtype=np.int64), tuple(names)
    for row, index in zip(rows, indices, strict=True):
        if index < 0:
            raise ValueError(
                f"{path}:{row.line}: classes are counted from 0. Received: {index} in column "
                f"{column!r}. For a column of numbers to cut in two, name it as the rating column."
            )
    return np.array(indices, dtype=np.int64), None
