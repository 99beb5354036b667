"""Docstrings and the reference: what every public name has."""

import doctest
import inspect
import re
from pathlib import Path

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"


def check_examples(value, namespace):
    """Runs the examples of a docstring, which must print what it shows."""
    text = inspect.getdoc(value) or ""
    test = doctest.DocTestParser().get_doctest(text, namespace, value.__name__, None, None)
    assert test.examples, "the docstring has no example"
    failures = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=failures.append)
    assert not runner.failures, "".join(failures)


def documented_names(page):
    """Returns the names that a page of the reference documents, without their modules."""
    text = (REFERENCE / page).read_text("utf-8")
    paths = re.findall(r"^\.\. auto(?!module)\w+:: (\S+)", text, re.M)
    return {path.rpartition(".")[2] for path in paths}
