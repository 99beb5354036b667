"""Models in the shapes of keras.io's examples work, and the page "Works on" lists them."""

import re

import pytest

pytest.importorskip("keras_hub", reason="KerasHub, the extra `hub`, is not installed")
import keras_io_models
import works_on
import works_on_checks


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", keras_io_models.CASES)
def test_a_model(name, tmp_path):
    findings = works_on_checks.examine(name, tmp_path)
    assert findings.failures == []
    assert set(findings.figures) == {*works_on_checks.LIMITS, "padding"}
    assert findings.is_logged


def test_the_page_lists_these_models():
    text = works_on.PAGE.read_text("utf-8")
    table = text.partition("## What was seen")[2].partition("## ")[0]
    names = re.findall(r"^\| ([^|]+) \|", table, re.M)
    assert names == [works_on.HEADER[0], *keras_io_models.CASES]
