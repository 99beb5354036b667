"""axe-core finds nothing serious in any view of a report, light or dark."""

from importlib.resources import files

import chromium
import pytest
import report_contents
from chromium import needs_chromium
from report_browser import Report

pytest.importorskip("itables", reason="itables is not installed")
pytest.importorskip("jinja2", reason="Jinja2 is not installed")
pytest.importorskip("selenium", reason="selenium is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

pytestmark = needs_chromium
RUN = """
const done = arguments[arguments.length - 1];
axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
  .then(({violations}) => done(violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .flatMap(({id, nodes}) => nodes.map(({html, failureSummary}) => [id, html, failureSummary]))));
"""
STATES = {
    "overview": {},
    "examples": {"view": "examples", "q": "the", "word": "funny"},
    "no examples": {"view": "examples", "q": "nothing has this"},
    "example": {"view": "example", "example": 3},
    "numbers": {"view": "example", "example": 3, "numbers": 1, "difference": 1},
    "compare": {"view": "compare"},
    "matrix": {"view": "example", "example": 0, "numbers": 1},
    "pieces": {"view": "example", "example": 0, "unit": "pieces"},
}
CONTENTS = {"matrix": report_contents.translation, "pieces": report_contents.pieces_of_words}


@pytest.fixture(scope="module")
def driver():
    with chromium.opened(1280, 900) as driver:
        yield driver


@pytest.fixture(scope="module")
def axe():
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", STATES)
def test_nothing_keeps_people_from_reading_a_view(driver, axe, tmp_path, name, theme):
    report = Report(driver, tmp_path, CONTENTS.get(name, report_contents.reviews)())
    report.open(**STATES[name], theme=theme)
    for summary in report.find("summary"):
        summary.click()
    driver.execute_script(axe)
    assert driver.execute_async_script(RUN) == []
