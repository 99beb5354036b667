"""The file of a report: its policy, its data, its scripts, without a browser."""

import base64
import hashlib
import json
import re
import sys
import zlib

import pytest
import report_contents

from tf_salience.reporting import page, scripts
from tf_salience.visualization import color_scale

pytest.importorskip("itables", reason="itables is not installed")
pytest.importorskip("jinja2", reason="Jinja2 is not installed")


@pytest.fixture(scope="module")
def html():
    return page.render(report_contents.reviews(8))


def directives(html):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    pairs = (part.split(maxsplit=1) for part in policy.replace("&#39;", "'").split("; "))
    return dict(pairs)


def hash_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_names_the_script_and_the_style_and_nothing_else(html):
    policy = directives(html)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert policy == {
        "default-src": "'none'",
        "script-src": hash_of(script),
        "style-src": hash_of(style),
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "default",
    }


def test_the_page_asks_for_no_file_and_has_no_attribute_that_runs(html):
    outside = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"\b(?:src|srcset|on\w+|style)=", outside)
    assert not re.search(r'href="(?!#)', outside)


def test_the_same_contents_make_the_same_page(html):
    assert page.render(report_contents.reviews(8)) == html


def test_the_data_comes_through(html):
    contents = report_contents.reviews(8)
    (packed,) = re.findall(r'id="data">([^<]*)<', html)
    data = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert data["runs"] == contents["runs"]
    assert data["texts"] == contents["texts"]
    assert contents.keys() - data.keys() == set(page._SHOWN_BY_TEMPLATE)


def test_text_of_the_user_is_escaped_and_can_be_encoded():
    contents = report_contents.reviews(8) | {"title": "</title><script>\ud800\x00&"}
    text = page.render(contents)
    assert "&lt;/title&gt;&lt;script&gt;\\ud800\\x00&amp;</title>" in text
    text.encode("utf-8")


def test_each_step_of_the_colour_scale_is_in_the_style(html):
    for level in range(1, color_scale.LEVELS + 1):
        assert color_scale.background(level / color_scale.LEVELS) in html
        assert all(f".{letter}{level}{{" in html for letter in "pnu")


@pytest.mark.parametrize("missing", ["jinja2", "itables"])
def test_a_missing_extra_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"pip install 'tf-salience\[report\]'"):
        page.render(report_contents.reviews(8))


def test_no_module_is_left_out_and_no_import_stays():
    script = scripts.linked_scripts()
    own = script[script.index("const modules") :]
    assert not re.search(r"^(?:import|export) ", own, re.MULTILINE)
    used = set(re.findall(r"= modules\.(\w+);", own))
    assert used == set(re.findall(r"^modules\.(\w+) = ", own, re.MULTILINE)) | {"itables"}


def test_nothing_in_the_script_ends_its_element():
    assert not re.search(r"<!--|</?script", scripts.linked_scripts(), re.IGNORECASE)


def test_another_bundle_is_refused(monkeypatch):
    monkeypatch.setattr(scripts, "_bundle", lambda: "export{x as other}")
    scripts.linked_scripts.cache_clear()
    with pytest.raises(RuntimeError, match="itables>=2.9"):
        scripts.linked_scripts()
    scripts.linked_scripts.cache_clear()
