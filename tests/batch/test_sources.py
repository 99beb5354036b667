import datetime
import decimal
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tf_salience.batch.sources import open_source
from tf_salience.data.rows import estimate_rows

from .conftest import read

ROWS = [{"id": n, "text": text} for n, text in enumerate(["good soup", 'a "b"', "é\u2028x", "the"])]


def write_parquet(path, rows=ROWS):
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_tsv(path, rows=ROWS):
    lines = [f"{row['id']}\t{row['text']}" for row in rows]
    path.write_text("\n".join(["id\ttext", *lines]) + "\n", encoding="utf-8")


def write_csv(path, rows=ROWS):
    lines = ['{},"{}"'.format(row["id"], row["text"].replace('"', '""')) for row in rows]
    path.write_text("\n".join(["id,text", *lines]) + "\n", encoding="utf-8")


def write_jsonl(path, rows=ROWS):
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


WRITERS = {"parquet": write_parquet, "tsv": write_tsv, "csv": write_csv, "jsonl": write_jsonl}


def texts(source):
    return [row.cells["text"] for row in source.rows()]


@pytest.mark.parametrize("kind", WRITERS)
def test_files_of_each_kind(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    WRITERS[kind](path)
    source = open_source(path)
    for _ in range(2):
        assert texts(source) == [row["text"] for row in ROWS]
    assert [int(row.cells["id"]) for row in source.rows()] == [0, 1, 2, 3]
    assert next(source.first(1).rows()).location.startswith(str(path))
    assert abs(estimate_rows(path) - 4) <= 1
    assert len(list(source.first(2).rows())) == 2


def test_patterns_and_lists_are_read_in_order(tmp_path):
    for number in (2, 10, 1):
        write_parquet(tmp_path / f"part-{number:02d}.parquet", [{"text": f"t{number}"}])
    write_jsonl(tmp_path / "other.jsonl", [{"text": "last"}])
    source = open_source([tmp_path / "part-*.parquet", tmp_path / "other.jsonl"])
    assert texts(source) == ["t1", "t2", "t10", "last"]
    assert source.total == 4
    assert [file["name"] for file in source.facts["files"]][-1] == "other.jsonl"
    bracketed = tmp_path / "a[1].jsonl"
    write_jsonl(bracketed, [{"text": "brackets"}])
    assert texts(open_source(str(bracketed))) == ["brackets"]


def test_a_parquet_file_with_two_columns_of_one_name(tmp_path, explain):
    table = pa.Table.from_arrays(
        [pa.array(["good"]), pa.array([1]), pa.array([2])], ["text", "a", "a"]
    )
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: two columns have the same name"):
        explain(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("first", "last", "arrow_type"),
    [
        (decimal.Decimal("1.25"), decimal.Decimal("123456.25"), pa.decimal128(12, 2)),
        (1, 2**63 + 5, pa.uint64()),
        (None, 3, pa.int32()),
        (None, 0.5, pa.float32()),
        (None, True, pa.bool_()),
        (None, datetime.date(2026, 11, 29), pa.date32()),
        (None, "x", pa.large_string()),
        (None, [1], pa.list_(pa.int8())),
    ],
)
def test_columns_of_parquet_keep_their_types(tmp_path, explain, first, last, arrow_type):
    values = pa.array([first] * 17 + [last], arrow_type)
    pq.write_table(pa.table({"text": ["good"] * 18, "x": values}), tmp_path / "a.parquet")
    assert explain(tmp_path / "a.parquet", keep=["x"], limit=18).counts["errors"] == 0
    assert [row["x"] for row in read(tmp_path / "out")] == [first] * 17 + [last]


def test_nanoseconds_in_parquet(tmp_path, explain):
    times = pa.array([1, 2_000], pa.timestamp("ns"))
    pq.write_table(pa.table({"text": ["good", "bad"], "at": times}), tmp_path / "a.parquet")
    assert explain(tmp_path / "a.parquet", keep=["at"]).counts["rows"] == 2
    assert "00:00:00.000000001" in str(read(tmp_path / "out")[0]["at"])


def test_bytes_that_are_no_utf8_do_not_end_a_parquet_file(tmp_path, explain):
    texts = pa.array([b"good soup", b"bad \xff", b"film"], pa.binary())
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    manifest = explain(tmp_path / "a.parquet")
    assert (manifest.counts["rows"], manifest.counts["errors"]) == (2, 1)


def test_datasets_of_batches_and_of_elements(explain, tmp_path):
    strings = [row["text"] for row in ROWS]
    pairs = tf.data.Dataset.from_tensor_slices((strings, [1, 0, 1, 0]))
    for dataset in (pairs, pairs.batch(3)):
        source = open_source(dataset)
        assert texts(source) == strings
        assert [row.cells["label"] for row in source.rows()] == [1, 0, 1, 0]
    named = tf.data.Dataset.from_tensor_slices({"text": strings, "id": [5, 6, 7, 8]}).batch(2)
    explain(named, keep=["id"])
    assert [row["id"] for row in read(tmp_path / "out")] == [5, 6, 7, 8]
    ragged = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1, 2], [3]])).batch(2)
    assert texts(open_source(ragged)) == [[1, 2], [3]]
    with pytest.raises(ValueError, match="repeats without end"):
        open_source(pairs.repeat())


def test_elements_of_datasets():
    strings = ["good", "bad"]
    slices = tf.data.Dataset.from_tensor_slices
    assert texts(open_source(slices((strings,)).batch(2))) == strings
    sparse = tf.sparse.from_dense([[1, 2], [3, 0]])
    for elements in (((strings, strings), [0, 1]), sparse, (strings, {"a": [0, 1]})):
        with pytest.raises(TypeError, match=r"dense or ragged.*source\.map"):
            open_source(slices(elements).batch(2))


def test_values_become_those_of_python():
    source = open_source([{"text": np.array([1, 2]), "id": np.int32(3), "x": b"\xff"}])
    (row,) = source.rows()
    assert row.cells == {"text": [1, 2], "id": 3, "x": "\udcff"}
    (row,) = open_source([{"at": np.datetime64("2026-11-29T00:00:00.000000001")}]).rows()
    assert row.cells["at"] == "2026-11-29T00:00:00.000000001"


class Tiny(tfds.core.GeneratorBasedBuilder):
    """Three texts."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({"text": tfds.features.Text(), "n": np.int64})
        )

    def _split_generators(self, dl_manager):
        return {"test": self._generate_examples()}

    def _generate_examples(self):
        for number, text in enumerate(["good", "bad soup", "film"]):
            yield number, {"text": text, "n": number}


@pytest.mark.slow
def test_a_split_of_tensorflow_datasets(tmp_path, explain):
    Tiny(data_dir=tmp_path / "tfds").download_and_prepare()
    keywords = {"split": "test", "data_dir": tmp_path / "tfds"}
    manifest = explain("tiny", keep=["n"], **keywords)
    rows = read(tmp_path / "out")
    assert sorted((row["n"], " ".join(row["tokens"])) for row in rows) == [
        (0, "good"), (1, "bad soup"), (2, "film"),
    ]  # fmt: skip
    assert manifest.job["source"] == {"kind": "tfds", "name": "tiny/1.0.0", "split": "test"}
    assert explain("tiny", keep=["n"], **keywords) == manifest
    part = open_source("tiny", split="test[:1]", data_dir=tmp_path / "tfds")
    assert (part.total, len(texts(part))) == (1, 1)
    with pytest.raises(TypeError, match="`split` needs the name"):
        open_source([{}], split="test")
