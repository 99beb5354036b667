"""Files that version 0.1.0 saved still load.

`saved_by_0_1_0/` was written by that version: a small classifier of films explains three texts.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

import tf_salience as tfs

SAVED = Path(__file__).parent / "saved_by_0_1_0"
TOKENS = [["a", "good", "film"], ["a", "bad", "film"], ["good"]]
SCORES = [-0.00507442, 0.00281499, -0.00551032]  # of the first text


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_an_explanation(suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow, the extra `parquet`, is not installed")
    explanation = tfs.Explanation.load(SAVED / f"explanation.{suffix}")
    assert [example.tokens for example in explanation] == TOKENS
    np.testing.assert_allclose(explanation[0].scores, SCORES, atol=1e-8)
    assert explanation[0].target_name in {"negative", "positive"}
    assert explanation.converged.all()
    assert "good(+0.0028" in str(explanation[0])


def test_an_evaluation():
    evaluation = tfs.Evaluation.load(SAVED / "evaluation.json")
    means = evaluation.measures["comprehensiveness"].means
    np.testing.assert_allclose(means, [0.00250262, 0.00058789], atol=1e-8)
    assert "comprehensiveness" in str(evaluation)


def test_a_log_of_a_training():
    records = tfs.read_log(SAVED / "log")
    assert [(record["epoch"], record["probe"]) for record in records] == [
        (epoch, probe) for epoch in (0, 1) for probe in range(3)
    ]
    assert records[0]["tokens"] == TOKENS[0]
    assert records[0]["measures"]["drift_spearman"] == 0.0


def test_the_signature_of_an_export(tmp_path):
    shutil.copytree(SAVED / "served", tmp_path / "served")
    # The graph itself is not among the files.
    (tmp_path / "served" / "saved_model.pb").touch()
    signature = tfs.read_signature(tmp_path / "served")
    assert signature["versions"]["tf_salience"] == "0.1.0"
    assert signature["method"]["class_name"] == "integrated_gradients"
    assert "scores" in signature["signatures"]["attributions"]["outputs"]


def test_a_folder_of_shards():
    pytest.importorskip("pyarrow", reason="pyarrow, the extra `parquet`, is not installed")
    summary = tfs.summarize(SAVED / "shards", min_count=1)
    printed = str(summary)
    assert "good" in printed
    assert "film" in printed
