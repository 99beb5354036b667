"""The definitions of `benchmarks.structure`, on small sources; not the package's own figures."""

import dataclasses
import importlib
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

# The benchmarks are no part of what is installed. Appended: an installed package goes first.
sys.path.append(str(Path(__file__).parents[1]))
from benchmarks import data_flow, source_code, structure


def test_rooms_and_loose_modules():
    sources = {"__init__": "", "__main__": "", "a.__init__": "", "a.b.c": "", "loose": ""}
    assert source_code.rooms(sources) == {"a"}
    assert source_code.loose_modules(sources) == {"__main__", "loose"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("a.x", "from tf_salience import b"),
        ("a.x", "from tf_salience.b import name"),
        ("a.x", "import tf_salience.b.y as y"),
        ("a.x", "def f():\n    from tf_salience.b import y"),
        ("a.x", "if TYPE_CHECKING:\n    from tf_salience.b import y"),
        ("a.x", "from ..b import y"),
        ("a.__init__", "from .. import b"),
        ("a.deep.__init__", "from ...b.y import name"),
    ],
)
def test_an_import_of_another_room_is_seen(module, source):
    assert source_code.imports({module: source, "b.y": ""})["a"] == {"b"}


@pytest.mark.parametrize(
    "source",
    [
        "from . import y",
        "from tf_salience.a import y",
        "import numpy",
        "from tf_salience import Name",
    ],
)
def test_what_is_no_import_of_another_room_is_not(source):
    assert source_code.imports({"a.x": source, "b.y": ""})["a"] == set()


def test_entry_points_are_on_no_floor():
    sources = {"__init__": "from tf_salience import a", "__main__": "", "a.x": ""}
    assert source_code.imports(sources) == {"a": set()}


def test_floors_are_the_longest_chains():
    graph = {"top": {"middle", "low"}, "middle": {"low"}, "low": set(), "beside": {"low"}}
    assert source_code.floors(graph) == {"top": 2, "middle": 1, "low": 0, "beside": 1}
    assert source_code.circles(graph) == []


def test_a_circle_is_seen_and_adds_no_floor():
    graph = {"top": {"a"}, "a": {"b"}, "b": {"c"}, "c": {"a", "low"}, "low": set()}
    assert source_code.circles(graph) == [{"a", "b", "c"}]
    assert source_code.floors(graph)["low"] == 0
    assert source_code.floors(graph)["top"] == source_code.floors(graph)["a"] + 1


NAMES = """
import imported
a: int = 1
def function(self, b, *c, d=None, **e):
    self.f = other.ignored = 1
    for g, h in b:
        pass
    a = [i for i in b]
    with b as j:
        a = lambda k: k
    try:
        pass
    except ValueError as l:
        if (m := 1):
            pass
    match b:
        case [n, *o]:
            pass
"""


def test_bound_names():
    names = [name for _, _, name in source_code.bound_names({"x": NAMES})]
    assert sorted(names) == ["a", "a", "a", *"bcdefghijklmno"]


def test_local_names_count_once_a_function():
    names = [name for _, _, name in source_code.local_names({"x": NAMES})]
    assert sorted(names) == [*"aghijm"]


def test_the_first_word_of_docstrings():
    source = '"""What it is."""\nclass A:\n    """A class."""\n    def f(self):\n        "How."\n'
    words = source_code.docstrings({"x": source})
    assert words == [("x", 1, "What"), ("x", 2, "A"), ("x", 4, "How.")]


def test_lines_of_code():
    source = (
        '"""Text.\n\nMore.\n"""\n# comment\nx = """a\n\nb"""\ndef f():\n    "Text."\n    return 1\n'
    )
    assert source_code.code_lines(source) == {6, 7, 8, 9, 11}


def test_lines_and_parameters_of_functions():
    source = "class A:\n    def f(self, a, *b, c, **d):\n        # comment\n\n        return 1\n"
    assert source_code.functions({"x": source}) == [(("x", 2, "A.f"), 2, 2)]


@pytest.mark.parametrize(
    "source",
    [
        'METHODS = ("gradient_norm", "integrated_gradients")',
        "from tf_salience import GradientNorm, GradientDotInput",
        'if method == "integrated_gradients":\n    pass',
        "isinstance(method, methods.IntegratedGradients)",
        'match method:\n    case "gradient_norm":\n        pass',
    ],
)
def test_an_enumeration_of_methods_or_a_branch_is_a_place(source):
    assert source_code.method_places({"x": source}) == ["x"]


@pytest.mark.parametrize(
    "source",
    [
        '"""Names "gradient_norm" and "integrated_gradients"."""',
        'def f(method="integrated_gradients"):\n    return method',
        "class GradientNorm:\n    pass\nMETHODS = [GradientNorm, GradientDotInput]",
    ],
)
def test_a_docstring_a_default_and_the_definition_are_no_places(source):
    assert source_code.method_places({"x": source}) == []


def test_a_figure_misses_its_goal_above_it():
    assert structure.Figure("x", 2, 2).is_met
    assert not structure.Figure("x", 2.1, 2).is_met
    assert structure.Figure("x", 100, None).is_met


def test_the_sources_are_those_of_the_package(tmp_path):
    room = tmp_path / "tf_salience" / "room"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text("x = 1")
    (tmp_path / "other.py").write_text("y = 1")
    assert source_code.read(tmp_path) == {"room.__init__": "x = 1"}


class Triple(NamedTuple):
    ids: object


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    ids: object


class Plain:
    def __init__(self, ids):
        self.ids = ids


@pytest.mark.parametrize("kind", [Triple, Record, Plain])
def test_an_object_of_the_package_holds_data_by_its_axes(kind, monkeypatch):
    monkeypatch.setattr(kind, "__module__", "tf_salience.room")
    data = np.zeros((data_flow._BATCH, 2))
    assert data_flow.holds_data(kind(data))
    assert data_flow.holds_data(kind({"ids": [data]}))
    assert data_flow.holds_data(kind(kind(data)))
    assert not data_flow.holds_data(kind(np.zeros((5, 3))))


MODULES = {
    "__init__.py": "",
    "room/__init__.py": "",
    "room/records.py": "class Record:\n    def __init__(self, ids):\n        self.ids = ids\n",
    "room/low.py": (
        "from .records import Record\n"
        "def make(ids):\n    return Record(ids)\n"
        "def use(record, weights):\n    return weights\n"
    ),
    "top.py": (
        "from .room import low\n"
        "def explain(ids, weights):\n"
        "    low.use(weights, weights)\n"
        "    return low.use([low.make(ids)], weights)\n"
    ),
}


def test_moves_and_records_of_a_call(tmp_path, monkeypatch):
    package = tmp_path / "package_that_moves_data"
    for name, source in MODULES.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.setattr(data_flow, "PACKAGE", package.name)
    monkeypatch.syspath_prepend(tmp_path)
    top = importlib.import_module(f"{package.name}.top")
    recorder = data_flow.Recorder(package)
    recorder.run(lambda: top.explain(np.zeros(data_flow._BATCH), np.zeros(3)))
    assert list(recorder.moves) == [("room.low", "top"), ("top", "room.low")]
    assert recorder.records == {"room.records.Record"}
