"""Headless Chromium for tests, of Debian's packages chromium and chromium-driver."""

import contextlib
import os
import shutil

import pytest

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_DRIVER = shutil.which("chromedriver")

needs_chromium = pytest.mark.skipif(
    _CHROMIUM is None or _DRIVER is None, reason="needs Debian's chromium and chromium-driver"
)


@contextlib.contextmanager
def opened(width, height):
    """A browser, driven by selenium, that logs what its pages print and ask for."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    for argument in ("--headless=new", "--disable-gpu", f"--window-size={width},{height}"):
        options.add_argument(argument)
    if os.getuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(_DRIVER))
    try:
        yield driver
    finally:
        driver.quit()
