"""An `Evaluation` is printed, shown, saved and loaded."""

import helpers
import numpy as np
import pytest
from rich.console import Console

import tf_salience as tfs


@pytest.fixture(scope="module")
def evaluation(explainers):
    return tfs.evaluate(explainers, helpers.ids(8, seed=3), naopc_beam=2, randomization=3)


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_it_is_loaded_as_it_was_saved(evaluation, suffix, tmp_path):
    path = tmp_path / f"evaluation.{suffix}"
    evaluation.save(path)
    loaded = tfs.Evaluation.load(path)
    assert str(loaded) == str(evaluation)
    arrays = loaded.arrays()
    assert set(arrays) == set(evaluation.arrays())
    for name, array in evaluation.arrays().items():
        np.testing.assert_array_equal(arrays[name], array)
    assert loaded.config == evaluation.config


def test_an_explanation_is_no_evaluation(explainers, evaluation, tmp_path):
    path = tmp_path / "x.json"
    explainers[0](helpers.ids(2)).save(path)
    with pytest.raises(ValueError, match="holds no evaluation"):
        tfs.Evaluation.load(path)
    evaluation.save(path)
    with pytest.raises(ValueError, match="holds no explanation"):
        tfs.Explanation.load(path)


def test_it_is_printed_and_shown(evaluation):
    console = Console(record=True, width=120)
    console.print(evaluation)
    html = evaluation._repr_html_()
    for part in ("comprehensiveness", "NAOPC", "leave-one-out", "random", "backward"):
        assert part in console.export_text(clear=False)
        assert part in html
    assert "<table>" in html
    assert repr(evaluation) == ("<Evaluation of gradient_dot_input, occlusion on 8 examples>")


def test_arrays(evaluation):
    arrays = evaluation.arrays()
    examples = len(arrays["examples/deletion"])
    assert arrays["deletion"].shape == (3, examples)
    assert arrays["intervals/deletion"].shape == (3, 2)
    assert arrays["curves/deletion"].shape == (3, 21)
    assert arrays["agreement"].shape == (2, 2)
    low, high = arrays["intervals/deletion"].T
    assert (low <= arrays["means/deletion"]).all()
    assert (arrays["means/deletion"] <= high).all()


def test_five_rankings_fit_a_terminal(model):
    explainers = [
        tfs.Explainer(model, name)
        for name in (
            "gradient_norm",
            "gradient_dot_input",
            tfs.IntegratedGradients(steps=2),
            "occlusion",
        )
    ]
    evaluation = tfs.evaluate(explainers, helpers.ids(4))
    for width in (80, 120):
        console = Console(record=True, width=width)
        console.print(evaluation)
        printed = console.export_text()
        assert "…" not in printed
        for word in ("comprehensiveness", "integrated", "occlusion", "random"):
            assert word in printed
        assert max(map(len, printed.splitlines())) <= width
