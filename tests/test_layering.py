"""The floors of CONTRIBUTING.md, held against the imports that the code really has."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tf_salience

PACKAGE = "tf_salience"
ROOT = Path(tf_salience.__file__).parent

# A room imports only from floors below its own; the modules of one room may import each other,
# without a circle.
FLOORS = (
    {"utils", "version"},
    {"data", "targets", "tokenizers", "visualization"},
    {"attribution", "models", "explanation"},
    {"explainer"},
    {"evaluation"},
    {"callbacks", "export", "demo", "lit", "batch", "beam", "reporting"},
    {"cli"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# `python -m tf_salience` stands above the command.
FLOOR_OF["__main__"] = len(FLOORS)
MOST_ROOMS = 18
LOOSE_MODULES = {"__init__", "__main__", "version"}


def _name(path: Path) -> str:
    """`tap.hook` for tap/hook.py, `tap` for tap/__init__.py, "" for the package's own __init__."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}
ROOMS = {name for name in PACKAGES if name and "." not in name}


def _room(module: str) -> str:
    return module.partition(".")[0]


def _imported(module: str, tree: ast.AST) -> Iterator[str]:
    """The project's modules that a module imports, wherever in it: functions, TYPE_CHECKING.

    "" stands for the package's own `__init__`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _room(alias.name) == PACKAGE:
                    yield alias.name.partition(".")[2]
        elif isinstance(node, ast.ImportFrom):
            home = _absolute(module, node)
            if _room(home) != PACKAGE:
                continue
            home = home.partition(".")[2]
            for alias in node.names:
                inner = f"{home}.{alias.name}".strip(".")
                yield inner if inner in MODULES else home


def _absolute(module: str, node: ast.ImportFrom) -> str:
    """The module that `from ... import` names, its leading dots resolved."""
    if node.level == 0:
        return node.module or ""
    parts = [PACKAGE, *module.split(".")] if module else [PACKAGE]
    up = node.level - 1 if module in PACKAGES else node.level
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def _violations(module: str, tree: ast.AST) -> list[str]:
    """The imports of a module that go up, sideways, or to the package's `__init__`."""
    found = []
    for other in _imported(module, tree):
        if other == "":
            found.append(f"{module} imports {PACKAGE} itself, which is there for users")
        elif _room(other) != _room(module) and FLOOR_OF[_room(other)] >= FLOOR_OF[_room(module)]:
            found.append(
                f"{module} (floor {FLOOR_OF[_room(module)]}) imports {other} "
                f"(floor {FLOOR_OF[_room(other)]})"
            )
    return found


def _circle(imports: dict[str, set[str]]) -> list[str]:
    """A circle among modules, or nothing."""
    try:
        list(TopologicalSorter(imports).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def test_every_room_has_a_floor() -> None:
    assert sorted(ROOMS - set(FLOOR_OF)) == []
    assert len(ROOMS) <= MOST_ROOMS
    assert sum(map(len, FLOORS)) == len(set().union(*FLOORS)), "a room is on two floors"


def test_what_is_no_room_is_an_entry_point_or_the_version() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == LOOSE_MODULES


@pytest.mark.parametrize("module", sorted(set(MODULES) - {""}))
def test_imports_go_down(module: str) -> None:
    assert _violations(module, TREES[module]) == []


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_circle_within_a_room(room: str) -> None:
    imports: dict[str, set[str]] = {}
    for module, tree in TREES.items():
        if _room(module) == room:
            others = {other for other in _imported(module, tree) if _room(other) == room}
            imports[module] = others - {module}
    assert _circle(imports) == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("tokenizers", "from tf_salience import explainer", "explainer"),
        ("tokenizers", "from tf_salience.explainer.explainer import Explainer", "explainer"),
        ("tokenizers", "import tf_salience.models.segments as segments", "models"),
        ("tokenizers", "from tf_salience import models", "models"),
        ("tokenizers.adapt", "from .. import models", "models"),
        ("tokenizers.adapt", "from ..targets import Unit", "targets"),
        ("attribution.methods", "from tf_salience.models import inputs", "models"),
        ("models.embeddings.hook", "from ...explainer import explainer", "explainer"),
        ("tokenizers", "def f():\n    from tf_salience import models", "models"),
        ("tokenizers", "from tf_salience import Explainer", "itself"),
        ("tokenizers", "import tf_salience", "itself"),
    ],
)
def test_an_import_that_breaks_the_table_is_seen(module: str, source: str, complaint: str) -> None:
    (violation,) = _violations(module, ast.parse(source))
    assert complaint in violation


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("tokenizers", "from tf_salience.utils import validation"),
        ("targets.span", "from tf_salience.targets import position"),
        ("explainer", "from tf_salience import targets\nfrom tf_salience.models import inputs"),
        ("tokenizers", "import keras\nfrom numpy import testing"),
    ],
)
def test_an_import_that_keeps_the_table_is_let_through(module: str, source: str) -> None:
    assert _violations(module, ast.parse(source)) == []


def test_a_circle_is_seen() -> None:
    assert _circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_imports_are_statements() -> None:
    """What is imported by a computed name cannot be held to the table.

    Only `__init__` does it, and the command's `--import` for modules of the user.
    """
    computed = [
        f"{module or '__init__'}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if module not in ("", "cli.custom_layers")
        and isinstance(node, ast.Call)
        and _called(node) in ("import_module", "__import__")
    ]
    assert computed == []


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


# Private names of others. Keras may change them at any time, so all that is known of them is in
# models/embeddings.


def _is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _own_names(tree: ast.AST) -> set[str]:
    """The private names that a module itself defines: functions, classes, variables, attributes."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("self", "cls")
        ):
            names.add(node.attr)
    return names


def _private_uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Private attributes that a module touches, also by `getattr` and its kin."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            yield node.lineno, node.attr
        elif (
            isinstance(node, ast.Call)
            and _called(node) in ("getattr", "hasattr", "setattr", "delattr")
            and len(node.args) > 1
            and isinstance(node.args[1], ast.Constant)
            and _is_private(str(node.args[1].value))
        ):
            yield node.lineno, str(node.args[1].value)


def _foreign(tree: ast.AST, own: set[str]) -> list[str]:
    return [f"line {line}: {name}" for line, name in _private_uses(tree) if name not in own]


HOOKS = {module for module in MODULES if module.startswith("models.embeddings")}
OWN_NAMES = set().union(*(_own_names(tree) for tree in TREES.values()))


@pytest.mark.parametrize("module", sorted(set(MODULES) - HOOKS))
def test_only_the_hooks_touch_private_names_of_others(module: str) -> None:
    assert _foreign(TREES[module], OWN_NAMES) == []


@pytest.mark.parametrize(
    "source",
    [
        "mask = output._keras_mask",
        "mask = getattr(output, '_keras_mask', None)",
        "layers = model._flatten_layers()",
        "layer._remat_mode = None",
        "keras.src._private",
    ],
)
def test_a_private_name_of_others_is_seen(source: str) -> None:
    tree = ast.parse(source)
    assert len(_foreign(tree, _own_names(tree))) == 1


def test_the_hooks_are_what_the_rule_is_for() -> None:
    """Were this empty, the test above would watch for nothing."""
    used = {
        name for module, tree in TREES.items() if module in HOOKS for _, name in _private_uses(tree)
    }
    assert "_keras_mask" in used - OWN_NAMES


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


def test_importing_the_package_imports_neither_tensorflow_nor_keras() -> None:
    done = _python(
        "import sys, tf_salience\n"
        "tf_salience.__version__, dir(tf_salience)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'tensorflow', 'keras', 'numpy', 'rich'}))"
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize(
    "module",
    [
        "explanation",
        "visualization.html",
        "visualization.terminal",
        "attribution.methods",
        "callbacks.log",
        "export.metadata",
    ],
)
def test_results_can_be_read_without_tensorflow(module: str) -> None:
    # None in `sys.modules` makes an import fail as if the package were not there.
    done = _python(
        "import importlib, sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        f"importlib.import_module('tf_salience.{module}')"
    )
    assert done.returncode == 0, done.stderr


def test_public_names_come_from_where_they_are_said_to() -> None:
    """`__init__` names its modules twice: for type checkers, and for the first use."""
    checked = {
        alias.name: (node.module or "").partition(".")[2]
        for node in ast.walk(TREES[""])
        if isinstance(node, ast.ImportFrom) and _room(node.module or "") == PACKAGE
        for alias in node.names
    }
    assert checked == {
        **tf_salience._HOMES,
        "__version__": "version",
        "targets": "",
        "plot": "visualization",
    }
    assert sorted(checked) == sorted(tf_salience.__all__)
