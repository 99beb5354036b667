import json

import pyarrow.parquet as pq
import pytest

import tf_salience as tfs


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "a.csv"
    rows = ["1,the soup was good,1", "2,bad,0", "3,,1", "4,the soup,1"]
    path.write_text("id,text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_folder_is_a_job_that_goes_on(models, run, data, tmp_path):
    folder = tmp_path / "out"
    command = (
        "explain", models / "text.keras", "--data", data.with_name("*.csv"), "--output", folder,
        "--method", "gradient_norm", "--keep", "id", "--target", "label", "--label-column",
        "label", "--class-names", "no,yes", "--shard-rows", "2",
    )  # fmt: skip
    code, out, err = run(*command)
    assert (code, out) == (0, "")
    assert "3 explanations" in err
    assert "1 rows could not be explained" in err
    rows = [
        row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]
    assert [(row["id"], row["target_name"]) for row in rows] == [
        ("1", "yes"), ("2", "no"), ("4", "yes"),
    ]  # fmt: skip
    assert rows[0]["tokens"] == ["the", "soup", "was", "good"]
    assert json.loads((folder / "manifest.json").read_text())["complete"]
    times = [path.stat().st_mtime_ns for path in sorted(folder.glob("*.parquet"))]
    assert run(*command)[0] == 0
    assert times == [path.stat().st_mtime_ns for path in sorted(folder.glob("*.parquet"))]
    assert tfs.summarize(folder, min_count=1).coverage.rows == 3
    code, _, err = run(*command, "--baseline", "zeros", "--method", "integrated_gradients")
    assert code == 2
    assert "another job" in err


def test_ids_and_their_vocabulary(models, run, data, tmp_path):
    code, _, _ = run(
        "explain", models / "ids.keras", "--vocabulary", models / "vocabulary.txt", "--data", data,
        "--output", tmp_path / "out", "--method", "gradient_norm", "--max", "2",
    )  # fmt: skip
    assert code == 0
    assert tfs.summarize(tmp_path / "out").coverage.rows == 2


@pytest.mark.parametrize("suffix", [".v2", ".json"])
def test_a_name_with_a_slash_at_its_end_is_a_folder(models, run, data, tmp_path, suffix):
    folder = tmp_path / f"out{suffix}"
    code, _, err = run(
        "explain", models / "text.keras", "--data", data, "--output", f"{folder}/", "--method",
        "gradient_norm",
    )  # fmt: skip
    assert (code, folder.is_dir()) == (0, True), err


@pytest.mark.parametrize("output", ["folder", "file.json"])
def test_labels_of_digits_that_are_class_names(models, run, data, tmp_path, output):
    code, _, err = run(
        "explain", models / "text.keras", "--data", data, "--output", tmp_path / output,
        "--method", "gradient_norm", "--target", "label", "--class-names", "1,0",
        "--label-column", "label",
    )  # fmt: skip
    assert code == 0, err
    if output == "folder":
        names = pq.read_table(tmp_path / output / "shard-000000.parquet")["target_name"].to_pylist()
    else:
        names = tfs.Explanation.load(tmp_path / output).target_name
    assert names == ["1", "0", "1"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--text", "x", "--output", "DIR"], "--text"),
        (["--data", "DATA", "--output", "DIR", "--words"], "--words"),
        (["--data", "DATA", "--workers", "2"], "only with --output DIR, a folder. Received: no"),
        (["--data", "DATA", "--output", "DIR", "--split", "test"], "--split can be used only"),
        (["--data", "none*.tsv", "--output", "DIR"], "No file matches"),
        (["--data", "DATA", "--output", "DIR", "--keep", "x"], "no column 'x'"),
        (["--data", "DATA", "--output", "DIR", "--max-errors", "0"], "max_errors=0"),
        (["--data", "DATA", "--output", "out.jsn"], ".jsn"),
    ],
)
def test_a_user_error_is_one_line(models, run, data, tmp_path, extra, message):
    words = [{"DATA": data, "DIR": tmp_path / "out"}.get(word, word) for word in extra]
    code, out, err = run("explain", models / "text.keras", *words)
    assert (code, out) == (2, "")
    assert err.startswith("tf-salience: error: ")
    assert message in err
    assert err.count("\n") == 1
