"""Labelled texts from .tsv, .csv and .jsonl files."""

import io
import math
import os
import pathlib
from typing import Any

import numpy as np

from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.data.rows import TEXT_READERS, Row, check_suffix
from tf_salience.utils import warnings
from tf_salience.utils.validation import format_value

RATING_NAMES = ("negative", "positive")
_LARGEST_CLASS = np.iinfo(np.int64).max


class EmptyTextWarning(UserWarning):
    """Rows with an empty text were left out."""


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


def _read_rows(path: pathlib.Path) -> list[Row]:
    """Reads all rows of a file, at least one.

    Raises:
        ValueError: for the first row that cannot be read.
    """
    check_suffix(path, TEXT_READERS)
    if not path.is_file():
        raise FileNotFoundError(f"The data file {format_value(str(path))} does not exist.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}). "
            "Save it as UTF-8 and try again."
        ) from error
    suffix = path.suffix.lower()
    # Not splitlines(): JSON strings may contain U+2028 and other Unicode line breaks.
    lines = io.StringIO(text, newline="\n" if suffix == ".jsonl" else "")
    rows = []
    for row in TEXT_READERS[suffix](path, lines):
        if row.problem:
            raise ValueError(f"{row.location}: {row.problem}")
        rows.append(row)
    if not rows:
        raise ValueError(f"{path} holds no rows; expected at least one text.")
    return rows


def _cell(row: Row, column: str) -> Any:
    if column not in row.cells:
        raise ValueError(
            f"{row.location}: there is no column {format_value(column)}. "
            f"The columns are: {format_value(list(row.cells))}"
        )
    return row.cells[column]


def _drop_empty(path: pathlib.Path, rows: list[Row], text_column: str) -> list[Row]:
    """Returns the rows with a text, at least one."""
    rows_with_text = []
    for row in rows:
        text = _cell(row, text_column)
        if text is not None and not isinstance(text, str):
            raise ValueError(
                f"{row.location}: column {format_value(text_column)} must hold a string. "
                f"Received: {format_value(text)}"
            )
        if text and not is_unicode(text):
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


def is_unicode(text: str) -> bool:
    r"""False for text with half of a surrogate pair, which JSON may hold as `\ud800`."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _rating(row: Row, column: str) -> float:
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


def _rationale(row: Row, column: str) -> list[str]:
    cell = _cell(row, column)
    words = cell.split() if isinstance(cell, str) else cell
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(
            f"{row.location}: column {format_value(column)} must hold words, in a list or parted "
            f"by spaces. Received: {format_value(cell)}"
        )
    return words


def _labels(rows: list[Row], column: str) -> tuple[np.ndarray, tuple[str, ...] | None]:
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
