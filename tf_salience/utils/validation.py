"""Argument checks, and the parts of their messages."""

import difflib
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np


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
            f"Received: {name}={value!r} (of type {type(value).__name__})"
        )
    if value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")
    return int(value)


def check_one_of(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raises a ValueError that lists the choices and suggests the closest one."""
    options = list(choices)
    if value in options:
        return
    close = difflib.get_close_matches(str(value), options, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"`{name}` must be one of {options}. Received: {name}={value!r}.{hint}")


def check_finite(
    subject: str, values: Any, *, mend: str, examples: Sequence[int] | None = None
) -> None:
    """Raises a ValueError that names the examples whose values are not finite.

    Args:
        subject: the subject of the message, such as "The target".
        values: floats, (batch, ...).
        mend: the last sentence of the message: how to mend it.
        examples: the numbers of the examples, (batch,); 0, 1, 2, ... if None.
    """
    array = np.asarray(values)
    rows = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
    if rows.size:
        numbers = rows if examples is None else np.asarray(examples)[rows]
        raise ValueError(
            f"{subject} must be finite numbers. Received: NaN or infinite values in "
            f"{format_examples(sorted(set(numbers.tolist())))}. {mend}"
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
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
