import importlib.util
import io

import helpers
import numpy as np
import pytest
from rich.console import Console

from tf_salience.cli import demo_report
from tf_salience.demo.run import DemoResult


@pytest.fixture
def result():
    """The end of a demo with one method."""
    import keras

    from tf_salience.demo.model import text_classifier, word_vectorizer
    from tf_salience.explainer.explainer import Explainer

    keras.utils.set_random_seed(0)
    texts = ["the soup was good", "bad"]
    model = text_classifier(word_vectorizer(texts, max_tokens=16), dim=16, heads=2, blocks=1)
    explainer = Explainer(model, "gradient_norm", class_names=["negative", "positive"])
    evaluation = helpers.evaluation_of_cost("gradient_norm", forward=2, backward=2, seconds=1.0)
    return DemoResult(
        model, evaluation, {"gradient_norm": explainer(texts)}, texts, np.array([1, 0])
    )


@pytest.fixture
def console():
    return Console(record=True, width=300, force_terminal=False, file=io.StringIO())


def test_it_says_where_the_report_is(result, console, tmp_path):
    path = tmp_path / "demo.html"
    demo_report.write_demo_report(result, str(path), console)
    assert str(path) in console.export_text()
    assert "<title>tf-salience demo" in path.read_text("utf-8")


def test_without_the_extra_it_says_how_to_get_it(result, console, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    demo_report.write_demo_report(result, str(tmp_path / "demo.html"), console)
    assert "pip install 'tf-salience[report]'" in console.export_text()
    assert list(tmp_path.iterdir()) == []
