"""`Summary`: what the explanations of a data set say of its words, and how it prints."""

import io
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tf_salience.explanation.word_statistics import WordMean
from tf_salience.utils.text import printable
from tf_salience.visualization.plain_table import PlainTable

_WIDTH = 100
_WORD_HEADS = ("word", "count", "mean", "95 % interval")
_DRIFT_HEADS = ("word", "class", "count", "before", "mean", "before", "95 % of difference")


@dataclass(frozen=True)
class WordDrift:
    """How the mean salience of a word differs between two folders.

    Attributes:
        word: the word.
        target_name: the class.
        count: how often it stands in the folder.
        count_before: the same in the one that it is compared with.
        mean: in the folder.
        mean_before: in the one that it is compared with.
        low: the lower end of the 95 % interval of the difference.
        high: the upper end.
    """

    word: str
    target_name: str
    count: int
    count_before: int
    mean: float
    mean_before: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """`mean` - `mean_before`."""
        return self.mean - self.mean_before


@dataclass(frozen=True)
class Coverage:
    """How many rows were explained, and how many to their tolerance.

    Attributes:
        rows: that were explained.
        errors: that could not be.
        converged: of `rows`, to their tolerance; None for methods without one.
        evaluations: forward and backward passes of all rows.
        classes: rows by class.
        complete: False where the manifest says that the job is not finished.
    """

    rows: int
    errors: int
    converged: int | None
    evaluations: int
    classes: dict[str, int]
    complete: bool = True

    @property
    def converged_share(self) -> float | None:
        """The share of the rows that converged, or None."""
        return None if self.converged is None or not self.rows else self.converged / self.rows


@dataclass(frozen=True)
class Summary:
    """What the explanations of a data set say of its words; prints as tables.

    All intervals are of the normal distribution, at 95 %, each occurrence of a word for itself: the
    words of one sentence are not independent, and the first of many words are first by chance, too.

    Attributes:
        folder: the folder.
        coverage: rows, errors, convergence.
        words: by class the words of the highest mean salience, with their intervals.
        min_count: words that come less often in a class are left out.
        dropped: rare words that were dropped since a class has too many, all classes together.
        compared_with: the other folder, or None.
        coverage_before: of the other folder, or None.
        gained: the words whose mean grew most from the other folder to this.
        lost: those whose mean fell most.
    """

    folder: str
    coverage: Coverage
    words: dict[str, tuple[WordMean, ...]]
    min_count: int
    dropped: int = 0
    compared_with: str | None = None
    coverage_before: Coverage | None = None
    gained: tuple[WordDrift, ...] = ()
    lost: tuple[WordDrift, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the summary as JSON values."""
        return asdict(self)

    def tables(self) -> list[PlainTable]:
        """Returns the tables: the words of each class, and which gained and lost most."""
        tables = [
            PlainTable(
                f"{target_name}: {self.coverage.classes.get(target_name, 0):,} rows",
                _WORD_HEADS,
                [(w.word, f"{w.count:,}", f"{w.mean:+.4g}", _interval(w)) for w in means],
            )
            for target_name, means in self.words.items()
        ]
        if self.compared_with is not None:
            pairs = (("gained most", self.gained), ("lost most", self.lost))
            tables += [
                PlainTable(title, _DRIFT_HEADS, list(map(_drift_row, drifts)))
                for title, drifts in pairs
            ]
        return tables

    @property
    def headlines(self) -> list[str]:
        """A line for each folder: rows, errors, convergence."""
        lines = [_coverage_line(self.folder, self.coverage)]
        if self.compared_with is not None and self.coverage_before is not None:
            lines.append(
                _coverage_line(f"compared with {self.compared_with}", self.coverage_before)
            )
        return lines

    @property
    def note(self) -> str:
        """Which words are left out."""
        often = f"Words that come {self.min_count} times or more."
        note = "All words." if self.min_count == 1 else often
        if self.dropped:
            note += f" {self.dropped:,} rare ones were dropped on the way."
        return note

    def __rich__(self) -> Group:
        """Returns the tables, for `rich.print` and rich consoles."""
        first, *before = self.headlines
        tables = list(map(_rich_table, self.tables()))
        classes, drifts = tables[: len(self.words)], tables[len(self.words) :]
        return Group(
            Text(first, style="bold"),
            *classes,
            *(Text(f"\n{line}", style="bold") for line in before),
            *drifts,
            Text(self.note, style="dim"),
        )

    def __str__(self) -> str:
        file = io.StringIO()
        Console(file=file, width=_WIDTH, color_system=None, force_terminal=False).print(
            self.__rich__()
        )
        return file.getvalue().rstrip()


def _coverage_line(name: str, coverage: Coverage) -> str:
    parts = [f"{name}: {coverage.rows:,} rows", f"{coverage.errors:,} errors"]
    if coverage.converged_share is not None:
        parts.append(f"{100 * coverage.converged_share:.4g} % converged")
    if coverage.rows:
        parts.append(f"{coverage.evaluations / coverage.rows:.3g} evaluations a row")
    if not coverage.complete:
        parts.append("the job is not finished")
    return printable(" · ".join(parts))


def _interval(value: Any) -> str:
    return f"{value.low:+.3g} to {value.high:+.3g}"


def _drift_row(drift: WordDrift) -> tuple[str, ...]:
    return (
        drift.word,
        drift.target_name,
        f"{drift.count:,}",
        f"{drift.count_before:,}",
        f"{drift.mean:+.4g}",
        f"{drift.mean_before:+.4g}",
        _interval(drift),
    )


def _rich_table(plain: PlainTable) -> Table:
    table = Table(title=Text(printable(plain.title)), title_justify="left")
    for head in plain.heads:
        table.add_column(head, justify="left" if head in ("word", "class") else "right")
    for row in plain.rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table
