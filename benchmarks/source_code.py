"""The structure of a Python package, read from its source text; nothing is imported.

A package is given as a dict of module names to source texts. Names are dotted and relative to the
package; `models.__init__` is the `__init__` of the room `models`. A room is a package at the top,
or a module that stands there alone.
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

Sources = dict[str, str]
#: A room, and the rooms that it imports.
Imports = dict[str, set[str]]
#: Where in the package something is, and what it is.
Place = tuple[str, int, str]

PACKAGE = "tf_salience"
ENTRY_POINTS = {"__init__", "__main__"}
LOOSE_MODULES = {"__main__", "version"}
VAGUE_NAMES = {"one", "found", "known", "given", "each", "some", "there"}
QUESTION_WORDS = {"What", "Which", "Whether", "How", "Where"}
METHODS = {
    "GradientNorm": "gradient_norm",
    "GradientDotInput": "gradient_dot_input",
    "IntegratedGradients": "integrated_gradients",
    "Occlusion": "occlusion",
}
#: Functions that may take many arguments: the public interface fixes them.
MANY_PARAMETERS = {"Explainer.__init__", "explain", "evaluate", "export_saved_model"}

_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def read(root: Path) -> Sources:
    """Reads every module of the package in the directory `root`."""
    package = root / PACKAGE
    return {
        ".".join(path.relative_to(package).with_suffix("").parts): path.read_text("utf-8")
        for path in sorted(package.rglob("*.py"))
    }


@cache
def _parse(source: str) -> ast.Module:
    return ast.parse(source)


def room_of(module: str) -> str:
    """Returns the first part of a module's name."""
    return module.partition(".")[0]


def rooms(sources: Sources) -> set[str]:
    """Returns the packages at the top."""
    return {room_of(module) for module in sources if "." in module}


def loose_modules(sources: Sources) -> set[str]:
    """Returns the modules at the top that belong to no room, `__init__` left out."""
    return {module for module in sources if "." not in module} - {"__init__"}


def imports(sources: Sources) -> Imports:
    """Returns the imports between rooms, those in functions and for type checkers included.

    `__init__` and `__main__` of the package are left out.
    """
    graph: Imports = {room_of(module): set() for module in sources}
    graph = {room: imported for room, imported in graph.items() if room not in ENTRY_POINTS}
    for module, source in sources.items():
        if (room := room_of(module)) in graph:
            graph[room].update((set(_imported_rooms(module, source)) & set(graph)) - {room})
    return graph


def _imported_rooms(module: str, source: str) -> Iterator[str]:
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.Import):
            paths = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            home = [PACKAGE, *module.split(".")][: -node.level] if node.level else []
            home += node.module.split(".") if node.module else []
            paths = [[*home, alias.name] for alias in node.names]
        else:
            continue
        yield from (path[1] for path in paths if path[0] == PACKAGE and len(path) > 1)


def circles(graph: Imports) -> list[set[str]]:
    """Returns the groups of rooms that import one another, directly or through others."""
    reachable = {room: _reachable(graph, room) for room in graph}
    groups = {
        frozenset(other for other in reachable[room] if room in reachable[other])
        for room in graph
        if room in reachable[room]
    }
    return [set(group) for group in groups]


def _reachable(graph: Imports, start: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        room = waiting.pop()
        if room not in reached:
            reached.add(room)
            waiting.extend(graph[room])
    return reached


def floors(graph: Imports) -> dict[str, int]:
    """Returns the floor of each room: the length of the longest chain of imports below it.

    An import within a circle has no direction and adds no floor.
    """
    groups = circles(graph)

    @cache
    def floor(room: str) -> int:
        circle = next((group for group in groups if room in group), set())
        return max((floor(imported) + 1 for imported in graph[room] - circle), default=0)

    return {room: floor(room) for room in graph}


def bound_names(sources: Sources) -> list[Place]:
    """Returns the names that are bound, with their places.

    Counted are targets of assignments, loops, comprehensions, `with`, `except`, `match` and `:=`,
    parameters except `self` and `cls`, and attributes set on `self`. Functions, classes and imports
    are not.
    """
    return [
        (module, node.lineno, name)
        for module, source in sources.items()
        for node in ast.walk(_parse(source))
        if (name := _bound_name(node)) is not None
    ]


def local_names(sources: Sources) -> list[Place]:
    """Returns the local variables of functions, each once a function, with their places.

    Parameters are not among them, nor are the names of functions inside, classes and imports.
    """
    return [
        (module, line, name)
        for module, source in sources.items()
        for _, function in _functions(_parse(source), "")
        for name, line in _locals(function).items()
    ]


def _locals(function: ast.FunctionDef) -> dict[str, int]:
    """Returns the names that a function assigns, and the line of the first assignment."""
    lines: dict[str, int] = {}
    waiting = [*function.body]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, _FUNCTIONS | ast.ClassDef):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines.setdefault(node.id, node.lineno)
        waiting.extend(ast.iter_child_nodes(node))
    return lines


def _bound_name(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
            return name
        case ast.arg(arg=name) if name not in ("self", "cls"):
            return name
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
    return None


def docstrings(sources: Sources) -> list[Place]:
    """Returns the first word of each docstring of a module, a class or a function."""
    return [
        (module, getattr(node, "lineno", 1), docstring.split()[0])
        for module, source in sources.items()
        for node in ast.walk(_parse(source))
        if isinstance(node, _DOCUMENTED) and (docstring := ast.get_docstring(node))
    ]


@cache
def code_lines(source: str) -> frozenset[int]:
    """Returns the numbers of the lines that hold code: no blank, no comment, no docstring."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(_parse(source)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return frozenset(lines)


def functions(sources: Sources) -> list[tuple[Place, int, int]]:
    """Returns the place of each function, its lines of code, and its number of parameters.

    Not counted as parameters are `self`, `cls`, `*args` and `**kwargs`.
    """
    return [
        (
            (module, node.lineno, name),
            len(code_lines(source) & set(range(node.lineno, node.end_lineno + 1))),
            _parameters(node.args),
        )
        for module, source in sources.items()
        for name, node in _functions(_parse(source), "")
    ]


def _functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yields functions with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _FUNCTIONS):
            yield prefix + node.name, node
        is_scope = isinstance(node, _FUNCTIONS | ast.ClassDef)
        yield from _functions(node, f"{prefix}{node.name}." if is_scope else prefix)


def _parameters(arguments: ast.arguments) -> int:
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in names)


def method_places(sources: Sources) -> list[str]:
    """Returns the modules that a new method may have to touch beside the one that defines it.

    They name two or more of the built-in methods, by class or string identifier, so that they
    enumerate them; or they compare with one of them, by `==`, `in`, `match` or `isinstance`.
    """
    return [
        module
        for module, source in sources.items()
        if not _defines_method(_parse(source))
        and (len(_methods_in(_parse(source))) > 1 or _branches_on_method(_parse(source)))
    ]


def _defines_method(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ClassDef) and node.name in METHODS for node in tree.body)


def _methods_in(tree: ast.AST) -> set[str]:
    """Returns the built-in methods that the code names, by their string identifiers."""
    identifiers = set(METHODS.values())
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                names.add(METHODS.get(name, ""))
            case ast.Constant(value=str(name)):
                names.add(METHODS.get(name, name))
    return names & identifiers


def _branches_on_method(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        is_branch = isinstance(node, ast.Compare | ast.match_case) or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("isinstance", "issubclass")
        )
        if is_branch and _methods_in(node.pattern if isinstance(node, ast.match_case) else node):
            return True
    return False
