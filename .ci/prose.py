"""Checks the English of the documentation, docstrings, messages and comments by proselint.

python .ci/prose.py            all of it, as `tox -e lint` does
python .ci/prose.py FILE ...   some Markdown or Python files

Beside proselint's own checks it reads `prose.toml`, the project's list of expressions to avoid. It
leaves out code: blocks, `code`, addresses, examples in docstrings.
"""

import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from proselint.checks import __register__ as stock_checks
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, CheckFlags, types
from proselint.tools import LintFile

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md")
MODULES = "tf_salience/**/*.py"
#: In Markdown: front matter, blocks, `code`, the targets of links, comments and tags.
CODE = re.compile(
    r"\A---$.*?^---$|^ *(```+|~~~+).*?^ *\1|(`+).+?\2|\]\([^)]*\)|https?://\S+|<[!/a-z][^>]*>",
    re.M | re.S,
)
#: In strings and comments: `code`, examples, addresses, placeholders.
CODE_OF_PYTHON = re.compile(
    r"`[^`\n]*`|^ *(?:>>>|\.\.\.).*$|https?://\S+|\{[^{}\n]*\}|%\(\w+\)s", re.M
)
#: Around a string, which proselint would take for a quotation and pass over.
QUOTES = re.compile(r"""^[a-zA-Z]*(\"{3}|'{3}|"|')|(\"{3}|'{3}|"|')$""")
#: Between two words, which a line's end may part, in a comment or a string of several parts, too.
SPACE = r"[\s#]+"
EVERYTHING = 10_000


def blank(text: str) -> str:
    """Returns spaces in the place of a text; its lines stay."""
    return re.sub(r"[^\n]", " ", text)


def prose_of_page(text: str) -> str:
    """Returns a Markdown page with blanks for code."""
    return CODE.sub(lambda code: blank(code[0]), text)


def prose_of_module(text: str) -> str:
    """Returns the strings and comments of a Python module in their places, and blanks elsewhere."""
    rows = [blank(line) for line in text.splitlines(keepends=True)]
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in kinds:
            continue
        content = token.string
        if token.type == tokenize.STRING:
            content = QUOTES.sub(lambda quotes: blank(quotes[0]), content)
        row, column = token.start
        for part in content.splitlines():
            line = rows[row - 1]
            rows[row - 1] = line[:column] + part + line[column + len(part) :]
            row, column = row + 1, 0
    return CODE_OF_PYTHON.sub(lambda code: blank(code[0]), "".join(rows))


def findings(path: Path, checks: dict[str, bool]) -> Iterator[str]:
    """Yields a line for each finding in a file."""
    text = path.read_text("utf-8")
    prose = prose_of_module(text) if path.suffix == ".py" else prose_of_page(text)
    if not prose.strip():
        return
    for finding in LintFile(str(path), prose).lint({"max_errors": EVERYTHING, "checks": checks}):
        (line, column), result = finding.pos, finding.check_result
        message = " ".join(result.message.split())
        yield f"{path}:{line}:{column - 1}: {message} [{result.check_path}]"


def register(expressions: dict[str, str]) -> None:
    """Registers proselint's checks and those of the project's expressions."""
    registry = CheckRegistry()
    registry.register_many(stock_checks)
    for expression, advice in expressions.items():
        pattern = expression.replace(" ", SPACE)
        message = f"'{{}}': {advice}"
        registry.register(
            Check(
                types.Existence((pattern,)),
                path="project.expressions",
                message=message,
                flags=CheckFlags(allow_quotes=True),
            )
        )


def main(names: Sequence[str]) -> int:
    """Prints the findings in files and returns the exit code: 1 if there are any."""
    settings = tomllib.loads(Path(__file__).with_name("prose.toml").read_text("utf-8"))
    register(settings["avoid"])
    # The first entry that fits a check decides.
    checks = dict.fromkeys(settings["proselint"]["off"], False)
    for check in CheckRegistry().checks:
        checks.setdefault(check.path.split(".")[0], True)
    paths = [Path(name) for name in names] or [
        path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        for pattern in (*PAGES, MODULES)
        for path in sorted(ROOT.glob(pattern))
        if "_build" not in path.parts
    ]
    lines = [line for path in paths for line in findings(path, checks)]
    print("\n".join([*lines, f"{len(paths)} files, {len(lines)} findings"]))
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
