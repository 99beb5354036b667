"""`tf-salience explain --runner`."""

import json

import pytest

import tf_salience as tfs
from tf_salience.cli.main import main

pytest.importorskip("apache_beam", reason="Apache Beam, the extra `beam`, is not installed")


@pytest.mark.parametrize("kind", ["keras", "saved_model"])
def test_files_are_explained_into_a_folder_that_summarize_reads(kind, paths, tmp_path, capsys):
    from pyarrow import parquet

    (tmp_path / "a.tsv").write_text("id\ttext\n7\ta good film\n8\tbad\n9\tfilm\ttoo many\n")
    (tmp_path / "b.tsv").write_text("id\ttext\n10\tnot a bad film\n")
    output = tmp_path / "explained"
    command = ["explain", str(paths["text", kind]), "--data", str(tmp_path / "*.tsv")]
    command += ["--output", str(output), "--runner", "DirectRunner", "--", "--direct_num_workers=1"]
    assert main(command) == 0
    assert "Wrote 3 explanations" in capsys.readouterr().err
    files = sorted(output.glob("*.parquet"))
    rows = [row for path in files for row in parquet.read_table(path).to_pylist()]
    tokens = {row["location"].rpartition("/")[2]: row["tokens"] for row in rows}
    assert tokens == {
        "a.tsv:2": ["a", "good", "film"],
        "a.tsv:3": ["bad"],
        "b.tsv:2": ["not", "a", "bad", "film"],
    }
    lines = [line for path in (output / "errors").iterdir() for line in path.open()]
    (error,) = map(json.loads, lines)
    assert error["location"].endswith("a.tsv:4")
    assert "3 fields" in error["reason"]
    coverage = tfs.summarize(output).coverage
    assert (coverage.rows, coverage.errors) == (3, 1)
    assert main(command) == 2
    assert "must be a new folder" in capsys.readouterr().err


def test_kept_nulls_and_labels_that_are_names_of_digits(paths, tmp_path):
    from pyarrow import parquet

    rows = [{"id": None, "text": "bad", "label": "2"}, {"id": 3, "text": "film", "label": "1"}]
    (tmp_path / "a [1].jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    output = tmp_path / "explained"
    command = ["explain", str(paths["text", "keras"]), "--data", str(tmp_path / "a [1].jsonl")]
    command += ["--target", "label", "--class-names", "2,1,0", "--keep", "id"]
    command += ["--output", str(output), "--runner", "DirectRunner", "--", "--direct_num_workers=1"]
    assert main(command) == 0
    explained = [
        (row["id"], row["target_name"], row["target"])
        for path in output.glob("*.parquet")
        for row in parquet.read_table(path).to_pylist()
    ]
    assert sorted(explained, key=str) == [("3", "1", 1), (None, "2", 0)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--text", "a"], "needs --data and --output"),
        (["--data", "no.tsv", "--output", "o"], "does not exist"),
        (["--data", __file__, "--output", "o", "--words"], "Received: --words"),
        (["--data", __file__, "--output", "o", "--workers", "4"], "Received: --workers"),
        (["--data", "DATA", "--output", "DATA"], "must be a new folder"),
        (
            ["--data", "DATA", "--output", "o", "--keep", "tokens"],
            "other than those of the explanation",
        ),
        (["--tfds", "imdb_reviews", "--output", "o"], "Received: --tfds"),
        (["--data", __file__, "--output", "o", "--steps", "8"], "Received: --steps"),
    ],
)
def test_options_that_do_not_go_with_a_runner(options, message, paths, capsys, tmp_path):
    (tmp_path / "a.csv").write_text("text\ngood\n")
    options = [str(tmp_path / "a.csv") if option == "DATA" else option for option in options]
    command = ["explain", str(paths["text", "saved_model"]), "--runner", "DirectRunner", *options]
    assert main(command) == 2
    assert message in capsys.readouterr().err
