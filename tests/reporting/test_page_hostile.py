"""Hostile strings in every place of a report: nothing runs, and each is shown as it is."""

import chromium
import numpy as np
import pytest
import report_contents
from chromium import needs_chromium
from hypothesis import example, given, settings
from hypothesis import strategies as st
from report_browser import Report
from report_contents import f32, i32

from tf_salience.utils.text import printable

pytest.importorskip("itables", reason="itables is not installed")
pytest.importorskip("jinja2", reason="Jinja2 is not installed")
pytest.importorskip("selenium", reason="selenium is not installed")

pytestmark = needs_chromium
RUNS = "window.ran = 1"
HOSTILE = [
    f"<script>{RUNS}</script>",
    f"</script><script>{RUNS}</script>",
    f"<!--<script>{RUNS}",
    f"</style><script>{RUNS}</script>",
    f"<img src=x onerror='{RUNS}'>",
    f"<svg/onload={RUNS}>",
    "<iframe srcdoc='<script>parent.ran=1</script>'>",
    f'" autofocus onfocus="{RUNS}',
    f"' onmouseover='{RUNS}",
    f"&lt;img src=x onerror={RUNS}&gt;",
    f"&#60;script&#62;{RUNS}&#60;/script&#62;",
    f"javascript:{RUNS}",
    f"${{{RUNS}}}`${{{RUNS}}}`",
    f"{{{{ {RUNS} }}}}{{% raise %}}{{# #}}",
    f"');{RUNS};('",
    f"\\u003cscript\\u003e{RUNS}",
    "]]><meta http-equiv=refresh content='0;url=http://example.com/'>",
    "<base href='http://example.com/'><link rel=stylesheet href='//example.com/x'>",
    "http://example.com/<a href=http://example.com>",
    "=cmd|'/C calc'!A0",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "null",
    "undefined",
    "\u2028\u2029",
    "\u202egnp.exe\u202c",
    "\u2066\u2067\u200f",
    "a\x00b\x1b[31mc\x07\r\n\t",
    "\ud800",
    "\udc00\ud83d",
    "\ufeff\ufffe\uffff",
    "x" * 5000,
    "-->",
    " ",
    "#view=examples&word=%3Cscript%3E",
]
SIZE = len(HOSTILE)
SHOWN = "return [...document.querySelectorAll(arguments[0])].map(node => node.textContent)"


@pytest.fixture(scope="module")
def driver():
    with chromium.opened(1280, 900) as driver:
        yield driver


def hostile(strings):
    """A report with strings in every place that a user fills."""
    size = len(strings)
    numbered = list(dict.fromkeys(strings))
    rows = [[text, "and"] for text in strings]
    scores = np.arange(2.0 * size).reshape(size, 2) - size
    targets = [
        report_contents.target(scores, numbered, [numbered.index(text) for text in strings]),
        report_contents.target(-scores, numbered[:1]),
    ]
    classes = list(range(size))
    runs = [
        report_contents.run(
            rows,
            targets,
            name=text,
            method=text,
            facts=[[text, text]],
            predictions=i32(classes[::-1]),
            segments=[[[text, 0, 1], [text, 1, 2]]] * size,
            words=i32([0, 1] * size),
            spellings=report_contents.ids_of(rows)[1],
        )
        for text in strings
    ]
    confusion = np.eye(size, dtype=int).tolist()
    runs[0]["accuracy"] = {"value": 0.0, "correct": 0, "count": size, "confusion": confusion}
    runs[-1]["matrix"] = [
        {
            "targets": [text, "and"],
            "scores": f32([0.1, 0.2, 0.3, -0.4]),
            "output": f32([1, 2]),
            "delta": None,
            "target_tokens": i32([0, 1]),
        }
        for text in strings
    ]
    # Texts hold their tokens, so that those lie over them.
    texts = [f"{text} and" for text in strings]
    runs[0]["offsets"] = report_contents.offsets_of(rows, texts)
    return report_contents.contents(
        runs,
        size,
        title="".join(strings),
        created=strings[0],
        versions=dict.fromkeys(strings, strings[-1]),
        texts=texts,
        classes=strings,
        labels=i32(classes),
        predictions=i32(classes[::-1]),
        words=[{"run": 0, "target": text, "rows": [[text, 3, 0.5, 0.4, 0.6]]} for text in strings],
        notes=strings,
        tables=[
            {
                "title": text,
                "caption": text,
                "heads": [text, text],
                "rows": [[text, text]],
                "align": "lr",
            }
            for text in strings
        ],
    )


def check_nothing_ran(report):
    assert report.script("return window.ran") is None
    assert report.script("return document.scripts.length") == 2
    foreign = (
        "return document.querySelectorAll('iframe, img, base, link, object, main script').length"
    )
    assert report.script(foreign) == 0
    assert report.complaints() == []


@pytest.fixture(scope="module")
def report(driver, tmp_path_factory):
    # A file name can be hostile, too.
    folder = tmp_path_factory.mktemp("<img src=x onerror=ran=1>'\"&#")
    return Report(driver, folder, hostile(HOSTILE))


def is_shown(report, selector, strings=HOSTILE):
    texts = report.script(SHOWN, selector)
    assert [text for text in map(printable, strings) if text not in texts] == []


def test_the_overview_shows_them(report):
    report.open()
    for selector in (
        "article h2 bdi", ".run-facts dt", ".run-facts dd", "table.plain caption b bdi",
        "table.plain caption .quiet bdi", "table.plain th", "table.plain td",
        ".chart-table caption", ".chart-table tbody a", ".confusion tbody th", ".notes",
    ):  # fmt: skip
        is_shown(report, selector)
    assert report.script("return document.title") == printable("".join(HOSTILE)).strip()
    assert report.script("return document.querySelector('h1').textContent") == printable(
        "".join(HOSTILE)
    )
    check_nothing_ran(report)


def test_the_list_shows_them(report):
    report.open(view="examples")
    is_shown(report, "select[aria-label=Label] option", [f"Label: {text}" for text in HOSTILE])
    for number, text in enumerate(HOSTILE):
        report.go(view="examples", label=number)
        shown = [" ".join(cell.split()) for cell in report.column("Text")]
        assert shown == [" ".join(f"{printable(text)} and".split())]
        assert report.column("Label") == [printable(text)]
    check_nothing_ran(report)


def test_the_examples_show_them(report):
    report.open(view="overview")
    for number in range(SIZE):
        report.go(view="example", example=number, numbers=1, difference=1)
        check_example(report, number)
    check_nothing_ran(report)


def check_example(report, number):
    is_shown(report, ".card h3 bdi")
    marks = report.script(SHOWN, ".card:first-child div.marked .t")
    assert "".join(marks) in (
        "".join(shown_in_text(HOSTILE[number])) + "and",
        printable(HOSTILE[number]) + "and",
    )
    is_shown(report, ".outputs button", [HOSTILE[number]])
    is_shown(report, ".segment", [HOSTILE[number]])


def shown_in_text(text):
    """Printable, but for the line breaks and tabs of a text."""
    return [character if character in "\n\t" else printable(character) for character in text]


def test_the_comparison_shows_them(report):
    report.open(view="compare", a=0, b=SIZE - 1)
    is_shown(report, "select option")
    report.open(view="compare", a=1, b=2)
    check_nothing_ran(report)


@pytest.mark.parametrize("name", ["q", "word", "sort", "theme", "view", "unit", "run", "example"])
def test_an_address_runs_nothing(report, name):
    report.open(view="examples")
    for text in HOSTILE:
        if len(text) < 1000:
            state = {"view": "examples", name: text.encode("utf-8", "replace")}
            report.go(**state)
    check_nothing_ran(report)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.text(st.characters(), min_size=1), min_size=2, max_size=12, unique=True))
@example(["".join(map(chr, [*range(1, 0x370), *range(0x2000, 0x2070)])), "b"])
def test_any_text_is_shown(driver, tmp_path_factory, strings):
    report = Report(driver, tmp_path_factory.mktemp("any"), hostile(strings))
    report.open()
    is_shown(report, "table.plain td", strings)
    report.open(view="example", example=0)
    marks = report.script(SHOWN, ".card:nth-child(2) div.marked .t")
    assert marks[0] == "".join(shown_in_text(strings[0]))
    check_nothing_ran(report)


@pytest.mark.parametrize(
    "attempt",
    [
        *(
            f"document.createElement('div').innerHTML = {html!r}"
            for html in (
                "<img src=x onerror='window.ran = 1'>",
                '<b onclick="window.ran = 1">',
                "<svg/onload=window.ran=1>",
                '<iframe srcdoc="x"></iframe>',
                '<a href="javascript:window.ran=1">',
            )
        ),
        "document.head.append(Object.assign(document.createElement('script'), {text: 'ran = 1'}))",
    ],
)
def test_a_mistake_of_the_page_would_run_nothing(driver, tmp_path, attempt):
    report = Report(driver, tmp_path, report_contents.reviews(3))
    report.open()
    stopped = report.script(f"try {{ {attempt}; return '' }} catch (error) {{ return error.name }}")
    assert stopped == "TypeError"
    assert report.script("return window.ran") is None
    assert report.script("return document.querySelector('img, iframe, div > svg')") is None
