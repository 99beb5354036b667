import io
import re

import pytest
from rich.console import Console

from tf_salience.attribution.methods import METHODS
from tf_salience.demo.options import DemoOptions
from tf_salience.demo.run import run_demo


@pytest.fixture
def console():
    return Console(record=True, width=300, force_terminal=False, file=io.StringIO())


@pytest.mark.slow
def test_the_demo_on_a_file(learnable, console, tmp_path):
    path = tmp_path / "soup.csv"
    rows = [
        f"{text},{label}" for text, label in zip(learnable.texts, learnable.labels, strict=True)
    ]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    options = DemoOptions(data=str(path), explain=20, epochs=2, save=str(tmp_path / "m.keras"))
    result = run_demo(options, console)
    printed = console.export_text()
    assert result.evaluation.methods == list(METHODS)
    assert (tmp_path / "m.keras").is_file()
    assert all(len(explanation) == 20 for explanation in result.explanations.values())
    for part in ("360 to train on, 40 held out", "integrated_gradients", "converged", "soup"):
        assert part in printed
    assert re.search(r"Accuracy \d+\.\d% on 40 held-out texts; 20 explained", printed)
    assert "comprehensiveness" in printed
    assert "rationale" not in printed, "the words of a file are not marked"


@pytest.mark.slow
def test_the_demo_on_its_own_data(prepared, console, tmp_path):
    directory, _ = prepared
    picture = tmp_path / "demo.svg"
    options = DemoOptions(
        data_dir=str(directory), explain=12, epochs=1, max_texts=200, picture=str(picture)
    )
    result = run_demo(options, console)
    shares = result.evaluation.measures["top_1"].means
    assert ((shares >= 0) & (shares <= 1)).all()
    assert "top token in the rationale" in console.export_text()
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
