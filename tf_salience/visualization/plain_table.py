"""`PlainTable`: a table of strings, which each view shows in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PlainTable:
    """A table of strings.

    Attributes:
        title: the line above.
        heads: (columns,), of the columns.
        rows: the cells of each row, (columns,); a line feed parts the lines of a cell.
        note: the line below.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
