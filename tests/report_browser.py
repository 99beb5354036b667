"""A report in headless Chromium: what it shows, what it asks for, what it complains of."""

import json
from urllib.parse import parse_qs, urlencode

from tf_salience.reporting.page import render

SHOWN = "return document.documentElement.dataset.shown === location.hash"
ROWS = """
return [...document.querySelectorAll('main > section:not([hidden]) .dt-scroll-body tbody tr')]
  .map(row => [...row.cells].map(cell => cell.textContent))
"""
HEADS = """
return [...document.querySelectorAll(
  'main > section:not([hidden]) .dt-scroll-head .dt-column-title'
)].map(head => head.textContent)
"""


class Report:
    """A report in a browser.

    Args:
        driver: of `chromium.opened`.
        folder: where the file is written.
        contents: of the report.
    """

    def __init__(self, driver, folder, contents):
        self.driver = driver
        self.path = folder / "report.html"
        self.path.write_text(render(contents), "utf-8")

    def open(self, **state):
        """Opens the file at a state; what was logged before is forgotten."""
        self.driver.get("about:blank")
        for kind in ("performance", "browser"):
            self.driver.get_log(kind)
        self.driver.get(f"{self.path.as_uri()}#{urlencode(state)}")
        self.wait()

    def go(self, **state):
        """Goes to a state within the open page."""
        self.driver.execute_script("location.hash = arguments[0]", urlencode(state))
        self.wait()

    def until(self, condition):
        """Waits until a function of no arguments returns what is true."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 20, 0.02).until(lambda _: condition())

    def wait(self):
        """Waits until the page shows what its address says."""
        self.until(lambda: self.driver.execute_script(SHOWN))

    def reload(self):
        self.driver.refresh()
        self.wait()

    @property
    def state(self):
        """The fields of the address."""
        fields = parse_qs(self.driver.current_url.partition("#")[2], keep_blank_values=True)
        return {name: value for name, (value,) in fields.items()}

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def find(self, selector):
        """The elements of a selector that are seen."""
        nodes = self.driver.find_elements("css selector", selector)
        return [node for node in nodes if node.is_displayed()]

    def click(self, selector, text=None):
        """Clicks the first element that is seen and, if one is asked for, has the text."""
        nodes = [node for node in self.find(selector) if text is None or node.text == text]
        assert nodes, f"nothing to click: {selector} {text or ''}"
        nodes[0].click()
        self.wait()

    def choose(self, label, text):
        """Chooses an option of a labelled selection."""
        from selenium.webdriver.support.ui import Select

        nodes = [
            node
            for node in self.find("select")
            if node.accessible_name.startswith(label) and node.is_displayed()
        ]
        Select(nodes[0]).select_by_visible_text(text)
        self.wait()

    def keys(self, *keys):
        """Types, into what has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()
        self.wait()

    def rows(self):
        """The texts of the rows of the list that are in the page."""
        return self.script(ROWS)

    def column(self, title):
        """The texts of a column."""
        place = self.script(HEADS).index(title)
        return [row[place] for row in self.rows()]

    def text(self):
        """The text of the view that is seen."""
        return self.script("return document.querySelector('main').innerText")

    def focused(self):
        """The text, or the name, of what has the focus."""
        node = self.driver.switch_to.active_element
        return node.text or node.accessible_name

    def complaints(self):
        """What the browser logged, and what the page asked the network for."""
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        messages = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        asked = [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        own = ("about:blank", self.path.as_uri())
        return logged + [url for url in asked if not url.startswith(own)]
