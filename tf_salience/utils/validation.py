"""Argument checks, and the parts of their messages."""

import difflib
import re
import reprlib
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from tf_salience.utils.text import printable

#: Lines in the messages of Keras and TensorFlow that name no cause.
_NO_CAUSE = re.compile(
    r"Graph execution error|Detected at node |Error in |"
    r"File \"|Stack trace for op|\[\[\{\{node |.*defined at \(most recent call last\)|"
    r"in user code:|<stack traces unavailable>|\d+ root error|\(\d+\) "
)
#: Characters; a message holds at most two or three values and one error.
_MOST_OF_VALUE, _MOST_OF_ERROR = 300, 500


def is_integer(value: Any) -> bool:
    """True if `value` is an integer and not a bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def positive_integer(name: str, value: Any) -> int:
    """Returns `value` as an int.

    Raises:
        TypeError: if it is not an integer.
        ValueError: if it is less than 1.
    """
    if not is_integer(value):
        raise TypeError(
            f"`{name}` must be a positive integer. "
            f"Received: {name}={format_value(value)} (of type {type(value).__name__})"
        )
    if value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")
    return int(value)


def boolean(name: str, value: Any) -> bool:
    """Returns `value`.

    Raises:
        TypeError: if it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise TypeError(f"`{name}` must be True or False. Received: {name}={format_value(value)}")
    return value


def auto_or_bool(name: str, value: Any) -> bool | str:
    """Returns `value`.

    Raises:
        ValueError: if it is neither "auto" nor a bool.
    """
    if not isinstance(value, bool) and not (isinstance(value, str) and value == "auto"):
        raise ValueError(
            f"`{name}` must be 'auto', True or False. Received: {name}={format_value(value)}"
        )
    return value


class _ValueRepr(reprlib.Repr):
    """Abbreviates containers as `reprlib` does, and anything else in its middle."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxset = self.maxtuple = self.maxlist = 12
        self.maxstring = self.maxother = 160

    def repr_ndarray(self, array: "np.ndarray[Any, Any]", level: int) -> str:
        """Formats a small array as a list, and of a large one its shape and dtype."""
        del level
        if array.size <= self.maxlist:
            return f"array({array.tolist()})"
        return f"<array of shape {array.shape}, dtype {array.dtype}>"


_value_repr = _ValueRepr()


def format_value(value: Any) -> str:
    """Formats a value that a user passed, abbreviated, for a message."""
    return _abbreviated(_value_repr.repr(value), _MOST_OF_VALUE)


def format_error(error: BaseException) -> str:
    """Formats the cause that the message of an error of Keras or TensorFlow names.

    Keras adds the arguments of each call, TensorFlow the place of every node: thousands of
    characters around the one line that says what is wrong.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = re.sub(r"\{\{function_node \S+\}\} ?", "", text)
    text = re.split(r"Exception encountered when calling [^\n]*\n", text)[-1]
    text = re.split(r"\n\s*Arguments received by ", text)[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if not _NO_CAUSE.match(line)] or lines or [repr(error)]
    # The place of a node stands before its cause, in lines of a stack.
    if "(most recent call last):" in text:
        causes = causes[-1:]
    return _abbreviated(" ".join(causes), _MOST_OF_ERROR)


def _abbreviated(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} ..."


def check_one_of(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raises a ValueError that lists the choices and suggests the closest one."""
    options = list(choices)
    if value in options:
        return
    close = difflib.get_close_matches(str(value), options, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"`{name}` must be one of {format_value(options)}. "
        f"Received: {name}={format_value(value)}.{hint}"
    )


def check_finite(
    subject: str, values: Any, *, fix: str, examples: Sequence[int] | None = None
) -> None:
    """Raises a ValueError that names the examples whose values are not finite.

    Args:
        subject: the subject of the message, such as "The target".
        values: floats, (batch, ...).
        fix: the last sentence of the message: how to fix it.
        examples: the numbers of the examples, (batch,); 0, 1, 2, ... if None.
    """
    array = np.asarray(values)
    rows = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
    if rows.size:
        numbers = rows if examples is None else np.asarray(examples)[rows]
        raise ValueError(
            f"{subject} must be finite numbers. Received: NaN or infinite values in "
            f"{format_examples(sorted(set(numbers.tolist())))}. {fix}"
        )


def format_examples(examples: Sequence[int]) -> str:
    """Formats the numbers of examples: `example 3`, or `examples 0, 4, 7, 8, 9 and 12 more`."""
    if len(examples) == 1:
        return f"example {examples[0]}"
    first_five = ", ".join(str(example) for example in examples[:5])
    more = f" and {len(examples) - 5} more" if len(examples) > 5 else ""
    return f"examples {first_five}{more}"


def format_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Formats rows of cells as an indented text table with aligned columns."""
    cells = [[printable(str(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
