"""Every code block of the README and of `docs/` runs, in the order of the page."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: The tutorials are run as notebooks, by `tox -e docs`.
PAGES = sorted((ROOT / "docs").glob("*.md"))
WITHOUT_PYTHON = {"command_line", "how_it_works", "index", "limits", "measurements"}
WITH_PYTHON = [page for page in PAGES if page.stem not in WITHOUT_PYTHON]


def blocks(language, page=ROOT / "README.md"):
    """The texts of a page's code blocks in a language."""
    pairs = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [text for name, text in pairs if name == language]


@pytest.mark.slow
def test_python_blocks_run_and_print_what_is_shown(tmp_path, monkeypatch):
    import keras

    # Keras numbers the names of layers: those of other tests must not count.
    keras.utils.clear_session()
    monkeypatch.chdir(tmp_path)
    namespace = {}
    printed = io.StringIO()
    for number, text in enumerate(blocks("python")):
        with contextlib.redirect_stdout(printed):
            exec(compile(text, f"README.md, python block {number}", "exec"), namespace)
    (expected,) = blocks("text")
    # The last digits of a training differ from machine to machine; words and layout do not.
    digits = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?")
    assert digits.sub("0", printed.getvalue().strip()) == digits.sub("0", expected.strip())
    assert namespace["explanation"].converged.all()


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.stem)
def test_python_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    if page.stem == "models":
        pytest.importorskip("keras_hub", reason="KerasHub, the extra `hub`, is not installed")
    if page.stem == "lit":
        pytest.importorskip("lit_nlp", reason="LIT is not installed; `tox -e lit` has it")
    if page.stem == "beam":
        pytest.importorskip("apache_beam", reason="Apache Beam, the extra `beam`, is not installed")
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for number, text in enumerate(blocks("python", page)):
        exec(compile(text, f"{page.name}, python block {number}", "exec"), namespace)
    assert namespace, "the page has no Python block"


def test_the_readme_has_two_commands_and_fits_on_a_few_screens():
    # `.ci/run` runs these two, word for word.
    install, test = blocks("sh")
    assert install == "pip install . && tf-salience demo\n"
    assert test == 'pip install ".[test]" && pytest\n'
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.slow
def test_commands_run(tmp_path):
    (text,) = blocks("sh", ROOT / "docs" / "command_line.md")
    script = re.sub(r"^tf-salience", f"{sys.executable} -m tf_salience", text, flags=re.M)
    process = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "plot.json").exists()
    assert (tmp_path / "served" / "1" / "saved_model.pb").exists()


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_and_images_exist(page):
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
