"""The structure of the package beside its goals: `python -m benchmarks.structure`.

Exits with 1 if a goal is missed. How each figure is defined is said where it is computed: in
`benchmarks.source_code` what is read from the source, in `benchmarks.data_flow` what is seen while
a tiny model is explained. `--static` leaves the latter out and needs no TensorFlow.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks import data_flow, source_code
from benchmarks.source_code import Place, Sources

#: Lines of code at commit 8ef5eef, before the package was divided into rooms.
_LINES_BEFORE = 7914
_LONG_FUNCTION, _LONG_MODULE, _MANY_PARAMETERS = 40, 300, 7


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number that describes the structure.

    Attributes:
        name: what is counted.
        value: how many, or how many per cent.
        goal: the most that is allowed; None where there is no goal.
        unit: "" or "%".
        details: what was counted.
    """

    name: str
    value: float
    goal: float | None
    unit: str = ""
    details: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool:
        """True if the value is within the goal, or there is no goal."""
        return self.goal is None or self.value <= self.goal


def _listed(name: str, details: Iterable[str], goal: float | None) -> Figure:
    """A figure that counts its details."""
    details = tuple(details)
    return Figure(name, len(details), goal, details=details)


def _share(name: str, places: list[Place], words: set[str], goal: float) -> Figure:
    """The share of places whose word is one of some."""
    details = tuple(_at(place) for place in places if place[2] in words)
    return Figure(name, 100 * len(details) / max(1, len(places)), goal, "%", details)


def _at(place: Place) -> str:
    module, line, word = place
    return f"{module}:{line} {word}"


def of_source(sources: Sources) -> Iterator[Figure]:
    """The figures that are read from the source."""
    loose = source_code.loose_modules(sources)
    graph = source_code.imports(sources)
    chain = [f"floor {floor}: {room}" for room, floor in source_code.floors(graph).items()]
    longest = max(source_code.floors(graph).values(), default=-1) + 1
    circles = [" ".join(sorted(circle)) for circle in source_code.circles(graph)]
    yield _listed("rooms at the top", sorted(source_code.rooms(sources)), 14)
    yield _listed("modules at the top", sorted(loose), len(source_code.LOOSE_MODULES))
    yield _listed("of these, not expected", sorted(loose - source_code.LOOSE_MODULES), 0)
    yield Figure("rooms in the longest import chain", longest, 6, details=tuple(sorted(chain)))
    yield _listed("circles between rooms", circles, 0)
    names = source_code.bound_names(sources)
    yield _share("bound names that say nothing", names, source_code.VAGUE_NAMES, 1)
    names = source_code.local_names(sources)
    yield _share("local names that say nothing", names, source_code.VAGUE_NAMES, 1)
    words = source_code.docstrings(sources)
    yield _share("docstrings that open as questions", words, source_code.QUESTION_WORDS, 2)
    yield _listed("places beside its own for a method", source_code.method_places(sources), 1)
    lines = sum(len(source_code.code_lines(source)) for source in sources.values())
    yield Figure("lines of code", lines, _LINES_BEFORE)
    yield from _of_sizes(sources)


def _of_sizes(sources: Sources) -> Iterator[Figure]:
    """What is larger than it should be; without goals."""
    functions = source_code.functions(sources)
    yield _listed(
        f"functions over {_LONG_FUNCTION} lines",
        (f"{_at(place)}: {lines}" for place, lines, _ in functions if lines > _LONG_FUNCTION),
        None,
    )
    yield _listed(
        f"functions over {_MANY_PARAMETERS} parameters",
        (
            f"{_at(place)}: {count}"
            for place, _, count in functions
            if count > _MANY_PARAMETERS and place[2] not in source_code.MANY_PARAMETERS
        ),
        None,
    )
    sizes = {module: len(source.splitlines()) for module, source in sources.items()}
    yield _listed(
        f"modules over {_LONG_MODULE} lines",
        (f"{module}: {size}" for module, size in sizes.items() if size > _LONG_MODULE),
        None,
    )


def of_data(flow: data_flow.DataFlow, floors: dict[str, int]) -> Iterator[Figure]:
    """The figures that are seen while a model is explained."""
    rooms = [(source_code.room_of(start), source_code.room_of(end)) for start, end in flow.moves]
    moves = list(dict.fromkeys((start, end) for start, end in rooms if start != end))
    upwards = [(start, end) for start, end in moves if floors.get(end, 0) > floors.get(start, 0)]
    yield _listed("files from a method to its gradient", flow.files_from_method, 4)
    yield _listed("files from the call to the gradient", flow.files_from_call, None)
    # A room is a package or a module at the top: the units that have floors.
    yield _listed("moves of the data between rooms", map(" -> ".join, moves), 14)
    yield _listed("of these, to a higher floor", map(" -> ".join, upwards), 5)
    yield _listed("moves of the data between modules", map(" -> ".join, flow.moves), None)
    yield _listed("record types on the way", flow.records, 8)


def _print_table(figures: list[Figure], *, verbose: bool) -> None:
    print(f"{'':36}{'value':>10}{'goal':>10}")
    for figure in figures:
        digits = 1 if figure.unit else 0
        value = f"{figure.value:.{digits}f} {figure.unit}".rstrip()
        goal = "" if figure.goal is None else f"{figure.goal:.0f} {figure.unit}".rstrip()
        print(f"{figure.name:36}{value:>10}{goal:>10}{'' if figure.is_met else '  missed'}")
        for detail in figure.details if verbose else ():
            print(f"    {detail}")


def main() -> None:
    """Prints the figures; exits with 1 if one of them misses its goal."""
    parser = argparse.ArgumentParser("python -m benchmarks.structure", description=__doc__)
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--root", type=Path, default=here, help="the directory of the package")
    parser.add_argument("--static", action="store_true", help="only what the source says")
    parser.add_argument("--json", action="store_true", help="print JSON, with all details")
    parser.add_argument("--verbose", action="store_true", help="list what is counted")
    options = parser.parse_args()
    root = options.root.resolve()
    sources = source_code.read(root)
    figures = list(of_source(sources))
    if not options.static:
        floors = source_code.floors(source_code.imports(sources))
        figures += of_data(data_flow.measure(root), floors)
    if options.json:
        rows = [{**dataclasses.asdict(figure), "is_met": figure.is_met} for figure in figures]
        print(json.dumps(rows, indent=1))
    else:
        _print_table(figures, verbose=options.verbose)
    sys.exit(not all(figure.is_met for figure in figures))


if __name__ == "__main__":
    main()
