import json
import re

import helpers
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hidden_modules import run_without

import tf_salience as tfs
from tf_salience.explanation import records
from tf_salience.reporting import loading, write_report
from tf_salience.reporting.contents import decoded


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Writes a report; returns the contents that its page shows."""
    contents = []
    render = write_report.page.render

    def keep(received):
        contents.append(received)
        return render(received)

    monkeypatch.setattr(write_report.page, "render", keep)

    def write(explanations, **arguments):
        path = tfs.write_report(explanations, tmp_path / "report.html", **arguments)
        assert path.read_text("utf-8").startswith("<!doctype html>")
        return contents.pop()

    return write


def scores(contents, run=0):
    encoded = contents["runs"][run]["targets"][0]["scores"]
    return decoded(encoded).tolist()


@pytest.fixture
def folder(tmp_path):
    """Writes records as the shards of a folder, with a manifest."""

    def make(rows, *, source_rows=None, columns=None, kept=(), class_names=("no", "yes")):
        place = tmp_path / "explained"
        place.mkdir()
        empty = {**dict.fromkeys(records.COLUMNS), "evaluations": 8, "target_name": "yes"}
        rows = [{**empty, "output": 1.0, "row": n, **row} for n, row in enumerate(rows)]
        schema = pa.schema([("row", pa.int64()), *kept, *records.schema()])
        middle = (len(rows) + 1) // 2
        for number, part in enumerate((rows[:middle], rows[middle:])):
            table = pa.Table.from_pylist(part, schema)
            pq.write_table(table, place / f"shard-{number:06d}.parquet")
        job = {
            "model": {"name": "reviews", "weights": "1f"},
            "method": {"class_name": "gradient_norm", "config": {}},
            "target": {"class_name": "Unit", "which": "predicted", "code": None},
            "explainer": {"class_names": class_names},
            "columns": columns or {"inputs": "text", "label": None, "keep": []},
        }
        shards = [{"source_rows": len(rows) if source_rows is None else source_rows}]
        manifest = {
            "format": "tf_salience.explained_dataset",
            "version": 1,
            "job": job,
            "versions": {"keras": "3.0"},
            "shards": shards,
        }
        (place / "manifest.json").write_text(json.dumps(manifest))
        return place

    return make


def test_saved_files_and_results_give_the_same(written, small, tmp_path):
    first = written({"run": small}, labels=[1, 0, 1])
    for suffix in (".json", ".parquet"):
        path = tmp_path / f"saved{suffix}"
        small.save(path)
        again = written({"run": str(path)}, labels=[1, 0, 1])
        assert {**again, "created": ""} == {**first, "created": ""}


def test_a_folder_with_what_it_has_kept(written, folder):
    rows = [
        {"tokens": ["good", "film"], "scores": [1.0, 2.0], "target": 1, "text": "Good film!"},
        {"tokens": ["bad"], "scores": [3.0], "target": 0, "text": "BAD", "target_name": "no"},
        {"tokens": ["a", "film"], "scores": [4.0, 5.0], "target": 1, "text": "a film"},
    ]
    rows = [{**row, "stars": label} for row, label in zip(rows, "110", strict=True)]
    place = folder(
        rows,
        kept=[("text", pa.string()), ("stars", pa.string())],
        columns={"inputs": "text", "label": "stars", "keep": ["text", "stars"]},
    )
    contents = written(place)
    assert scores(contents) == [1, 2, 3, 4, 5]
    assert contents["texts"] == ["Good film!", "BAD", "a film"]
    assert contents["classes"] == ["no", "yes"]
    assert contents["accuracy"]["confusion"] == [[0, 1], [1, 1]]
    (run,) = contents["runs"]
    assert (run["name"], run["signed"]) == ("gradient_norm", False)
    assert run["offsets"] is not None
    assert ["model", "reviews"] in run["facts"]
    assert "job" not in dict(run["facts"])
    assert contents["versions"]["keras"] == "3.0"
    assert written(place, limit=2)["size"] == 2
    manifest = place / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "complete": False}))
    assert ["job", "not finished"] in written(place)["runs"][0]["facts"]
    by_name = written(place, labels="stars", texts="stars")
    assert by_name["texts"] == ["1", "1", "0"]
    assert by_name["accuracy"] == contents["accuracy"]


def test_values_for_the_rows_of_a_source_of_which_some_failed(written, folder):
    rows = [{"tokens": [str(n)], "scores": [1.0], "target": 0, "row": n} for n in (0, 2, 3)]
    place = folder(rows, source_rows=5)
    by_row = written(place, texts=["0", "bad row", "2", "3", "bad row"], labels=[0, 1, 0, 1, 1])
    assert by_row["texts"] == ["0", "2", "3"]
    assert by_row["accuracy"]["correct"] == 2
    assert written(place, texts=["a", "b", "c"], limit=2)["texts"] == ["a", "b"]
    with pytest.raises(ValueError, match="Received: 4 for 3 examples"):
        written(place, texts=["a", "b", "c", "d"])


@pytest.mark.parametrize(
    "names", [["no", "yes"], {"0": "no", "1": "yes"}, {"yes": 1, "no": 0}, "sha of an array"]
)
def test_class_names_of_a_folder_in_each_form(written, folder, names):
    place = folder([{"tokens": ["a"], "scores": [1.0], "target": 1}] * 2, class_names=names)
    expected = ["class 0", "class 1"] if isinstance(names, str) else ["no", "yes"]
    assert written(place)["classes"] == expected


def test_a_folder_of_explain_dataset(written, tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            keras.layers.TextVectorization(vocabulary=["good", "bad", "film"]),
            keras.layers.Embedding(5, 4, mask_zero=True),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2),
        ]
    )
    model.layers[-1].bias.assign([1.0, 0.0])
    texts = ["Good film!", "", "bad, bad film", "film"]
    rows = [{"text": text, "label": number % 2} for number, text in enumerate(texts)]
    place = tmp_path / "explained"
    tfs.explain_dataset(
        model, rows, place, method="gradient_dot_input", keep=["text", "label"],
        label_column="label", progress=False, shard_rows=2, class_names=["no", "yes"],
    )  # fmt: skip
    summary = tfs.summarize(place, min_count=1)
    explained = [text for text in texts if text]
    explanation = tfs.explain(model, explained, "gradient_dot_input", class_names=["no", "yes"])
    contents = written({"folder": place, "now": explanation}, summary=summary)
    assert contents["texts"] == explained
    assert scores(contents, 0) == pytest.approx(scores(contents, 1), abs=1e-6)
    assert contents["accuracy"]["count"] == 3
    assert contents["runs"][0]["offsets"] == contents["runs"][1]["offsets"]
    titles = [table["title"] for table in contents["tables"]]
    assert "Summary: no: 3 rows" in titles
    assert "1 errors" in contents["tables"][0]["caption"]


def test_an_evaluation(written, small):
    evaluation = helpers.evaluation_of_cost("occlusion", forward=1200, backward=0, seconds=1.25)
    (table,) = written(small, evaluation=evaluation)["tables"]
    assert table["rows"] == [["occlusion", "1,200", "0", "1.2"]]
    assert "2 examples · eraser: baseline" in table["caption"]
    assert len(table["align"]) == len(table["heads"])


def test_too_many_examples(small, monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "MOST_EXAMPLES", 2)
    with pytest.raises(ValueError, match=r"at most 2 .*Received: 3 examples.*`limit="):
        tfs.write_report(small, tmp_path / "a.html")
    tfs.write_report(small, tmp_path / "a.html", limit=2)


@pytest.mark.parametrize(
    ("explanations", "error", "message"),
    [
        ("missing.json", FileNotFoundError, r"'missing\.json', which does not exist"),
        (3, TypeError, r"`explanations` must be an Explanation.*Received: 3 \(of type int\)"),
        ([], ValueError, "at least one example"),
        ({}, TypeError, r"at least one\. Received: \[\]"),
        ({1: "a.json"}, TypeError, r"a string, as its keys.*Received: \[1\]"),
        ({"a": ["text"]}, TypeError, r"\['text'\] \(of type list\) in 'a'"),
    ],
)
def test_what_is_no_explanation(explanations, error, message, tmp_path):
    with pytest.raises(error, match=message):
        tfs.write_report(explanations, tmp_path / "a.html")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"filepath": "a.pdf"}, ValueError, r"`filepath` must be a file.*`\.html`.*a\.pdf"),
        ({"filepath": ["a.html"]}, TypeError, r"`filepath` must be the path .*\(of type list\)"),
        ({"filepath": "no/such/a.html"}, FileNotFoundError, r"does not exist.*Create it first\."),
        ({"limit": 0}, ValueError, "limit=0"),
        ({"title": 3}, TypeError, "`title` must be a string"),
        ({"evaluation": "e.json"}, TypeError, r"`evaluation`.*Evaluation\.load"),
        ({"summary": "folder"}, TypeError, "`summary` must be what `summarize` returns"),
    ],
)
def test_arguments_are_checked(arguments, error, message, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        tfs.write_report(small, **{"filepath": "a.html", **arguments})
    assert list(tmp_path.iterdir()) == [], "an error leaves no file"


def test_a_file_stays_where_the_new_one_fails(small, tmp_path, monkeypatch):
    path = tmp_path / "a.html"
    path.write_text("old")
    with pytest.raises(ValueError, match="labels"):
        tfs.write_report(small, path, labels=[5, 5, 5])
    assert path.read_text() == "old"
    tfs.write_report(small, str(path))
    assert path.read_text("utf-8") != "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]


def test_hostile_texts_and_names(written, explanation):
    hostile = "</script><img src=x onerror=alert(1)>\ud800\u202e\x00👩\u200d👧"
    made = explanation([([hostile], [1.0])], target_name=[hostile])
    contents = written(
        {hostile: made}, title=hostile, texts=[hostile], class_names=[hostile, "b"], labels=[0]
    )
    assert contents["texts"] == [hostile]


def test_saved_explanations_need_neither_tensorflow_nor_keras(small, tmp_path):
    small.save(tmp_path / "a.json")
    code = (
        "import tf_salience as tfs; print(tfs.write_report('a.json', 'a.html', labels=[1, 0, 1]))"
    )
    done = run_without(("tensorflow", "keras"), code, tmp_path)
    assert (done.returncode, done.stdout) == (0, "a.html\n"), done.stderr


def test_without_the_extra(small, tmp_path):
    small.save(tmp_path / "a.json")
    code = "import tf_salience as tfs; tfs.write_report('a.json', 'a.html')"
    done = run_without(("jinja2",), code, tmp_path)
    assert re.search(r"ImportError: .*tf-salience\[report\]", done.stderr)
