"""The blocks of docs/moving.md for LIT, captum, alibi and SHAP, each in a process of its own.

None of these packages is a dependency, and two of them ask for older versions of numpy and
TensorFlow, so a block runs only where its package is installed by hand; `tox -e lit` runs that of
LIT.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tf_salience as tfs

PAGE = (Path(__file__).parent.parent / "docs" / "moving.md").read_text("utf-8")
MODULES = {"lit": "lit_nlp", "captum": "captum", "alibi": "alibi", "shap": "shap"}


def block(kind):
    """The first block of a kind, "python" or "python captum"."""
    return re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.M | re.S)[1]


def scores_before(tool, folder):
    """The scores of another tool; skips where it is not installed."""
    if importlib.util.find_spec(MODULES[tool]) is None:
        pytest.skip(f"{tool} is not installed: it is not a dependency")
    code = block(f"python {tool}") + "\nnp = __import__('numpy')\nnp.save('before.npy', scores)\n"
    if tool == "shap":
        code = code.replace("scores)", "np.array([row.sum() for row in scores]))")
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    return np.load(folder / "before.npy")


def trained(folder, monkeypatch, setup=None):
    """The model and the ids of the page."""
    monkeypatch.chdir(folder)
    namespace = {}
    exec(compile(setup or block("python"), "moving.md", "exec"), namespace)
    return namespace["model"], namespace["ids"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "method"),
    [
        ("lit", tfs.IntegratedGradients(steps=30, rule="lit")),
        ("captum", tfs.IntegratedGradients(steps=50, rule="gauss_legendre", baseline=0)),
    ],
    ids=["lit", "captum"],
)
def test_the_scores_are_those_of_the_tool(tool, method, tmp_path, monkeypatch):
    model, ids = trained(tmp_path, monkeypatch)
    scores = tfs.explain(model, ids, method, target=0).scores
    np.testing.assert_allclose(scores, scores_before(tool, tmp_path), atol=1e-5)


@pytest.mark.slow
def test_alibi_gives_zeros_under_a_mask_and_these_scores_without(tmp_path, monkeypatch):
    trained(tmp_path, monkeypatch)
    assert not scores_before("alibi", tmp_path).any()
    model, ids = trained(
        tmp_path, monkeypatch, block("python").replace("=True, name", "=False, name")
    )
    method = tfs.IntegratedGradients(steps=50, rule="gauss_legendre", baseline=0)
    scores = tfs.explain(model, ids, method, target=0).scores
    np.testing.assert_allclose(scores, scores_before("alibi", tmp_path), atol=1e-5)


@pytest.mark.slow
def test_shap_explains_the_words(tmp_path, monkeypatch):
    model, ids = trained(tmp_path, monkeypatch)
    outputs = model.predict(ids, verbose=0)[:, 0]
    nothing = model.predict(np.zeros_like(ids[:1]), verbose=0)[0, 0]
    np.testing.assert_allclose(scores_before("shap", tmp_path), outputs - nothing, atol=1e-3)
