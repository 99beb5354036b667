"""The page of a report in headless Chromium: its views, and the ways between them."""

import base64
import re

import chromium
import numpy as np
import pytest
import report_contents
from chromium import needs_chromium
from report_browser import Report

pytest.importorskip("itables", reason="itables is not installed")
pytest.importorskip("jinja2", reason="Jinja2 is not installed")
keys = pytest.importorskip("selenium.webdriver.common.keys", reason="selenium is not installed")

Keys = keys.Keys
pytestmark = needs_chromium
SIZE = 60
CONTENTS = report_contents.reviews(SIZE)
TEXTS = CONTENTS["texts"]
MARKS = """
return [...document.querySelectorAll('.card div.marked')].map(box =>
  [...box.querySelectorAll('.t')].map(mark => [mark.textContent, mark.classList[1] ?? '']))
"""

COUNTS = """
return [...document.querySelectorAll('tr:has(rect.plain)')].map(row =>
  [row.lastElementChild.textContent, row.querySelector('rect').getAttribute('width')])
"""


def numbers(value):
    ((kind, data),) = value.items()
    return np.frombuffer(base64.b64decode(data), "<f4" if kind == "f32" else "<i4")


OUTPUT = numbers(CONTENTS["runs"][0]["targets"][0]["output"])


@pytest.fixture(scope="module")
def driver():
    with chromium.opened(1280, 900) as driver:
        yield driver


@pytest.fixture(scope="module")
def report(driver, tmp_path_factory):
    return Report(driver, tmp_path_factory.mktemp("reviews"), CONTENTS)


@pytest.fixture(autouse=True)
def _without_complaints(driver, request):
    yield
    report = request.node.funcargs.get("made") or request.node.funcargs.get("report")
    if report:
        assert report.complaints() == []


@pytest.fixture
def made(driver, tmp_path, request):
    """A report of other contents: the function is the test's parameter."""
    return Report(driver, tmp_path, request.param())


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def first_words(report):
    """The rows' texts, without spaces: they are drawn part by part."""
    return [text.split() for text in report.column("Text")]


def with_an_empty_bin():
    contents = report_contents.reviews(SIZE)
    contents["convergence"][0]["counts"][1] = 0
    return contents


@pytest.mark.parametrize("made", [with_an_empty_bin], indirect=True)
def test_no_bar_stands_for_none(made):
    made.open()
    counts = made.script(COUNTS)
    assert {width == "0" for count, width in counts if count == "0"} == {True}
    assert {width == "0" for count, width in counts if count != "0"} == {False}


def test_the_overview_says_what_is_known(report):
    report.open()
    text = report.text()
    for known in ("gradient_dot_input", "lstm", "embedding", "tf_salience 0.2.0", "Faithfulness"):
        assert known in text
    accuracy = CONTENTS["accuracy"]
    assert f"{accuracy['correct']} of 60 predictions are right" in text
    assert "10 of 120 did not converge to 0.025" in text
    (row,) = [row for row in report.find("table.chart-table tr") if row.text.startswith("funny")][
        :1
    ]
    word = next(row for row in CONTENTS["words"][0]["rows"] if row[0] == "funny")
    assert row.text.split()[1] == str(word[1])
    assert number(row.text.split()[2]) == pytest.approx(word[2], abs=0.01)


def test_a_word_opens_the_examples_that_hold_it(report):
    report.open()
    report.click(".chart-table a", "funny")
    holding = [text for text in TEXTS if "funny" in text.split()]
    assert report.find(".summary")[0].text == f"{len(holding)} of 60 examples"
    assert all("funny" in text for text in report.column("Text"))
    salience = [number(text) for text in report.column("Word")]
    assert salience == sorted(salience, reverse=True)


def test_a_cell_of_the_confusion_opens_its_examples(report):
    report.open()
    wrong = report.find(".confusion td a")[1]
    times = wrong.text
    wrong.click()
    report.wait()
    assert report.find(".summary")[0].text == f"{times} of 60 examples"
    assert set(zip(report.column("Label"), report.column("Prediction"), strict=True)) == {
        ("negative", "positive")
    }


def test_each_letter_of_a_search_is_answered(report):
    report.open(view="examples")
    (search,) = report.find("input[type=search]")[:1]
    query = " ".join(TEXTS[7].split()[:3]).upper()
    for length in (1, len(query)):
        search.clear()
        search.send_keys(query[:length])
        report.wait()
        terms = query[:length].lower().split()
        passing = [text for text in TEXTS if all(term in text for term in terms)]
        assert report.find(".summary")[0].text.startswith(str(len(passing)))
    assert report.driver.switch_to.active_element == search
    assert report.state["q"] == query
    report.click("button", "Clear")
    assert report.find(".summary")[0].text == "60 examples"


def test_a_head_sorts_by_pointer_and_by_keyboard(report):
    report.open(view="examples")
    for sort, expected in (("-output", np.sort(OUTPUT)[::-1]), ("output", np.sort(OUTPUT))):
        report.click("th.number .dt-column-title", "Output")
        wait_for_sort(report, sort)
        shown = [number(text) for text in report.column("Output")]
        np.testing.assert_allclose(shown, expected[: len(shown)], atol=0.006)
    head = report.find("th.number .dt-column-order")[-2]
    report.script("arguments[0].focus()", head)
    report.keys(Keys.ENTER)
    wait_for_sort(report, "-error")


def wait_for_sort(report, sort):
    """DataTables sorts after the event."""
    report.until(lambda: report.state.get("sort") == sort)
    report.wait()


def test_filters_are_combined(report):
    report.open(view="examples")
    labels, predictions = numbers(CONTENTS["labels"]), numbers(CONTENTS["predictions"])
    report.click("label", "Wrong predictions")
    assert len(report.rows()) == (labels != predictions).sum()
    report.choose("Prediction", "Prediction: positive")
    assert len(report.rows()) == ((labels != predictions) & (predictions == 1)).sum()
    report.click("button", "Clear")
    report.click("label", "Unconverged")
    unconverged = (numbers(CONTENTS["runs"][0]["targets"][0]["converged"]) == 0).sum()
    assert report.find(".summary")[0].text == f"{unconverged} of 60 examples"


def test_the_page_has_no_more_rows_than_are_near(driver, tmp_path):
    report = Report(driver, tmp_path, report_contents.reviews(2000, 5))
    report.open(view="examples")
    assert 10 < len(report.rows()) < 120
    report.script("document.querySelector('.dt-scroll-body').scrollTop = 30000")
    report.until(lambda: 500 < int(report.column("#")[0]) < 1500)


def test_an_example_has_its_runs_side_by_side(report):
    report.open(view="examples")
    report.click("td a")
    assert (report.state["view"], report.state["example"]) == ("example", "0")
    assert [node.text for node in report.find("h3")] == [run["name"] for run in CONTENTS["runs"]]
    (first, second, third) = report.script(MARKS)
    assert [mark for mark, _ in first] == [mark for mark, _ in second]
    assert "".join(re.sub(r"\s", "", mark) for mark, _ in first) == TEXTS[0].replace(" ", "")
    assert {kind[:1] for _, kind in third} <= {"u", ""}
    assert f"F(input) {OUTPUT[0]:.2f}".replace("-", "−") in report.text()


def test_another_class_recolours(report):
    report.open(view="example", example=3)
    before = report.script(MARKS)[0]
    report.choose("Target", "negative")
    after = report.script(MARKS)[0]
    swapped = {"p": "n", "n": "p"}
    assert after == [[mark, swapped.get(kind[:1], "") + kind[1:]] for mark, kind in before]
    assert report.state["target"] == "1"


def test_a_value_is_shown_on_hover_and_all_on_request(report):
    from selenium.webdriver.common.action_chains import ActionChains

    report.open(view="example", example=3)
    mark = report.find("div.marked .t")[0]
    ActionChains(report.driver).move_to_element(mark).perform()
    scores = numbers(CONTENTS["runs"][0]["targets"][0]["scores"])
    (hint,) = report.find("#hint")
    name, value = hint.text.split()[:2]
    assert name == mark.text
    assert number(value) == pytest.approx(scores[3 * 12], rel=0.1)
    report.click("button", "Numbers")
    assert len(report.find("div.marked .t[data-number]")) == 36


def test_tokens_are_reached_by_arrow_keys(report):
    report.open(view="example", example=3)
    report.script("arguments[0].focus()", report.find("div.marked")[0])
    tokens = [mark for mark, _ in report.script(MARKS)[0]]
    for key, token in ((Keys.ARROW_RIGHT, 0), (Keys.ARROW_RIGHT, 1), (Keys.END, -1)):
        report.keys(key)
        assert report.find("#hint")[0].text.split()[0] == tokens[token]
    report.keys(Keys.ESCAPE)
    assert report.find("#hint") == []


def test_one_goes_from_example_to_example_in_the_order_of_the_list(report):
    report.open(view="examples", sort="-output")
    order = [int(text) - 1 for text in report.column("#")]
    report.click("td a")
    for place in (1, 2):
        report.click("a.button", "Next")
        assert report.state["example"] == str(order[place])
        assert report.focused() == "Next"
    report.script("document.activeElement.blur()")
    report.keys(Keys.ARROW_LEFT)
    assert report.state["example"] == str(order[1])
    report.click("a.button", "List")
    assert report.driver.switch_to.active_element.text.split() == first_words(report)[1]


@pytest.mark.parametrize(
    "state",
    [
        {"view": "overview", "theme": "dark"},
        {"view": "examples", "q": "the", "sort": "-error", "wrong": 1, "theme": "dark"},
        {"view": "examples", "word": "funny", "sort": "salience", "target": 1, "run": 1},
        {"view": "example", "example": 11, "numbers": 1, "difference": 1, "unit": "pieces"},
        {"view": "compare", "a": 1, "b": 2, "sort": "first"},
    ],
)
def test_a_link_holds_the_view(report, state):
    report.open(**state)
    text, kinds = report.text(), report.script(MARKS)
    assert report.state == {name: str(value) for name, value in state.items()}
    report.reload()
    assert (report.text(), report.script(MARKS)) == (text, kinds)
    report.click("nav a", "Overview")
    report.driver.back()
    report.wait()
    assert report.text() == text


@pytest.mark.parametrize("state", [{"view": "no"}, {"view": "constructor"}, {"view": "example"}])
def test_an_address_of_nothing_is_no_error(report, state):
    report.open(**state, example=999, run=-7, target=9, sort="toString", theme="<b>")
    assert report.text()


def test_the_theme_is_the_readers_or_the_one_that_is_chosen(report):
    colors = {}
    for preferred in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": preferred}
        report.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        for theme in ("system", "light", "dark"):
            report.open()
            report.choose("Theme", theme)
            colors[preferred, theme] = report.script(
                "return getComputedStyle(document.documentElement).backgroundColor"
            )
    report.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert colors["light", "system"] == colors["light", "light"] == colors["dark", "light"]
    assert colors["dark", "system"] == colors["dark", "dark"] == colors["light", "dark"]
    assert colors["light", "light"] != colors["dark", "dark"]


def test_what_moved_most_is_on_top(report):
    report.open(view="compare")
    rows = [numbers(run["targets"][0]["scores"]).reshape(SIZE, -1) for run in CONTENTS["runs"]]
    shares = [row / np.abs(row).sum(1, keepdims=True) for row in rows[:2]]
    distance = np.abs(shares[1] - shares[0]).sum(1)
    shown = [number(text) for text in report.column("Distance")]
    np.testing.assert_allclose(shown, np.sort(distance)[::-1][: len(shown)], atol=0.006)
    assert [int(text) - 1 for text in report.column("#")[:3]] == list(np.argsort(-distance)[:3])
    report.click("td a")
    assert "Difference" in [node.text for node in report.find("h3")]
    report.click("nav a", "Compare")
    report.choose("with B", "Gradient norm")
    assert report.state["b"] == "2"


@pytest.mark.parametrize("made", [report_contents.translation], indirect=True)
@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_an_output_token_lights_its_input_tokens(made, way):
    from selenium.webdriver.common.action_chains import ActionChains

    made.open(view="example", example=0)
    for index, output in enumerate(made.find("button.output")):
        if way == "pointer":
            ActionChains(made.driver).move_to_element(output).perform()
        else:
            made.script("arguments[0].focus()", output)
        (marks,) = made.script(MARKS)
        assert marks[index][1] == max(
            (kind for _, kind in marks), key=lambda kind: int(kind[1:] or 0)
        )
    made.click("summary")
    assert len(made.find(".matrix tbody td")) == 36


@pytest.mark.parametrize("made", [report_contents.pieces_of_words], indirect=True)
def test_pieces_and_words_lie_over_the_text(made):
    made.open(view="example", example=0)
    (words,) = made.script(MARKS)
    assert [mark for mark, _ in words] == [
        "[CLS]",
        "Unbelievable",
        "film",
        "[SEP]",
        "It",
        "is",
        "[SEP]",
    ]
    made.choose("Show", "pieces")
    (pieces,) = made.script(MARKS)
    assert [mark for mark, _ in pieces][:4] == ["[CLS]", "Un", "believ", "able"]
    (box,) = made.find("div.marked")
    lines = ["review", "[CLS] Unbelievable film! [SEP]", "claim", "It is. [SEP]"]
    assert box.text.split("\n") == lines


@pytest.mark.parametrize("made", [report_contents.scripts], indirect=True)
def test_all_scripts_are_whole_and_have_their_direction(made):
    for example, direction in enumerate(("rtl", "rtl", "ltr", "ltr")):
        made.open(view="example", example=example, unit="pieces")
        (box,) = made.find("div.marked")
        assert made.script("return arguments[0].textContent", box) == made_text(example)
        assert made.script("return getComputedStyle(arguments[0]).direction", box) == direction
    marks = [mark for mark, _ in made.script(MARKS)[0]]
    assert "👩\u200d👩\u200d👧" in marks
    assert "👍🏽" in marks
    assert "nai\u0308" in marks


def made_text(example):
    return report_contents.scripts()["texts"][example]


def test_a_long_text_is_whole(driver, tmp_path):
    report = Report(driver, tmp_path, report_contents.reviews(3, 5000))
    report.open(view="examples")
    report.click("td a")
    assert len(report.script(MARKS)[0]) == 5000


def test_a_report_is_used_without_a_pointer(report):
    report.open()
    reached = []
    report.script("document.body.focus()")
    while "Examples" not in reached[-1:]:
        report.keys(Keys.TAB)
        reached.append(report.focused())
    report.keys(Keys.ENTER)
    assert report.state["view"] == "examples"
    while report.focused() != "Search the texts":
        report.keys(Keys.TAB)
    report.keys("funny")
    for _ in range(40):
        report.keys(Keys.TAB)
        if "funny" in report.focused():
            break
    first = report.focused()
    report.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    third = report.focused()
    assert "funny" in third
    assert third != first
    report.keys(Keys.ENTER)
    assert report.state["view"] == "example"
    assert report.focused().startswith("Example ")
    shown = report.script(
        "return document.activeElement.matches(':focus') && document.activeElement.tagName"
    )
    assert shown == "H2"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"view": "overview"}, "Faithfulness"),
        ({"view": "examples", "q": "funny"}, next(text for text in TEXTS if "funny" in text)),
        ({"view": "example", "example": 3}, "Gradient norm"),
        ({"view": "compare"}, "Words that moved most"),
    ],
)
def test_each_view_is_printed_on_white(report, state, text):
    report.open(**state, theme="dark")
    report.script(
        "addEventListener('beforeprint', () => {"
        " window.printed = document.querySelector('main').innerText; })"
    )
    printed = report.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(base64.b64decode(printed["data"])) > 10_000
    assert text in report.script("return window.printed")
    assert report.find(".printed") == []
    report.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    paper = report.script("return getComputedStyle(document.documentElement).backgroundColor")
    report.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert paper == "rgb(255, 255, 255)"
