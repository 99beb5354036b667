"""Every code block of the README and of `docs/` runs, in the order in which a reader meets them."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(language, page=ROOT / "README.md"):
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [text for name, text in found if name == language]


def test_python_blocks_run_and_print_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    printed = io.StringIO()
    for number, text in enumerate(blocks("python")):
        with contextlib.redirect_stdout(printed):
            exec(compile(text, f"README.md, python block {number}", "exec"), namespace)
    (shown,) = blocks("text")
    # Training differs in its last digits from machine to machine; words and layout do not.
    digits = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?")
    assert digits.sub("0", printed.getvalue().strip()) == digits.sub("0", shown.strip())
    assert namespace["explanation"].converged.all()
    assert (tmp_path / "explanation.json").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    if page.stem == "models":
        pytest.importorskip("keras_hub", reason="KerasHub, the extra `hub`, is not installed")
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for number, text in enumerate(blocks("python", page)):
        exec(compile(text, f"{page.name}, python block {number}", "exec"), namespace)
    assert namespace, "a page without a block would test nothing"


@pytest.mark.slow
def test_commands_run(tmp_path):
    install, test, *others = blocks("sh")
    assert install == "pip install . && tf-salience demo\n"
    assert test == 'pip install ".[test]" && pytest\n'
    # Those two are what `.ci/run` runs, word for word; the others run here.
    command = f"{sys.executable} -m tf_salience"
    for text in others:
        script = re.sub(r"^tf-salience", command, text, flags=re.M)
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "plot.json").exists()
    assert (tmp_path / "served" / "1" / "saved_model.pb").exists()


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_and_pictures_are_there(page):
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
