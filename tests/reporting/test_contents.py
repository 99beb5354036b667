import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.explanation import SalienceMatrix
from tf_salience.reporting import loading
from tf_salience.reporting.contents import decoded, encoded, report_contents
from tf_salience.reporting.examples import examples_of


def contents_of(explanations, *, limit=None, **arguments):
    runs = loading.load_runs(explanations, limit)
    defaults = dict.fromkeys(("labels", "predictions", "class_names", "texts"))
    examples = examples_of(runs, **{**defaults, **arguments})
    contents = report_contents(runs, examples, title=None, tables=[])
    json.dumps(contents, allow_nan=False)
    return contents


@given(st.lists(st.floats(width=32)))
def test_floats_come_back(values):
    array = np.array(values, np.float32)
    assert np.array_equal(decoded(encoded(array, np.float32)), array, equal_nan=True)


@given(st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_integers_come_back(values):
    assert decoded(encoded(values, np.int32)).tolist() == values
    assert encoded(None, np.int32) is None


def test_the_numbers_are_those_of_the_explanation(small):
    contents = contents_of(
        small, labels=[1, 1, 1], texts=["Good film!", "Bad film", "good fun film"]
    )
    (run,) = contents["runs"]
    (target,) = run["targets"]
    assert decoded(run["lengths"]).tolist() == [2, 2, 3]
    tokens = [run["vocabulary"][number] for number in decoded(run["tokens"])]
    assert tokens == [token for row in small.tokens for token in row]
    assert len(set(run["vocabulary"])) == len(run["vocabulary"])
    expected = np.concatenate([salience.scores for salience in small])
    assert np.array_equal(decoded(target["scores"]), expected)
    for name, field in [
        ("output", small.output),
        ("baseline_output", small.baseline_output),
        ("delta", small.convergence_delta),
        ("error", small.error_estimate),
        ("converged", small.converged),
        ("evaluations", small.evaluations),
    ]:
        assert decoded(target[name]) == pytest.approx(np.asarray(field, float)), name
    names = [target["names"][number] for number in decoded(target["name"])]
    assert names == small.target_name
    assert decoded(target["index"]).tolist() == [1, 0, 1]
    assert contents["texts"][0] == "Good film!"
    offsets = decoded(run["offsets"]).reshape(-1, 2).tolist()
    assert offsets[:2] == [[0, 4], [5, 9]]
    assert (contents["size"], contents["classes"]) == (3, ["negative", "positive"])
    assert contents["accuracy"]["correct"] == 2
    assert contents["versions"]["keras"] == "3.0"
    assert ["steps", "auto"] in run["facts"]
    assert ["target", "predicted"] in run["facts"]
    assert contents["title"] == "Explanations of reviews"
    assert contents["notes"] == []


def test_what_is_not_known_is_said(explanation):
    made = explanation([(["a"], [1.0])], which=1, converged=None, error_estimate=None)
    contents = contents_of(made, labels=[0])
    assert (contents["predictions"], contents["accuracy"], contents["texts"]) == (None, None, None)
    assert "what the model predicted" in contents["notes"][0]
    assert contents["convergence"] == []
    assert contents["runs"][0]["targets"][0]["error"] is None


def test_words_of_pieces(explanation):
    made = explanation(
        [(["[CLS]", "play", "ing", "👍"], [9.0, 1.0, 2.0, 3.0])], words=[[-1, 0, 0, 1]]
    )
    (run,) = contents_of(made)["runs"]
    spellings = decoded(run["spellings"]).tolist()
    words = [None if number < 0 else run["vocabulary"][number] for number in spellings]
    assert words == [None, "playing", None, "👍"]
    assert decoded(run["words"]).tolist() == [-1, 0, 0, 1]


def test_targets_of_one_model_are_one_run(explanation, small):
    rows = [(["good"], [1.0]), (["bad"], [2.0])]
    each = {
        name: explanation(rows, which=name, classes=[index] * 2)
        for index, name in enumerate(["negative", "positive"])
    }
    norm = {"method": {"class_name": "gradient_norm", "config": {}}}
    each["norm"] = explanation(rows, which="positive", config=norm)
    first, second = contents_of(each)["runs"]
    assert (first["name"], second["name"]) == ("negative, positive", "norm")
    assert [target["names"] for target in first["targets"]] == [["negative"], ["positive"]]
    assert (first["signed"], second["signed"]) == (True, False)
    same = contents_of({"before": small, "after": small})["runs"]
    assert [run["name"] for run in same] == ["before", "after"], "the same target is no other"


def test_the_histogram_counts_every_estimate(explanation):
    errors = np.array([0.0, 1e-12, 2e-4, 4e-4, 0.02, 3.0, np.nan])
    made = explanation(
        [(["a"], [1.0])] * 7, error_estimate=errors, converged=np.array([True] * 4 + [False] * 3)
    )
    (histogram,) = contents_of(made)["convergence"]
    edges, counts = histogram["edges"], histogram["counts"]
    assert edges[0] == 0
    assert edges == sorted(edges)
    assert len(edges) == len(counts) + 1
    finite = errors[np.isfinite(errors)]
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        assert count == ((finite >= low) & (finite < high)).sum()
    assert sum(counts) == 6
    assert (histogram["unconverged"], histogram["tolerance"]) == (3, 0.01)


def test_the_bars_of_like_estimates_are_fine(explanation):
    errors = np.linspace(2e-3, 9e-3, 30)
    (histogram,) = contents_of(explanation([(["a"], [1.0])] * 30, error_estimate=errors))[
        "convergence"
    ]
    assert 4 <= len(histogram["counts"]) <= 12
    assert sum(histogram["counts"]) == 30
    same = explanation([(["a"], [1.0])] * 2, error_estimate=np.array([1e-3, 1e-3]))
    assert contents_of(same)["convergence"][0]["counts"] == [2]


def test_a_matrix(explanation):
    rows = [(["the", "cat"], [0.0, 1.0]), (["the", "cat"], [2.0, 3.0])]
    matrix = SalienceMatrix(
        ["cat", "sat"], [1, 2], explanation(rows, error_estimate=np.array([1e-3, 5e-3]))
    )
    contents = contents_of({"language model": [matrix, matrix]})
    (run,) = contents["runs"]
    assert decoded(run["lengths"]).tolist() == [2, 2]
    first = run["matrix"][0]
    assert first["targets"] == ["cat", "sat"]
    assert decoded(first["scores"]).tolist() == [0, 1, 2, 3]
    assert decoded(first["target_tokens"]).tolist() == [1, 2]
    (mean,) = run["targets"]
    assert decoded(mean["scores"]).tolist() == [1, 2, 1, 2]
    assert decoded(mean["output"]).tolist() == [1, 1]
    assert decoded(mean["error"]) == pytest.approx([5e-3] * 2)
    assert decoded(mean["evaluations"]).tolist() == [16, 16]
    assert contents["words"] == []


def test_segments(explanation):
    made = explanation(
        [(["a", "b", "c"], [1, 2, 3])], segments={"premise": slice(0, 2), "hypothesis": slice(2, 3)}
    )
    (run,) = contents_of(made)["runs"]
    assert run["segments"] == [[["premise", 0, 2], ["hypothesis", 2, 3]]]


def test_a_limit(small):
    contents = contents_of(small, limit=2, labels=[1, 0, 1])
    assert contents["size"] == 2
    assert decoded(contents["labels"]).tolist() == [1, 0]
