"""Explanations that are saved and loaded; the formats of the files are fixed."""

import dataclasses
import json
import sys

import helpers
import numpy as np
import pytest

import tf_salience as tfs

SUFFIXES = [".json", ".parquet"]
OPTIONAL_ARRAYS = ["target", "baseline_output", "convergence_delta", "converged"]

# The fixture's explanation, as the first version wrote it: without words, parts and offsets.
FIRST_VERSION = {
    "format": "tf_salience.explanation",
    "version": 1,
    "header": {
        "segments": {"first": [0, 2], "second": [2, 4]},
        "dtypes": {
            **dict.fromkeys(
                ["output", "baseline_output", "convergence_delta", "error_estimate"], "float64"
            ),
            **{"target": "int64", "converged": "bool", "evaluations": "int64"},
        },
        "config": {"method": {"class_name": "integrated_gradients"}, "embeddings": ["words"]},
    },
    "columns": [
        *("tokens", "scores", "positions", "padding_scores", "target_name", "target", "output"),
        *("baseline_output", "convergence_delta", "error_estimate", "converged", "evaluations"),
    ],
    "examples": [
        {
            "tokens": ["not", "good"],
            "scores": [-0.5, 0.25],
            "positions": [0, 1],
            "padding_scores": [],
            "target_name": "positive",
            "target": 1,
            "output": 0.7,
            "baseline_output": 0.95,
            "convergence_delta": 1e-9,
            "error_estimate": 0.001,
            "converged": True,
            "evaluations": 9,
        },
        {
            "tokens": ["<b>", "fine", "film"],
            "scores": np.float32([0.1, 0.2, 0.3]).tolist(),
            "positions": [0, 1, 2],
            "padding_scores": np.float32([0.05]).tolist(),
            "target_name": "negative",
            "target": 0,
            "output": -0.1,
            "baseline_output": -0.75,
            "convergence_delta": 1 / 3,
            "error_estimate": 0.2,
            "converged": False,
            "evaluations": 129,
        },
    ],
}


def assert_equal(explanation, expected):
    for field in dataclasses.fields(expected):
        value, expected_value = getattr(explanation, field.name), getattr(expected, field.name)
        if isinstance(expected_value, np.ndarray):
            assert value.dtype == expected_value.dtype, field.name
            np.testing.assert_array_equal(value, expected_value)
        else:
            assert value == expected_value, field.name


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("changes", [{}, dict.fromkeys(OPTIONAL_ARRAYS)])
def test_a_loaded_explanation_is_the_saved_one(make_explanation, tmp_path, suffix, changes):
    path = tmp_path / f"explanation{suffix}"
    saved = make_explanation(**changes)
    saved.save(path)
    assert_equal(tfs.Explanation.load(path), saved)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_words_parts_and_offsets(subwords, tmp_path, suffix):
    for saved in (subwords, subwords.merged(), subwords[:1]):
        saved.save(tmp_path / f"explanation{suffix}")
        assert_equal(tfs.Explanation.load(tmp_path / f"explanation{suffix}"), saved)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_examples(subwords, tmp_path, suffix):
    path = tmp_path / f"explanation{suffix}"
    subwords[:0].save(path)
    loaded = tfs.Explanation.load(str(path))
    assert len(loaded) == 0
    assert loaded.scores.shape == (0, 4)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_explanation_of_a_model(tmp_path, suffix):
    model = helpers.weights_alive(helpers.two_segments())
    inputs = {"premise": helpers.ids(), "hypothesis": helpers.ids(seed=3)}
    saved = tfs.explain(model, inputs, tfs.IntegratedGradients(baseline=np.ones(8)))
    saved.save(tmp_path / f"explanation{suffix}")
    loaded = tfs.Explanation.load(tmp_path / f"explanation{suffix}")
    assert_equal(loaded, saved)
    assert loaded[2].segments == saved[2].segments


def test_a_json_file_of_the_first_version(make_explanation, tmp_path):
    path = tmp_path / "first.json"
    path.write_text(json.dumps(FIRST_VERSION))
    assert_equal(tfs.Explanation.load(path), make_explanation())


def test_a_parquet_file_of_the_first_version(make_explanation, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {
        name: [example[name] for example in FIRST_VERSION["examples"]]
        for name in FIRST_VERSION["columns"]
    }
    header = json.dumps({"version": 1, **FIRST_VERSION["header"]})
    table = pyarrow.table(columns, metadata={"tf_salience.explanation": header})
    parquet.write_table(table, tmp_path / "first.parquet")
    assert_equal(tfs.Explanation.load(tmp_path / "first.parquet"), make_explanation())


def test_the_json_format(make_explanation, subwords, tmp_path):
    make_explanation().save(tmp_path / "explanation.json")
    document = json.loads((tmp_path / "explanation.json").read_text())
    names = {"words", "parts", "offsets"}
    assert set(document.pop("columns")) == {*FIRST_VERSION["columns"], *names}
    assert document["header"].pop("parts") is None
    for example in document["examples"]:
        assert [example.pop(name) for name in names] == [None] * 3
    assert document == {key: value for key, value in FIRST_VERSION.items() if key != "columns"}
    subwords.save(tmp_path / "subwords.json")
    document = json.loads((tmp_path / "subwords.json").read_text())
    assert document["header"]["parts"] == ["a", "b"]
    assert {name: document["examples"][0][name] for name in names} == {
        "words": [-1, 0, 0, 1],
        "parts": [0, 3, 3, 4],
        "offsets": [-1, -1, 0, 4, 4, 7, 8, 12],
    }


def test_another_suffix(make_explanation, tmp_path):
    with pytest.raises(ValueError, match=r"`.json` or `.parquet`.*Received: .*'.csv'"):
        make_explanation().save(tmp_path / "explanation.csv")
    with pytest.raises(ValueError, match=r"`.json` or `.parquet`.*Received: .*''"):
        tfs.Explanation.load(tmp_path / "explanation")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_does_not_exist(make_explanation, tmp_path, suffix):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        make_explanation().save(tmp_path / "nowhere" / f"explanation{suffix}")


@pytest.mark.parametrize("document", [{"some": "thing"}, [], {**FIRST_VERSION, "format": "other"}])
def test_another_json_file(tmp_path, document):
    (tmp_path / "other.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="holds no explanation.*other.json"):
        tfs.Explanation.load(tmp_path / "other.json")


def test_another_parquet_file(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="holds no explanation.*other.parquet"):
        tfs.Explanation.load(tmp_path / "other.parquet")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_broken_file(tmp_path, suffix):
    (tmp_path / f"broken{suffix}").write_text("{")
    with pytest.raises(
        ValueError, match=f"Not a {suffix[1:]} file.*broken".replace("json", "JSON")
    ):
        tfs.Explanation.load(tmp_path / f"broken{suffix}")


def test_a_file_of_a_later_version(tmp_path):
    (tmp_path / "later.json").write_text(json.dumps({**FIRST_VERSION, "version": 2}))
    with pytest.raises(ValueError, match="must be 1.*version=2.*later.json"):
        tfs.Explanation.load(tmp_path / "later.json")


def test_a_failed_save_leaves_the_old_file(make_explanation, tmp_path):
    path = tmp_path / "explanation.json"
    make_explanation().save(path)
    content = path.read_text()
    with pytest.raises(ValueError, match="not JSON compliant"):
        make_explanation(output=np.array([np.nan, 1.0])).save(path)
    assert path.read_text() == content
    assert len(list(tmp_path.iterdir())) == 1


def test_parquet_without_pyarrow(make_explanation, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"tf-salience\[parquet\]"):
        make_explanation().save(tmp_path / "explanation.parquet")
    assert list(tmp_path.iterdir()) == []
