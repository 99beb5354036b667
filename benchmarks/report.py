"""The tables, in Markdown; the same in JSON."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable
from typing import Any

from benchmarks.cold_start import VARIANTS
from benchmarks.goals import Goal
from benchmarks.growth import Growth
from benchmarks.timing import Row, ratio

_HEADER = (
    "row", "nodes", "seconds, median (min - max)", "ms an example", "x ours", "worst error",
    "median error", "first call, s", "peak, MiB",
)  # fmt: skip


def of_rows(rows: list[Row], ours: str, examples: int, idle: float) -> str:
    """The table of work (a) or (b).

    Args:
        rows: its rows.
        ours: the tool whose first row is the measure of the others.
        examples: how many the work has.
        idle: the largest share of a processor that waiting workers took.
    """
    base = next((row for row in rows if row.tool == ours), None)
    lines = [_cells(_HEADER), _cells("---" for _ in _HEADER)]
    lines += [_cells(_of_row(row, base, examples)) for row in rows if row.failed is None]
    missing = [f"- **{row.label}** ({row.kind}): {row.failed}" for row in rows if row.failed]
    notes: dict[str, list[str]] = {}
    for row in rows:
        if row.notes and row.failed is None:
            notes[row.label] = row.notes
    rounds = max((len(row.timed) for row in rows), default=0)
    told = [f"- {label}: {'; '.join(words)}" for label, words in notes.items()]
    told += [
        f"- {row.label} ({row.kind}): {len(row.timed)} of {rounds} rounds, since it is slow"
        for row in rows
        if row.failed is None and len(row.timed) < rounds
    ]
    told.append(f"- {rounds} rounds; waiting workers took at most {idle:.1%} of a processor")
    failed = ["", "No figures:", "", *missing] if missing else []
    return "\n".join([*lines, *failed, "", *told])


def of_growth(grown: list[Growth]) -> str:
    """The table of work (c)."""
    lines = []
    for one in grown:
        memory = "none" if one.memory_exponent is None else f"{one.memory_exponent:.2f}"
        lines += [
            _cells((one.axis, *(str(size) for size in one.points), "exponent, upper half")),
            _cells("---" for _ in range(len(one.points) + 2)),
            _cells(
                ("seconds", *(f"{value:.3g}" for value in one.seconds), f"{one.time_exponent:.2f}")
            ),
            _cells(("peak, MiB", *(f"{value:.0f}" for value in one.peak_mib), memory)),
            "",
        ]
    return "\n".join(lines)


def of_overhead(overhead: dict[str, Any]) -> str:
    """The table of one sentence."""
    header = ("one sentence", "library, ms", "passes alone, ms", "overhead, ms", "worst, ms")
    lines = [_cells(header), _cells("---" for _ in header)]
    for steps, one in overhead.items():
        keys = ("library_ms", "passes_ms", "overhead_ms", "overhead_worst_ms")
        lines.append(_cells((f"steps={steps}", *(f"{one[key]:.2f}" for key in keys))))
    return "\n".join(lines)


def of_first_calls(rows: list[Row], ours: str) -> str:
    """How many times longer the other tools take than ours, with the first call and without."""
    base = next((row for row in rows if row.tool == ours and not row.failed), None)
    lines = []
    for row in rows:
        if base is None or row is base or row.failed or not (row.first and base.first):
            continue
        warm = ratio(row, base)
        lines.append(
            f"- {row.label} over {base.label}: {'' if warm is None else f'{warm:.3g} warm, '}"
            f"{row.first / base.first:.3g} at the very first call, with all that is compiled then"
        )
    return "\n".join(lines)


def of_cold_start(started: dict[str, Any]) -> str:
    """The table of work (f)."""
    header = (
        "a fresh process, seconds", "import", "load the model", "first explanation",
        "of it traces", "to first explanation", "the same again", "another length, first",
    )  # fmt: skip
    keys = ("import", "load", "first", "traces", "to_first", "again", "other")
    lines = [_cells(header), _cells("---" for _ in header)]
    for name, one in started.items():
        label = VARIANTS[name].label
        if "failed" in one:
            lines.append(_cells((label, one["failed"], *("" for _ in keys[1:]))))
        else:
            lines.append(_cells((label, *(f"{one[key]:.3g}" for key in keys))))
    return "\n".join(lines)


def of_watching(watched: dict[str, Any]) -> str:
    """The table of work (d)."""
    header = (
        f"{watched['probes']} probes, epochs of {watched['steps']} steps", "an epoch, s",
        "an evaluation of the probes, s", "share", "the first, s", "graphs after each epoch",
    )  # fmt: skip
    lines = [_cells(header), _cells("---" for _ in header)]
    for method in ("gradient_dot_input", "integrated_gradients"):
        one = watched[method]
        seconds = (f"{one[key]:.3g}" for key in ("epoch_s", "logger_s"))
        graphs = ", ".join(map(str, one["graphs"]))
        lines.append(
            _cells(
                (method, *seconds, f"{one['share']:.1%}", f"{one['logger_first_s']:.2g}", graphs)
            )
        )
    return "\n".join(lines)


def of_goals(goals: list[Goal]) -> str:
    """What was to be reached, and whether it was."""
    words = {True: "yes", False: "**no**", None: "not measured"}
    lines = [_cells(("to be reached", "bound", "found", "reached")), _cells(["---"] * 4)]
    for goal in goals:
        found = "" if goal.found is None else f"{goal.found:.3g}"
        bound = f"{goal.bound} {goal.value:g}"
        lines.append(_cells((goal.text, bound, found, words[goal.reached])))
    return "\n".join(lines)


def of_machine(machine: dict[str, str]) -> str:
    """One line on the machine."""
    return "; ".join(f"{key}: {value}" for key, value in machine.items())


def write(output: pathlib.Path, found: dict[str, Any]) -> None:
    """Writes the figures as JSON, whole or not at all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    new = output.with_suffix(".new")
    new.write_text(json.dumps(found, indent=1, default=_plain) + "\n")
    new.replace(output)


def _plain(value: Any) -> Any:
    if isinstance(value, Row):
        return {**dataclasses.asdict(value), "median": value.median}
    if isinstance(value, Goal):
        return {**dataclasses.asdict(value), "reached": value.reached}
    return dataclasses.asdict(value)


def _of_row(row: Row, base: Row | None, examples: int) -> tuple[str, ...]:
    median = row.median or 0.0
    times = ratio(row, base) if base is not None else None
    steps = f"{row.steps:g}" if isinstance(row.steps, int) else f"{row.evaluations or 0:.1f}"
    return (
        f"{row.label}" + ("" if row.kind == "equal" else f" ({row.kind})"),
        f"auto: {steps}" if row.steps == "auto" else steps,
        f"{median:.3g} ({min(row.timed):.3g} - {max(row.timed):.3g})",
        f"{1e3 * median / examples:.3g}",
        "" if times is None else f"{times:.3g}",
        "" if row.error_worst is None else f"{row.error_worst:.1e}",
        "" if row.error_median is None else f"{row.error_median:.1e}",
        "" if row.first is None else f"{row.first:.1f}",
        "" if row.peak_mib is None else f"{row.peak_mib:.0f}",
    )


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
