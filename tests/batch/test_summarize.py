import json
import math
import statistics

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tf_salience as tfs
from tf_salience.explanation import records

from .conftest import read


def write(folder, rows):
    """Writes records, two shards of them, without a model."""
    folder.mkdir()
    empty = dict.fromkeys(records.COLUMNS)
    rows = [{**empty, "evaluations": 8, "target_name": "yes", **row} for row in rows]
    middle = len(rows) // 2
    for number, part in enumerate((rows[:middle], rows[middle:])):
        table = pa.Table.from_pylist(part, records.schema())
        pq.write_table(table, folder / f"shard-{number:06d}.parquet")
    return folder


def test_means_and_intervals_of_words(tmp_path):
    scores = [0.5, -0.25, 1.0, 0.75, 0.5]
    rows = [{"tokens": ["good", "film"], "scores": [score, 0.1]} for score in scores]
    rows += [{"tokens": ["good"], "scores": [-1.0], "target_name": "no", "converged": True}]
    rows += [{"tokens": ["rare"], "scores": [9.0], "converged": False}]
    summary = tfs.summarize(write(tmp_path / "a", rows), min_count=5)
    assert [word.word for word in summary.words["yes"]] == ["good", "film"]
    good = summary.words["yes"][0]
    assert (good.count, good.mean) == (5, pytest.approx(statistics.mean(scores)))
    half = 1.96 * statistics.stdev(scores) / math.sqrt(5)
    assert good.high - good.mean == pytest.approx(half, rel=1e-3)
    assert good.mean - good.low == pytest.approx(half, rel=1e-3)
    assert summary.words["no"] == (), "once is too seldom"
    assert summary.coverage.classes == {"yes": 6, "no": 1}
    assert summary.coverage.converged == 1
    assert summary.coverage.evaluations == 56


def test_pieces_of_a_word_are_put_together(tmp_path):
    row = {
        "tokens": ["[CLS]", "play", "ing", "loud", "[SEP]"],
        "scores": [5.0, 0.5, 0.25, -1.0, 5.0],
        "words": [-1, 0, 0, 1, -1],
    }
    plain = {"tokens": ["loud"], "scores": [1.0]}
    summary = tfs.summarize(write(tmp_path / "a", [row, plain]), min_count=1)
    means = {word.word: word.mean for word in summary.words["yes"]}
    assert means == {"playing": 0.75, "loud": 0.0}


def test_drift_between_folders(tmp_path):
    def rows(good, soup):
        return [
            {"tokens": ["good", "soup", "film"], "scores": [good + n % 2, soup, 0.5]}
            for n in range(10)
        ]

    before = write(tmp_path / "before", rows(0.0, 1.0))
    now = write(tmp_path / "now", [*rows(2.0, 0.0), {"tokens": ["new"] * 9, "scores": [1.0] * 9}])
    summary = tfs.summarize(now, compare_to=before, min_count=5)
    (gained,), (lost,) = summary.gained, summary.lost
    assert (gained.word, gained.difference) == ("good", pytest.approx(2.0))
    error = statistics.stdev([0, 1] * 5) / math.sqrt(10)
    assert gained.high - gained.difference == pytest.approx(1.96 * error * math.sqrt(2), rel=1e-3)
    assert (lost.word, lost.difference, lost.low) == ("soup", -1.0, -1.0)
    assert summary.coverage_before.rows == 10
    text = str(summary)
    for part in ("gained most", "lost most", "good", "soup", str(before)):
        assert part in text


def test_it_prints_as_a_table_and_becomes_a_dict(rows, explain, tmp_path):
    explain([*rows, {"id": "x", "text": "", "label": 0, "stars": 0.0}])
    summary = tfs.summarize(tmp_path / "out", min_count=3, top=2)
    assert summary.coverage.rows == len(read(tmp_path / "out")) == 40
    assert summary.coverage.errors == 1
    assert all(len(words) <= 2 for words in summary.words.values())
    text = str(summary)
    assert "40 rows" in text
    assert "1 errors" in text
    for words in summary.words.values():
        for word in words:
            assert word.word in text
            assert f"{word.mean:+.4g}" in text
    assert summary.to_dict()["coverage"]["rows"] == 40


def test_an_unfinished_folder_is_said(rows, explain, tmp_path):
    explain(rows)
    assert "not finished" not in str(tfs.summarize(tmp_path / "out"))
    path = tmp_path / "out" / "manifest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "complete": False}))
    assert "the job is not finished" in str(tfs.summarize(tmp_path / "out"))


def test_many_words_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("tf_salience.explanation.word_statistics.MOST_WORDS", 50)
    monkeypatch.setattr("tf_salience.batch.summarize._BATCH_ROWS", 20)
    rows = [{"tokens": [f"w{n}", "often"], "scores": [0.5, 1.0]} for n in range(300)]
    summary = tfs.summarize(write(tmp_path / "a", rows), min_count=1, top=1000)
    counts = {word.word: word.count for word in summary.words["yes"]}
    assert counts["often"] == 300
    assert len(counts) <= 120
    assert summary.dropped == 301 - len(counts)
    assert f"{summary.dropped} rare ones" in str(summary)


def test_a_folder_without_shards(tmp_path):
    with pytest.raises(FileNotFoundError, match="no shards"):
        tfs.summarize(tmp_path)
    with pytest.raises(TypeError, match=r"`folder` must be the path.*Received: folder=3"):
        tfs.summarize(3)
    with pytest.raises(ValueError, match="top=0"):
        tfs.summarize(tmp_path, top=0)


def test_a_folder_of_other_files(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"must be shards.*no column 'tokens'"):
        tfs.summarize(tmp_path)
    folder = write(tmp_path / "out", [{"tokens": ["good"], "scores": [1.0]}] * 2)
    pq.write_table(pa.table({"a": [1]}), folder / "z.parquet")
    with pytest.raises(ValueError, match=r"must be shards.*rows without tokens"):
        tfs.summarize(folder)
