"""The scripts of a report: modules of this project, linked into one, after DataTables.

The page opens from disk, where a browser lets no module import another. So each module becomes a
function that returns what it exports, in the order of the imports; its text stays as it is.
"""

import re
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files

#: Runs before DataTables: what it writes as HTML passes it.
_FIRST = "trusted_types"
#: Shows the page; runs last.
_MAIN = "main"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(?:\./)?(\w+)(?:\.js)?";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
#: The default export of itables' bundle is DataTables' class.
_BUNDLE_DEFAULT = re.compile(r"export\s*\{[^}]*?(\w+) as default\b[^}]*\}")


@cache
def linked_scripts() -> str:
    """Returns one module: the bundle of itables and the modules of the page.

    Raises:
        RuntimeError: if the bundle does not export DataTables.
    """
    folder = files("tf_salience.reporting") / "templates" / "report"
    sources = {
        path.name.removesuffix(".js"): path.read_text("utf-8")
        for path in folder.iterdir()
        if path.name.endswith(".js")
    }
    imports = {name: _imported(source) for name, source in sources.items()}
    order = [
        name
        for name in TopologicalSorter(imports).static_order()
        if name in sources and name not in (_FIRST, _MAIN)
    ]
    bundle = _bundle()
    (table_class,) = _BUNDLE_DEFAULT.findall(bundle) or [None]
    if table_class is None:
        raise RuntimeError(
            "itables' bundle does not export DataTables as this version of tf_salience expects. "
            "Install itables>=2.9,<3 with `pip install 'tf-salience[report]'`."
        )
    linked = [
        "{",
        _EXPORT.sub("", sources[_FIRST]),
        "}",
        bundle,
        "{",
        f"const modules = {{ itables: {{ DataTable: {table_class} }} }};",
        *(_as_function(name, sources[name]) for name in order),
        _IMPORT.sub(_bound, sources[_MAIN]),
        "}",
    ]
    return _as_element_text("\n".join(linked))


def _imported(source: str) -> list[str]:
    return [module for _, module in sorted(_IMPORT.findall(source))]


def _bound(match: re.Match[str]) -> str:
    """Takes the imported names from the function of their module."""
    return f"const {{{match[1]}}} = modules.{match[2]};\n"


def _as_function(name: str, source: str) -> str:
    exported = ", ".join(_EXPORT.findall(source))
    body = _EXPORT.sub("", _IMPORT.sub(_bound, source))
    return f"modules.{name} = (() => {{\n{body}return {{ {exported} }};\n}})();"


def _bundle() -> str:
    return (files("itables") / "html" / "dt_bundle.js").read_text("utf-8")


def _as_element_text(script: str) -> str:
    r"""Writes "<" as `\x3c` where a parser of HTML would end or hide the script.

    In the bundle these stand in strings and regular expressions alone.
    """
    return re.sub(r"<(?=!--|/?script)", r"\\x3c", script, flags=re.IGNORECASE)
