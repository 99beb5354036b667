"""What is to be reached, each goal a ratio of two rows of one run or a figure of one row."""

import dataclasses
import operator
from typing import Any

from benchmarks.timing import Row, ratio

_HOLDS = {"at most": operator.le, "at least": operator.ge}


@dataclasses.dataclass(frozen=True)
class Goal:
    """One goal, and what was found.

    Attributes:
        text: what is measured.
        bound: "at most" or "at least".
        value: the bound.
        found: None where it could not be measured.
    """

    text: str
    bound: str
    value: float
    found: float | None

    @property
    def reached(self) -> bool | None:
        """Whether it is reached; None where it could not be measured."""
        return None if self.found is None else bool(_HOLDS[self.bound](self.found, self.value))


#: Of work (a): a text, the two rows whose times are divided, and the bound.
_EQUAL = (
    ("(a) fixed steps over the bare loop", "fixed", "bare", "at most", 1.08),
    ("(a) fixed steps over captum", "fixed", "captum", "at most", 0.95),
    ("(a) LIT, eager, over fixed steps", "lit", "fixed", "at least", 3.0),
    ("(a) alibi over fixed steps", "alibi", "fixed", "at least", 2.5),
    ("(a) share of the arithmetic limit", "limit", "fixed", "at least", 0.65),
)
#: Of work (b): a tool, how its steps came about, and how many times longer than auto it takes.
_TO_TOLERANCE = (
    ("lit", "fewest", 20.0),
    ("saliency", "fewest", 20.0),
    ("alibi", "default", 8.0),
    ("alibi", "fewest", 4.0),
    ("captum", "default", 4.0),
    ("captum", "fewest", 1.5),
)


def of_equal(rows: list[Row]) -> list[Goal]:
    """The goals of work (a)."""
    by_tool = {row.tool: row for row in rows}
    return [
        Goal(text, bound, value, ratio(by_tool[upper], by_tool[lower]))
        for text, upper, lower, bound, value in _EQUAL
        if upper in by_tool and lower in by_tool
    ]


def of_tolerance(rows: list[Row]) -> list[Goal]:
    """The goals of work (b)."""
    by_key = {(row.tool, row.kind): row for row in rows}
    auto = by_key.get(("auto", "default"))
    if auto is None:
        return []
    goals = [
        Goal(f"(b) {row.label}, {kind} nodes, over auto", "at least", value, ratio(row, auto))
        for tool, kind, value in _TO_TOLERANCE
        if (row := by_key.get((tool, kind))) is not None
    ]
    return [
        *goals,
        Goal("(b) worst error of auto", "at most", 0.01, auto.error_worst),
        Goal("(b) mean evaluations of auto", "at most", 16.0, auto.evaluations),
    ]


def of_pretrained(rows: list[Row]) -> list[Goal]:
    """The goals of work (e)."""
    by_tool = {row.tool: row for row in rows}
    auto, captum = by_tool.get("auto"), by_tool.get("captum_longest")
    if auto is None:
        return []
    over = None if captum is None else ratio(captum, auto)
    return [
        Goal("(e) captum, default nodes, over auto", "at least", 1.7, over),
        Goal("(e) share of sentences that auto has within 1 %", "at least", 0.995, auto.within),
        Goal("(e) mean evaluations of auto", "at most", 38.0, auto.evaluations),
    ]


def of_cold_start(started: dict[str, Any]) -> list[Goal]:
    """The goal of work (f)."""
    ours = started["auto"]
    over = None if "failed" in ours else ours["first"] / (ours["again"] + ours["longest_trace"])
    return [
        Goal("(f) first explanation over a warm one and its longest trace", "at most", 1.5, over)
    ]


def of_overhead(overhead: dict[str, Any]) -> list[Goal]:
    """The goals for one sentence."""
    return [
        Goal(f"overhead for one sentence, steps={steps}, ms", "at most", 3.0, one["overhead_ms"])
        for steps, one in overhead.items()
    ]


def of_watching(watched: dict[str, Any]) -> list[Goal]:
    """The goals of work (d)."""
    cheap = watched["gradient_dot_input"]
    return [
        Goal("(d) share of an epoch, gradient_dot_input", "at most", 0.03, cheap["share"]),
        *(
            Goal(
                f"(d) graphs traced after the first epoch, {method}",
                "at most",
                0,
                watched[method]["graphs"][-1] - watched[method]["graphs"][0],
            )
            for method in ("gradient_dot_input", "integrated_gradients")
        ),
    ]
