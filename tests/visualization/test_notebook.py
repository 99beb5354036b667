"""A real notebook, executed, converted and opened in headless Chromium, in each theme."""

import re

import chromium
import pytest
from chromium import needs_chromium

nbformat = pytest.importorskip("nbformat", reason="Jupyter is not installed")
nbclient = pytest.importorskip("nbclient", reason="Jupyter is not installed")
nbconvert = pytest.importorskip("nbconvert", reason="Jupyter is not installed")
pytest.importorskip("ipykernel", reason="Jupyter is not installed")

pytestmark = [pytest.mark.slow, needs_chromium]

MADE = """
import numpy as np
import tf_salience as tfs
from tf_salience.evaluation.evaluation import Evaluation, Measure

def explanation(examples, tokens, method="integrated_gradients", **fields):
    scores = np.random.default_rng(0).normal(size=(examples, len(tokens))).astype(np.float32)
    return tfs.Explanation(
        tokens=[tokens] * examples, scores=abs(scores) if method == "gradient_norm" else scores,
        mask=np.ones(scores.shape, bool), segments={"text": slice(0, len(tokens))},
        target=None, target_name=["positive"] * examples, output=np.ones(examples),
        baseline_output=None, convergence_delta=None, error_estimate=None, converged=None,
        evaluations=np.ones(examples, int),
        config={"method": {"class_name": method}, "embeddings": ["words"]}, **fields,
    )

words = "a gentle , funny and never once boring film whose <b>ending</b> drags".split()
"""
CELLS = (
    MADE,
    "explanation(1, words)[0]",
    "explanation(3, words, 'gradient_norm')",
    "tfs.SalienceMatrix(words[:3], [0, 1, 2], explanation(3, words))",
    "explanation(1, ['[CLS]', 'הסרט', 'מצוין'], words=[[-1, 0, 1]])[0]",
    """Evaluation(
        methods=["occlusion"], measures={"naopc": Measure(np.ones((2, 3)), np.arange(3))},
        curves={}, shares=np.linspace(0, 1, 3), agreement=np.ones((1, 1)), sanity={}, layers=[],
        cost={"occlusion": {"seconds": 1.0, "forward": 3.0, "backward": 0.0}}, examples=3,
        left_out=0, config={"eraser": "zeros", "scale": "logit", "target_name": "predicted"},
    )""",
)
CARD = "div[class^=tfs-]"
#: Of each text in the cards: the colours of the text and of what is behind it, as numbers.
COLORS = """
const page = node => {
  for (; node; node = node.parentElement) {
    const parts = getComputedStyle(node).backgroundColor.match(/[\\d.]+/g).map(Number);
    if (parts.length === 3 || parts[3] > 0) return parts.slice(0, 3);
  }
  return [255, 255, 255];
};
const ink = node => getComputedStyle(node).color.match(/[\\d.]+/g).map(Number).slice(0, 3);
const nodes = [...document.querySelectorAll(arguments[0])];
return nodes.map(node => [node.textContent, ink(node), page(node)]);
"""
TEXTS = ", ".join(
    f"{CARD} {name}" for name in ("[title]", ".h", ".h b", "th", "td", "caption", "p")
)


def contrast(first, second):
    lights = []
    for color in (first, second):
        share = [part / 255 for part in color]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in share]
        lights.append(0.05 + 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return max(lights) / min(lights)


@pytest.fixture(scope="module")
def notebook():
    """A notebook of one example, a batch, a matrix and an evaluation, executed."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    return nbclient.NotebookClient(made, timeout=120, kernel_name="python3").execute()


@pytest.fixture(scope="module")
def outputs(notebook):
    """The HTML of each output."""
    return [cell.outputs[0].data["text/html"] for cell in notebook.cells[1:]]


@pytest.fixture(scope="module")
def browser():
    with chromium.opened(900, 1200) as driver:
        yield driver


def prefer(browser, theme):
    """Sets the theme that the reader prefers."""
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def open_page(browser, file, text):
    file.write_text(text, "utf-8")
    browser.get("about:blank")
    for kind in ("performance", "browser"):
        browser.get_log(kind)
    browser.get(file.as_uri())


def check_readable(browser, theme):
    colors = browser.execute_script(COLORS, TEXTS)
    assert len(colors) > 60
    for text, foreground, background in colors:
        assert contrast(foreground, background) >= 4.5, (text, foreground, background)
    (*_, page) = browser.execute_script(COLORS, CARD)[0]
    assert (contrast(page, (0, 0, 0)) > 10) == (theme == "light")


@pytest.mark.parametrize("preferred", ["light", "dark"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_converted_notebook_is_readable(notebook, browser, tmp_path, theme, preferred):
    prefer(browser, preferred)
    body, _ = nbconvert.HTMLExporter(theme=theme).from_notebook_node(notebook)
    open_page(browser, tmp_path / "notebook.html", body)
    # What the notebook says goes before what the reader prefers.
    check_readable(browser, theme)


HOSTS = {
    "none, light": ("", "light", "light"),
    "none, dark": ("", "dark", "dark"),
    "jupyter": ("document.body.dataset.jpThemeLight = 'false'", "light", "dark"),
    "jupyter, light": ("document.body.dataset.jpThemeLight = 'true'", "dark", "light"),
    "vs code": ("document.body.className = 'vscode-dark'", "light", "dark"),
    "vs code, light": ("document.body.className = 'vscode-light'", "dark", "light"),
    "vs code, contrast": ("document.body.className = 'vscode-high-contrast'", "light", "dark"),
    "colab": ("document.documentElement.setAttribute('theme', 'dark')", "light", "dark"),
    "colab, light": ("document.documentElement.setAttribute('theme', 'light')", "dark", "light"),
}


@pytest.mark.parametrize("host", HOSTS)
def test_outputs_follow_the_theme_of_the_page(outputs, browser, tmp_path, host):
    script, preferred, theme = HOSTS[host]
    prefer(browser, preferred)
    open_page(browser, tmp_path / "page.html", f"<!doctype html>{''.join(outputs)}")
    browser.execute_script(script)
    check_readable(browser, theme)


def test_outputs_need_no_network_no_file_and_no_script(outputs, browser, tmp_path):
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    file = tmp_path / "page.html"
    prefer(browser, "light")
    open_page(browser, file, f"<!doctype html>{meta}{''.join(outputs)}")
    check_readable(browser, "light")
    assert browser.get_log("browser") == []
    log = " ".join(entry["message"] for entry in browser.get_log("performance"))
    asked = set(re.findall(r'"requestWillBeSent","params":.*?"url":"(.*?)"', log))
    assert asked <= {file.as_uri()}
    assert not re.search(r"<script|\son\w+=|url\(|@import|src=", "".join(outputs))


SHOWN = "return getComputedStyle(arguments[0].querySelector('[title]'), '::after').content"


def test_numbers_are_shown_in_the_output_that_was_asked_by_the_keyboard(outputs, browser, tmp_path):
    from selenium.webdriver.common.keys import Keys

    open_page(browser, tmp_path / "page.html", f"<!doctype html>{outputs[0]}{outputs[0]}")
    first, second = browser.find_elements("css selector", CARD)
    assert browser.execute_script(SHOWN, second) == "none"
    second.find_element("css selector", "input").send_keys(Keys.SPACE)
    assert browser.execute_script(SHOWN, second) != "none"
    assert browser.execute_script(SHOWN, first) == "none", "two outputs do not meet"
    (token, *_) = second.find_elements("css selector", "[title]")
    assert re.fullmatch(r"[-+]\d\.\d+", token.get_attribute("title"))


def test_a_page_has_no_effect_on_the_rest_of_it(outputs, browser, tmp_path):
    prefer(browser, "light")
    open_page(
        browser,
        tmp_path / "page.html",
        f'<!doctype html><p id="own" class="h p10" title="x">own</p>{"".join(outputs)}',
    )
    style = (
        "const s = getComputedStyle(document.querySelector('#own')); return [s.fontSize, s.color,"
    )
    style += " s.backgroundColor, s.borderBottomWidth]"
    assert browser.execute_script(style) == ["16px", "rgb(0, 0, 0)", "rgba(0, 0, 0, 0)", "0px"]


def test_right_to_left_text_is_read_from_the_right(outputs, browser, tmp_path):
    open_page(browser, tmp_path / "page.html", f"<!doctype html>{outputs[3]}")
    tokens = browser.find_elements("css selector", f"{CARD} [title]")
    places = [token.rect["x"] for token in tokens]
    assert [token.text for token in tokens] == ["[CLS]", "הסרט", "מצוין"]
    assert places == sorted(places, reverse=True)


def test_thousands_of_tokens_are_laid_out_on_the_page(browser, tmp_path):
    from tf_salience.visualization import html

    tokens = [f"word{number}" for number in range(5000)]
    body = html.tokens_html(tokens, [(-1.0) ** number * number for number in range(5000)])
    open_page(browser, tmp_path / "page.html", html.with_style(html.card("long", body)))
    assert len(browser.find_elements("css selector", f"{CARD} [title]")) == 5000
    width = "return document.documentElement.scrollWidth - window.innerWidth"
    assert browser.execute_script(width) <= 0
