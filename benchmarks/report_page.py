"""A report of 10,000 examples in headless Chromium: its size, its first rows, a letter of a search.

    python -m benchmarks.report_page [--examples 10000] [--words 20] [--rounds 5]

The times are the browser's own, from the start of the navigation to the frame that has the rows,
and from a letter to the frame that answers it. It needs the extra `test` and Debian's chromium and
chromium-driver.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.goals import Goal
from benchmarks.machine import describe

TESTS = Path(__file__).parents[1] / "tests"
#: Resolves with the milliseconds from the start of the navigation to a frame that has rows.
FIRST_ROWS = """
const done = arguments[arguments.length - 1];
const wait = () => document.querySelector('.dt-scroll-body tbody td')
  ? requestAnimationFrame(() => done(performance.now())) : setTimeout(wait, 5);
wait();
"""
#: Types a letter and resolves with the milliseconds to the frame after the list has changed.
LETTER = """
const [text, done] = arguments;
const search = document.querySelector('input[type=search]');
const wanted = new URLSearchParams({q: text}).toString();
const start = performance.now();
search.value = text;
search.dispatchEvent(new InputEvent('input', {bubbles: true}));
const wait = () => document.documentElement.dataset.shown.includes(wanted)
  ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))
  : setTimeout(wait);
wait();
"""
QUERY = "w12 w3"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--words", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(_page(arguments.examples, arguments.words), "utf-8")
        for name, value in describe().items():
            print(f"{name}: {value}")
        for goal in _measured(path, arguments.rounds):
            mark = "reached" if goal.reached else "MISSED"
            print(f"{goal.text}: {goal.found:,.1f} ({goal.bound} {goal.value:,.0f}: {mark})")


def _page(examples: int, words: int) -> str:
    """The report of a method whose words have Zipf's frequencies and scores without a pattern."""
    sys.path.append(str(TESTS))
    import report_contents

    from tf_salience.reporting.page import render

    random = np.random.default_rng(0)
    ids = np.minimum(random.zipf(1.3, (examples, words)), 20_000)
    rows = [[f"w{word}" for word in row] for row in ids]
    texts = [" ".join(row) for row in rows]
    scores = random.normal(size=(examples, words))
    numbers = report_contents.i32(np.tile(np.arange(words), examples))
    classes = report_contents.i32(random.integers(0, 2, examples))
    run = report_contents.run(
        rows,
        [report_contents.target(scores)],
        offsets=report_contents.offsets_of(rows, texts),
        words=numbers,
        predictions=classes,
        spellings=report_contents.ids_of(rows)[1],
    )
    return render(
        report_contents.contents(
            [run],
            examples,
            texts=texts,
            classes=["negative", "positive"],
            labels=classes,
            predictions=classes,
        )
    )


def _measured(path: Path, rounds: int) -> Iterator[Goal]:
    import chromium

    yield Goal("size, MB", "at most", 5, path.stat().st_size / 1e6)
    with chromium.opened(1280, 900) as driver:
        driver.set_script_timeout(60)
        first = [_first_rows(driver, path) for _ in range(rounds)]
        letters = [
            _letter(driver, QUERY[: n + 1]) for _ in range(rounds) for n in range(len(QUERY))
        ]
    yield Goal("first rows, median, ms", "at most", 2000, median(first))
    yield Goal("first rows, slowest, ms", "at most", 2000, max(first))
    yield Goal("a letter of the search, median, ms", "at most", 100, median(letters))
    yield Goal("a letter of the search, slowest, ms", "at most", 100, max(letters))


def _first_rows(driver: Any, path: Path) -> float:
    driver.get("about:blank")
    driver.get(f"{path.as_uri()}#view=examples")
    return driver.execute_async_script(FIRST_ROWS)


def _letter(driver: Any, text: str) -> float:
    return driver.execute_async_script(LETTER, text)


if __name__ == "__main__":
    main()
