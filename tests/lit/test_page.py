"""LIT's own page in headless Chromium: coloured tokens, the menu of classes, a language model."""

import os
import pathlib
import time

import chromium
import pytest
from chromium import needs_chromium
from lit_requests import ask

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")

pytestmark = [pytest.mark.slow, needs_chromium]

#: All elements of the page that match, through the shadow roots of which LIT's page is made.
FIND = """
const found = [];
const walk = root => {
  for (const element of root.querySelectorAll("*")) {
    if (element.matches(arguments[0])) found.push(element);
    if (element.shadowRoot) walk(element.shadowRoot);
  }
};
walk(arguments[1] || document);
return found;
"""
PATIENCE_SECONDS = 60


class Page:
    """LIT's page in a browser."""

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url

    def open(self, model, dataset, **parameters):
        (example, *_) = ask(self.url, "get_dataset", dataset_name=dataset)
        selected = {"selection": example["id"], "primary": example["id"]}
        query = {"models": model, "dataset": dataset, **selected, **parameters}
        self.driver.get(f"{self.url}/?" + "&".join(f"{k}={v}" for k, v in query.items()))

    def find(self, selector, root=None):
        return self.driver.execute_script(FIND, selector, root and self.inner(root))

    def inner(self, element):
        return self.driver.execute_script("return arguments[0].shadowRoot || arguments[0]", element)

    def wait(self, condition):
        """Waits for a true value of a condition, which may fail while the page changes."""
        from selenium.common.exceptions import WebDriverException

        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                if value := condition():
                    return value
            except WebDriverException:
                pass
            time.sleep(0.1)
        self.picture("failed")
        raise AssertionError("the page did not get there")

    def colors(self, root):
        """The tokens of a part of the page with the colours that are seen."""
        return [
            (chip.text, chip.value_of_css_property("background-color"))
            for chip in self.find(".salient-token", root)
        ]

    def method_row(self, name):
        rows = self.find(".method-row")
        return next((row for row in rows if row.get_attribute("id") == name), None)

    def open_row(self, name):
        """Opens the row of a method, which may be below what is seen."""
        (header,) = self.find(".expansion-header", self.method_row(name))
        script = "arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()"
        self.driver.execute_script(script, header)

    def picture(self, name):
        """Keeps what is seen where `LIT_PICTURES` names a directory."""
        if directory := os.environ.get("LIT_PICTURES"):
            self.driver.save_screenshot(str(pathlib.Path(directory, f"{name}.png")))


@pytest.fixture(scope="module")
def page(url):
    with chromium.opened(1400, 1000) as driver:
        yield Page(driver, url)


def test_salience_maps_show_coloured_tokens_and_follow_the_menu_of_classes(page):
    page.open("reviews", "held_out", layout="salience")
    words = ask(page.url, "get_dataset", dataset_name="held_out")[0]["data"]["text"].split()

    def colored(name):
        row = page.method_row(name)
        colors = page.colors(row) if row else []
        return colors if [text for text, _ in colors] == words else None

    norms = page.wait(lambda: colored("grad l2 norm"))
    assert len({color for _, color in norms}) > 2
    before = page.wait(lambda: colored("grad ⋅ input"))
    assert len({color for _, color in before}) > 2
    for name in ("integrated gradients", "occlusion"):
        page.open_row(name)
        page.wait(lambda name=name: colored(name))
    page.open_row("integrated gradients: how right")
    convergence = page.method_row("integrated gradients: how right")
    labels = page.wait(lambda: [text for text, _ in page.colors(convergence)])
    assert [label.split()[0] for label in labels] == ["delta", "error"]
    page.picture("salience_maps")
    menu = page.find(".salience-target-dropdown")[-1]
    options = menu.find_elements("tag name", "option")
    assert [option.text for option in options] == ["negative", "positive"]
    next(option for option in options if not option.is_selected()).click()

    def changed():
        after = colored("grad ⋅ input")
        return after and after != before

    page.wait(changed)
    page.picture("another_class")


def test_sequence_salience_shows_a_language_model(page):
    page.open("gpt2", "prompts", layout="left_right")
    page.wait(lambda: page.find(".interstitial-target-option"))[0].click()
    (chips,) = page.wait(lambda: page.find("sequence-salience-chips"))
    page.wait(lambda: len(page.colors(chips)) > 3)
    page.find(".salient-token", chips)[-1].click()

    def colored():
        colors = {color for _, color in page.colors(page.find("sequence-salience-chips")[0])}
        return len(colors) > 2

    page.wait(colored)
    page.picture("sequence_salience")
    methods = [button.text for button in page.find(".button-bar-item button, button")]
    assert "integrated_gradients" in methods
    assert "occlusion" in methods
