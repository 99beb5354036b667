import io
import re

import keras
from rich.console import Console

from tf_salience.cli.demo_export import export_and_compare
from tf_salience.demo.model import text_classifier, word_vectorizer
from tf_salience.demo.run import DemoResult
from tf_salience.explainer.explainer import explain


def test_the_file_agrees_with_the_live_model(tmp_path):
    keras.utils.set_random_seed(0)
    texts = ["the soup was good", "bad"]
    model = text_classifier(word_vectorizer(texts, max_tokens=16), dim=16, heads=2, blocks=1)
    explanations = {"integrated_gradients": explain(model, texts)}
    console = Console(record=True, width=300, force_terminal=False, file=io.StringIO())
    export_and_compare(DemoResult(model, [], explanations, texts), tmp_path / "m", console)
    printed = console.export_text()
    (difference,) = re.findall(r"The live model's scores, to (\S+)\.", printed)
    assert float(difference) < 1e-5
    assert re.search(r"^the\(\S+\) soup\(\S+\) was\(\S+\) good\(\S+\)$", printed, re.M)
    assert (tmp_path / "m" / "saved_model.pb").is_file()
