"""The page of a report: one file of HTML that needs no other, and no network.

The data is deflated JSON, which a script reads. The policy of the page lets in the scripts and the
style of this file by their hashes, and nothing else. Text of the user comes into the page as text
nodes, and into the template escaped.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from tf_salience.reporting.scripts import linked_scripts
from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.html import level_rules

#: What the scripts do not read: the template shows it.
_SHOWN_BY_TEMPLATE = ("title", "created", "versions", "tables", "notes", "accuracy")


def render(contents: Mapping[str, Any]) -> str:
    """Returns the page of a report as HTML.

    Args:
        contents: what the page shows, as `contents.report_contents` puts it together.

    Raises:
        ImportError: without Jinja2 or itables, which the extra `report` installs.
    """
    require_report()
    from jinja2 import Environment, StrictUndefined

    script, style = linked_scripts(), _style()
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.from_string(_read("report.html.j2"))
    runs = contents["runs"]
    return template.render(
        title=contents["title"],
        created=contents["created"],
        versions=list(contents["versions"].items()),
        size=f"{contents['size']:,} example{'' if contents['size'] == 1 else 's'}",
        notes=contents["notes"],
        runs=runs,
        signed=any(run["signed"] for run in runs),
        unsigned=not all(run["signed"] for run in runs),
        tables=[_aligned(table) for table in contents["tables"]],
        policy=_policy(script, style),
        script=script,
        style=style,
        data=_packed(contents),
    )


def require_report() -> None:
    """Raises an ImportError that names the extra, where what a report needs is not installed."""
    try:
        import itables  # noqa: F401
        import jinja2  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Reports need Jinja2 and itables. "
            "Install them with `pip install 'tf-salience[report]'`."
        ) from error


def _shown(value: Any) -> Any:
    """Makes plain strings printable; Jinja's own strings, which are HTML, stay."""
    return printable(value) if type(value) is str else value


def _packed(contents: Mapping[str, Any]) -> str:
    data = {name: value for name, value in contents.items() if name not in _SHOWN_BY_TEMPLATE}
    # ASCII, so that lone surrogates come through; NaN is in the arrays alone.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii")


def _aligned(table: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a table whose cells have the class of their column."""
    kinds = ["number" if letter == "r" else "" for letter in table["align"]]

    def row(cells: Sequence[str]) -> list[tuple[str, str]]:
        return list(zip(cells, kinds, strict=True))

    return {
        "title": table["title"],
        "caption": table["caption"],
        "heads": row(table["heads"]),
        "rows": [row(cells) for cells in table["rows"]],
    }


def _policy(script: str, style: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
            # What is written as HTML passes `trusted_types.js`.
            "require-trusted-types-for 'script'",
            "trusted-types default",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}"


@cache
def _style() -> str:
    colors = {
        name: [
            color_scale.as_hex(getattr(theme, name))
            for theme in (color_scale.LIGHT, color_scale.DARK)
        ]
        for name in ("page", "text", "positive", "negative", "unsigned")
    }
    variables = "".join(f"--{name}:light-dark({','.join(pair)});" for name, pair in colors.items())
    return "\n".join([f":root{{{variables}}}", _read("report.css"), *level_rules(":root")])


def _read(name: str) -> str:
    return (files("tf_salience.reporting") / "templates" / name).read_text("utf-8")
