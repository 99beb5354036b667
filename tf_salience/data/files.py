"""Labelled texts from .tsv, .csv and .jsonl files."""

import csv
import functools
import io
import json
import math
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.utils import warnings
from tf_salience.utils.validation import format_value

RATING_NAMES = ("negative", "positive")
_LARGEST_CLASS = np.iinfo(np.int64).max


class EmptyTextWarning(UserWarning):
    """Rows with an empty text were left out."""


@dataclass(frozen=True)
class _Row:
    """A row of a file.

    Attributes:
        location: `file:line`, for messages.
        cells: values by column name.
    """

    location: str
    cells: Mapping[str, Any]


def read_file(
    path: str | os.PathLike[str],
    *,
    text_column: str = "text",
    label_column: str | None = None,
    rating_column: str | None = None,
    rating_threshold: float = 0.0,
    rationale_column: str | None = None,
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
        rating_threshold: the largest rating of the class "negative".
        rationale_column: name of a column of the words that should decide: a list of them, or a
            string in which spaces part them.

    Returns:
        The texts and labels, (batch,). Rows with an empty text are left out with an
        `EmptyTextWarning`.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file cannot be read as described; the message names file and line.
    """
    path = pathlib.Path(path)
    if label_column is not None and rating_column is not None:
        raise ValueError(
            "Pass `label_column` or `rating_column`, not both. "
            f"Received: label_column={format_value(label_column)}, "
            f"rating_column={format_value(rating_column)}"
        )
    rows = _read_rows(path)
    if label_column is None and rating_column is None:
        columns = rows[0].cells
        label_column = "label" if "label" in columns else None
        rating_column = "rating" if label_column is None and "rating" in columns else None
    rows = _drop_empty(path, rows, text_column)
    texts = [row.cells[text_column] for row in rows]
    labels: Any = None
    names: tuple[str, ...] | None = None
    if label_column is not None:
        labels, names = _labels(rows, label_column)
    elif rating_column is not None:
        ratings = np.array([_rating(row, rating_column) for row in rows])
        labels, names = (ratings > rating_threshold).astype(np.int64), RATING_NAMES
    rationales = None
    if rationale_column is not None:
        rationales = [_rationale(row, rationale_column) for row in rows]
    return LabelledTexts(texts, labels, names, rationales)


def _read_rows(path: pathlib.Path) -> list[_Row]:
    """Reads all rows of a file, at least one."""
    readers: dict[str, Callable[[pathlib.Path, str], Iterator[_Row]]] = {
        ".tsv": functools.partial(_table_rows, delimiter="\t", quoting=csv.QUOTE_NONE),
        ".csv": functools.partial(_table_rows, delimiter=",", strict=True),
        ".jsonl": _jsonl_rows,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"The suffix of a data file must be one of {', '.join(readers)}. "
            f"Received: path={format_value(str(path))}, whose suffix is {format_value(path.suffix)}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"The data file {format_value(str(path))} does not exist.")
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


def _table_rows(path: pathlib.Path, text: str, **dialect: Any) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), **dialect)
    lines = filter(None, reader)  # without empty ones
    try:
        header = next(lines, [])
        if len(set(header)) < len(header):
            raise ValueError(
                f"{path}:{reader.line_num}: two columns have the same name. "
                f"Received the header: {format_value(header)}"
            )
        for cells in lines:
            location = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                raise ValueError(
                    f"{location}: expected {len(header)} fields as in the header, "
                    f"{format_value(header)}. Received: {len(cells)} fields"
                )
            yield _Row(location, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: {error}.") from error


def _jsonl_rows(path: pathlib.Path, text: str) -> Iterator[_Row]:
    # Not splitlines(): JSON strings may contain U+2028 and other Unicode line breaks.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        location = f"{path}:{number}"
        try:
            cells = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{location}: not JSON: {error.msg}.") from error
        except RecursionError as error:
            raise ValueError(f"{location}: brackets are nested too deeply.") from error
        except ValueError as error:  # an integer of more than some thousand digits
            raise ValueError(f"{location}: {error}") from error
        if not isinstance(cells, dict):
            raise ValueError(
                f"{location}: expected an object a line, such as "
                f'{{"text": "...", "label": 1}}. Received: {format_value(line)}'
            )
        yield _Row(location, cells)


def _cell(row: _Row, column: str) -> Any:
    if column not in row.cells:
        raise ValueError(
            f"{row.location}: there is no column {format_value(column)}. "
            f"The columns are: {format_value(list(row.cells))}"
        )
    return row.cells[column]


def _drop_empty(path: pathlib.Path, rows: list[_Row], text_column: str) -> list[_Row]:
    """Returns the rows with a text, at least one."""
    rows_with_text = []
    for row in rows:
        text = _cell(row, text_column)
        if text is not None and not isinstance(text, str):
            raise ValueError(
                f"{row.location}: column {format_value(text_column)} must hold a string. "
                f"Received: {format_value(text)}"
            )
        if text and not _is_unicode(text):
            raise ValueError(
                f"{row.location}: column {format_value(text_column)} must hold Unicode. "
                f"Received: lone surrogates in {format_value(text)}"
            )
        if text and text.strip():
            rows_with_text.append(row)
    if not rows_with_text:
        raise ValueError(
            f"{path}: column {format_value(text_column)} is empty in all {len(rows)} rows."
        )
    if len(rows_with_text) < len(rows):
        warnings.warn(
            f"{path}: left out {len(rows) - len(rows_with_text)} of {len(rows)} rows, "
            f"whose column {format_value(text_column)} is empty.",
            EmptyTextWarning,
        )
    return rows_with_text


def _is_unicode(text: str) -> bool:
    r"""False for text with half of a surrogate pair, which JSON may hold as `\ud800`."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _rating(row: _Row, column: str) -> float:
    cell = _cell(row, column)
    try:
        rating = float(cell)
    except (TypeError, ValueError, OverflowError):
        rating = math.nan
    if not math.isfinite(rating):
        raise ValueError(
            f"{row.location}: column {format_value(column)} must hold a finite number. "
            f"Received: {format_value(cell)}"
        )
    return rating


def _rationale(row: _Row, column: str) -> list[str]:
    cell = _cell(row, column)
    words = cell.split() if isinstance(cell, str) else cell
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(
            f"{row.location}: column {format_value(column)} must hold words, in a list or parted "
            f"by spaces. Received: {format_value(cell)}"
        )
    return words


def _labels(rows: list[_Row], column: str) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Returns class indices, (batch,), and the sorted class names unless the file has indices."""
    cells = [_cell(row, column) for row in rows]
    for row, cell in zip(rows, cells, strict=True):
        if isinstance(cell, bool) or not isinstance(cell, int | str) or cell == "":
            raise ValueError(
                f"{row.location}: column {format_value(column)} must hold a class, an integer or "
                f"a name. Received: {format_value(cell)}. "
                "Pass a column of ratings as the rating column."
            )
    try:
        indices = [int(cell) for cell in cells]
    except ValueError:
        names, indices_of_names = np.unique(list(map(str, cells)), return_inverse=True)
        return indices_of_names.astype(np.int64), tuple(names.tolist())
    for row, index in zip(rows, indices, strict=True):
        if not 0 <= index <= _LARGEST_CLASS:
            raise ValueError(
                f"{row.location}: classes are counted from 0. Received: {format_value(index)} in "
                f"column {format_value(column)}. Pass a column of ratings as the rating column."
            )
    return np.array(indices, dtype=np.int64), None
