"""What a user is told when arguments do not fit: what came, what was expected, how to mend it."""

import difflib
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np


def is_integer(value: Any) -> bool:
    """Whether `value` is an integer and not a bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def positive_integer(name: str, value: Any) -> int:
    """`value` as an int.

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
    """Raises a ValueError that lists the choices, and the one that was perhaps meant."""
    known = list(choices)
    if value in known:
        return
    near = difflib.get_close_matches(str(value), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"`{name}` must be one of {known}. Received: {name}={value!r}.{hint}")


def check_finite(
    what: str, values: Any, *, mend: str, examples: Sequence[int] | None = None
) -> None:
    """Raises a ValueError that names the examples whose `values`, (batch, ...), are not finite.

    Args:
        what: what the values are, for the message.
        values: (batch, ...) floats.
        mend: what the user can do about it.
        examples: (batch,), the numbers of the examples; 0, 1, 2, ... if None.
    """
    array = np.asarray(values)
    bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if bad.any():
        rows = np.flatnonzero(bad)
        named = rows if examples is None else np.asarray(examples)[rows]
        raise ValueError(
            f"{what} must be finite numbers. Received: NaN or infinite values in "
            f"{format_examples(sorted(set(named.tolist())))}. {mend}"
        )


def format_examples(examples: Sequence[int]) -> str:
    """`example 3`, or `examples 0, 4, 7 and 12 more`."""
    if len(examples) == 1:
        return f"example {examples[0]}"
    shown = ", ".join(str(example) for example in examples[:5])
    return f"examples {shown}" + (f" and {len(examples) - 5} more" if len(examples) > 5 else "")


def format_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A small text table for an error message."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
