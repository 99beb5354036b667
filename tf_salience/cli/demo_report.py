"""The end of the demo: a page of what it explained, and where it is."""

import importlib.util

from rich.console import Console

from tf_salience.demo.run import DemoResult
from tf_salience.reporting.write_report import write_report
from tf_salience.utils.text import printable

#: What the extra `report` installs.
_PACKAGES = ("jinja2", "itables")
_FIRST = "integrated_gradients"


def write_demo_report(result: DemoResult, filepath: str, console: Console) -> None:
    """Writes the report, or prints how to get it where the extra `report` is not installed.

    Args:
        result: the result of the demo.
        filepath: of the page.
        console: where to print.
    """
    if not all(importlib.util.find_spec(package) for package in _PACKAGES):
        console.out(
            "A report to look at, with every text: pip install 'tf-salience[report]', and run the "
            "demo again."
        )
        return
    # The page opens with the first of them.
    names = sorted(result.explanations, key=lambda name: name != _FIRST)
    with console.status("Writing the report"):
        path = write_report(
            {name: result.explanations[name] for name in names},
            filepath,
            title="tf-salience demo",
            labels=result.labels,
            texts=result.texts,
            evaluation=result.evaluation,
        )
    console.out(f"A report to look at, with every text: {printable(str(path.absolute()))}")
