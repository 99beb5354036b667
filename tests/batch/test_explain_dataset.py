import json
import os
import signal
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tf_salience as tfs
from tf_salience.batch.shard_file import sha256

from .conftest import make_text, read, read_errors


def test_rows_are_those_of_the_explainer(model, rows, explain, tmp_path):
    method = tfs.IntegratedGradients(steps=8)
    manifest = explain(rows, keep=["id", "stars"], method=method)
    explanation = tfs.explain(model, [row["text"] for row in rows], method)
    result = read(tmp_path / "out")
    assert [row["row"] for row in result] == list(range(40))
    assert [(row["id"], row["stars"]) for row in result] == [(r["id"], r["stars"]) for r in rows]
    for row, salience in zip(result, explanation, strict=True):
        assert row["tokens"] == salience.tokens
        np.testing.assert_allclose(row["scores"], salience.scores, rtol=1e-4, atol=1e-6)
        assert (row["target"], row["target_name"]) == (salience.target, salience.target_name)
        for name in ("output", "baseline_output", "convergence_delta", "error_estimate"):
            assert row[name] == pytest.approx(getattr(salience, name), rel=1e-3, abs=1e-6)
        assert row["evaluations"] == salience.evaluations
    assert manifest.counts["rows"] == 40
    assert manifest.counts["evaluations"] == explanation.evaluations.sum()


def test_the_folder_says_what_it_holds(rows, explain, tmp_path):
    manifest = explain(rows, keep="id")
    document = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert document["complete"] is True
    assert document["counts"] == {
        "shards": 3, "source_rows": 40, "rows": 40, "errors": 0, "unconverged": 0,
        "evaluations": 40,
    }  # fmt: skip
    assert document["job"]["method"] == {"class_name": "gradient_dot_input", "config": {}}
    assert {"python", "tf_salience", "tensorflow", "keras", "pyarrow"} <= set(document["versions"])
    for shard in document["shards"]:
        path = tmp_path / "out" / shard["file"]
        assert (shard["bytes"], shard["sha256"]) == (path.stat().st_size, sha256(path))
    assert [shard.rows for shard in manifest.shards] == [16, 16, 8]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json", "shard-000000.parquet", "shard-000001.parquet", "shard-000002.parquet",
    ]  # fmt: skip


def test_row_groups_are_bounded(rows, explain, tmp_path, monkeypatch):
    monkeypatch.setattr("tf_salience.batch.shard_job.WINDOW_ROWS", 10)
    explain(rows, shard_rows=40)
    metadata = pq.read_metadata(tmp_path / "out" / "shard-000000.parquet")
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [10, 10, 10, 10]
    assert [row["row"] for row in read(tmp_path / "out")] == list(range(40))


def test_calls_have_rows_of_about_one_length(rows, explain, monkeypatch, tmp_path):
    monkeypatch.setattr("tf_salience.explainer.call_sizes.WIDTHS", (2, 3))
    widths = []
    call = tfs.Explainer.__call__

    def recorded(self, inputs, labels=None):
        widths.append({len(text.split()) for text in inputs})
        return call(self, inputs, labels)

    monkeypatch.setattr(tfs.Explainer, "__call__", recorded)
    explain(rows, shard_rows=40)
    assert widths == [{1, 2}, {3}, {4, 5, 6}, {7}]
    assert [row["row"] for row in read(tmp_path / "out")] == list(range(40))


def test_labels_and_class_names(rows, explain, tmp_path):
    explain(rows, target="label", label_column="label", class_names=["no", "yes"])
    result = read(tmp_path / "out")
    assert [row["target_name"] for row in result] == ["no", "yes"] * 20


@pytest.mark.parametrize(
    ("class_names", "expected"), [(["2", "1"], ["1", "2"]), (["no", "yes"], ["yes", "no"])]
)
def test_digits_are_names_where_a_class_has_them(explain, tmp_path, class_names, expected):
    labels = ["1", "2"] if "1" in class_names else ["1", "0"]
    source = [{"text": "good", "label": label} for label in labels]
    explain(source, target="label", label_column="label", class_names=class_names)
    assert [row["target_name"] for row in read(tmp_path / "out")] == expected


def test_several_inputs_are_columns(tmp_path):
    import keras

    first, second = (keras.Input((None,), dtype="int32", name=name) for name in ("a", "b"))
    embedding = keras.layers.Embedding(10, 4, mask_zero=True)
    pool = keras.layers.GlobalAveragePooling1D()
    pooled = keras.layers.Concatenate()([pool(embedding(first)), pool(embedding(second))])
    outputs = keras.layers.Dense(2)(pooled)
    source = [{"x": list(range(1, 2 + n % 3)), "y": [4, 5]} for n in range(6)]
    for inputs, columns in (
        ({"a": first, "b": second}, {"a": "x", "b": "y"}),
        ([first, second], ("x", "y")),
    ):
        model = keras.Model(inputs, outputs)
        folder = tmp_path / type(columns).__name__
        tfs.explain_dataset(
            model, source, folder, text_column=columns, method="gradient_norm", progress=False
        )
        result = read(folder)
        assert [len(row["tokens"]) for row in result] == [3, 4, 5] * 2
        assert [(s["name"], s["stop"]) for s in result[1]["segments"]] == [("a", 2), ("b", 4)]


class TestErrors:
    SOURCE = (
        {"text": "good soup"},
        {"text": b"bad \xff soup"},
        {"text": " "},
        {"text": None},
        {"text": "good " * 13},
        {"other": "good"},
        {"text": "!!!"},
        {"text": "the film"},
    )

    def test_rows_that_cannot_be_explained_are_set_apart(self, explain, tmp_path):
        with pytest.warns(tfs.UnexplainedRowsWarning, match=r"^6 of 8 rows .* first is .*UTF-8"):
            manifest = explain(self.SOURCE)
        assert [row["row"] for row in read(tmp_path / "out")] == [0, 7]
        errors = {error["row"]: error["reason"] for error in read_errors(tmp_path / "out")}
        assert list(errors) == [1, 2, 3, 4, 5, 6]
        for number, reason in enumerate(
            ("UTF-8", "empty", "empty", "13 tokens|longer", "no column", "no token|finite"), start=1
        ):
            assert any(part in errors[number] for part in reason.split("|")), errors[number]
        assert (manifest.counts["rows"], manifest.counts["errors"]) == (2, 6)

    def test_long_texts_may_be_cut(self, explain, tmp_path):
        with pytest.warns(tfs.TruncatedTextWarning):
            explain(self.SOURCE, long_texts="cut")
        assert [row["row"] for row in read(tmp_path / "out")] == [0, 4, 7]

    def test_nan_is_found_among_others(self, tmp_path):
        import keras

        model = keras.Sequential(
            [
                keras.Input((None,), dtype="int32"),
                keras.layers.Embedding(10, 4, mask_zero=True),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(1),
            ]
        )
        table = model.layers[0].get_weights()[0]
        table[7] = np.nan
        model.layers[0].set_weights([table])
        source = [{"ids": [1 + n % 6, 2]} for n in range(30)]
        source[11] = {"ids": [7, 2]}
        source[12] = {"ids": [1.0, float("nan")]}
        tfs.explain_dataset(
            model, source, tmp_path, text_column="ids", method="gradient_norm", progress=False
        )
        errors = {error["row"]: error["reason"] for error in read_errors(tmp_path)}
        assert list(errors) == [11, 12]
        assert "NaN" in errors[11]
        assert "finite" in errors[12]
        assert len(read(tmp_path)) == 28

    def test_numbers_among_texts(self, explain, tmp_path):
        source = [{"text": value} for value in ("good", 6, "bad", [2**70])]
        explain(source)
        assert [row["row"] for row in read(tmp_path / "out")] == [0, 2]
        errors = {error["row"]: error["reason"] for error in read_errors(tmp_path / "out")}
        assert list(errors) == [1, 3]
        assert "Texts cannot replace numbers" in errors[1]

    def test_lines_that_cannot_be_read_are_set_apart(self, explain, tmp_path):
        path = tmp_path / "a.tsv"
        path.write_bytes(b"id\ttext\n1\tgood soup\n2\n3\tbad \xff\n4\tthe film\n")
        explain(path, keep=["id"])
        assert [row["id"] for row in read(tmp_path / "out")] == ["1", "4"]
        errors = read_errors(tmp_path / "out")
        assert [error["location"].rpartition(":")[2] for error in errors] == ["3", "4"]
        assert "expected 2 fields" in errors[0]["reason"]
        assert errors[1]["source"]["id"] == "3"

    def test_too_many_end_the_job(self, explain, tmp_path):
        source = [{"text": "good"}] * 20 + [{"text": ""}] * 12
        with pytest.raises(ValueError, match=r"max_errors=11.*source:20.*is empty"):
            explain(source, max_errors=11)
        assert len(read(tmp_path / "out")) == 16, "the first shard is kept"
        assert explain(source, max_errors=12).counts["errors"] == 12

    def test_a_source_that_hangs_holds_up_no_error(self, explain):
        is_over = threading.Event()
        waits = []

        def source():
            yield from [{"text": ""}] * 16
            waits.append(is_over.wait(30))
            yield {"text": "good"}

        with pytest.raises(ValueError, match="max_errors=0"):
            explain(source(), max_errors=0)
        assert waits == [], "it still waits for its next row"
        is_over.set()

    def test_they_are_counted_over_all_shards(self, explain, tmp_path):
        source = [{"text": "good" if n % 8 else ""} for n in range(64)]
        with pytest.raises(ValueError, match="max_errors=5"):
            explain(source, max_errors=5)
        with pytest.raises(ValueError, match="max_errors=5"):
            explain(source, max_errors=5)
        assert explain(source, max_errors=None).counts["errors"] == 8

    def test_a_kept_value_of_another_type(self, explain, tmp_path):
        source = [{"id": n, "text": "good"} for n in range(20)]
        source[18] = {"id": "eighteen", "text": "good"}
        explain(source, keep=["id"])
        (error,) = read_errors(tmp_path / "out")
        assert error["row"] == 18
        assert "int64" in error["reason"]

    @pytest.mark.parametrize(
        ("first", "other"),
        [
            (1, 2.5),
            ({"a": 1}, {"a": 1, "b": 2}),
            ({"a": 1}, {"b": [2]}),
            ([{"a": 1}], [{"b": 2}]),
            (1, 2**70),
        ],
    )
    def test_a_kept_value_is_never_changed(self, explain, tmp_path, first, other):
        source = [{"meta": first, "text": "good"} for _ in range(18)]
        source[17] = {"meta": other, "text": "good"}
        explain(source, keep=["meta"])
        assert [error["row"] for error in read_errors(tmp_path / "out")] == [17]
        assert [row["meta"] for row in read(tmp_path / "out")] == [first] * 17

    def test_kept_types_of_a_first_shard_without_a_good_row(self, explain, tmp_path):
        source = [{"id": n, "text": "" if n < 16 else "good"} for n in range(18)]
        explain(source, keep=["id"])
        assert [row["id"] for row in read(tmp_path / "out")] == [16, 17]

    def test_a_kept_dict_may_lack_keys(self, explain, tmp_path):
        source = [{"meta": {"a": 1.0, "b": [1]}, "text": "good"}, {"meta": {"a": 2}, "text": "bad"}]
        source += [{"meta": {"a": float("nan"), "c": None}, "text": "bad"}]
        assert explain(source, keep=["meta"]).counts["rows"] == 3
        assert read(tmp_path / "out")[1]["meta"] == {"a": 2, "b": None, "c": None}

    @pytest.mark.parametrize(
        "value", [b"\xff", ["a", b"\xff"], {"a": b"\xff".decode("utf-8", "surrogateescape")}]
    )
    def test_a_kept_value_in_the_first_row_that_is_no_utf_8(self, explain, tmp_path, value):
        source = [{"id": value, "text": "good"}, {"id": None, "text": "good"}]
        explain(source, keep=["id"])
        (error,) = read_errors(tmp_path / "out")
        assert error["row"] == 0
        assert "'id' is not UTF-8" in error["reason"]


class TestRefused:
    def test_another_model_method_or_column(self, model, rows, explain, tmp_path):
        explain(rows)
        with pytest.raises(ValueError, match=r"method.class_name: 'gradient_dot_input', now"):
            explain(rows, method="gradient_norm")
        with pytest.raises(ValueError, match=r"columns.keep: \[\], now \['id'\]"):
            explain(rows, keep=["id"])
        with pytest.raises(ValueError, match="shard_rows: 16, now 8"):
            explain(rows, shard_rows=8)
        weights = model.get_weights()
        try:
            model.set_weights([weights[0], weights[1], weights[2] + 1])
            with pytest.raises(ValueError, match="What differs: model.weights"):
                explain(rows)
        finally:
            model.set_weights(weights)
        assert explain(rows).complete

    def test_a_job_that_began_with_a_wrong_column_begins_anew(self, rows, explain):
        with pytest.raises(ValueError, match="no column 'nothing'"):
            explain(rows, text_column="nothing")
        assert explain(rows).complete
        with pytest.raises(ValueError, match=r"columns.keep: \[\], now \['id'\]"):
            explain(rows, keep=["id"])

    def test_a_function_of_other_code_as_target(self, rows, explain):
        def of_class(number):
            return lambda outputs: outputs[:, number]

        explain(rows, target=of_class(0))
        assert explain(rows, target=of_class(0)).complete
        for function in (of_class(1), lambda outputs: outputs[:, 0] ** 2):
            with pytest.raises(ValueError, match=r"What differs: target\.code"):
                explain(rows, target=function)

    def test_a_tokenizer_of_other_settings(self, tmp_path):
        import keras

        model = keras.Sequential(
            [
                keras.Input((None,), dtype="int32"),
                keras.layers.Embedding(10, 4, mask_zero=True),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(2),
            ]
        )

        def explain(**settings):
            tokenizer = keras.layers.TextVectorization(vocabulary=["good", "bad"], **settings)
            return tfs.explain_dataset(
                model, [{"text": "Good"}], tmp_path, tokenizer=tokenizer, method="gradient_norm",
                progress=False,
            )  # fmt: skip

        explain()
        assert explain().complete, "names that Keras counts up do not matter"
        with pytest.raises(ValueError, match=r"What differs: tokenizer\.config"):
            explain(standardize=None)

    @pytest.mark.parametrize("number", [3, 39])
    def test_a_source_that_changed(self, rows, explain, number):
        explain(rows)
        changed = [*rows]
        changed[number] = {**rows[number], "text": "other words"}
        first = number // 16 * 16
        with pytest.raises(ValueError, match=rf"`source` has changed.*rows {first} to"):
            explain(changed)
        with pytest.raises(ValueError, match="`source` has changed"):
            explain(rows[:-1])
        with pytest.raises(ValueError, match="`source` has changed"):
            explain([*rows, rows[0]])
        assert explain(rows).complete

    def test_a_file_of_another_size_before_any_row_is_read(self, explain, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("text\ngood\nbad\n")
        explain(path)
        path.write_text("text\ngood\nbad\nsoup\n")
        with pytest.raises(ValueError, match=r"What differs: source.files"):
            explain(path)

    def test_a_folder_of_other_files(self, rows, explain, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "notes.txt").write_text("mine")
        with pytest.raises(ValueError, match="holds other files"):
            explain(rows)
        assert (tmp_path / "out" / "notes.txt").read_text() == "mine"

    def test_a_folder_that_another_job_is_writing(self, rows, explain):
        messages = []

        def source():
            yield from rows[:20]
            with pytest.raises(ValueError, match="no other job is writing") as caught:
                explain(rows)
            messages.append(str(caught.value))
            yield from rows[20:]

        assert explain(source()).counts["rows"] == 40
        assert len(messages) == 1
        assert explain(rows).complete, "the lock has gone"

    def test_a_damaged_shard(self, rows, explain, tmp_path):
        explain(rows)
        path = tmp_path / "out" / "shard-000001.parquet"
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ValueError, match=r"shard-000001\.parquet.*no whole shard"):
            explain(rows)
        path.unlink()
        assert explain(rows).counts["rows"] == 40

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "[]",
            '{"format": "tf_salience.explained_dataset"}',
            '{"format": "tf_salience.explained_dataset", "version": 1}',
            '{"format": "tf_salience.explained_dataset", "version": 1, "shards": [3]}',
        ],
    )
    def test_a_damaged_manifest(self, rows, explain, tmp_path, text):
        explain(rows)
        path = tmp_path / "out" / "manifest.json"
        whole = path.read_text()
        path.write_text(text)
        with pytest.raises(ValueError, match=r"manifest.*(Bring the file back|Use the release)"):
            explain(rows)
        path.write_text(whole)
        assert explain(rows).counts["rows"] == 40

    def test_a_copy_of_a_shard(self, rows, explain, tmp_path):
        explain(rows)
        path = tmp_path / "out" / "shard-000000.parquet"
        path.with_name("shard-000000 (copy).parquet").write_bytes(path.read_bytes())
        with pytest.raises(ValueError, match=r"\(copy\).*Move it elsewhere"):
            explain(rows)

    @pytest.mark.parametrize("name", ["file", "file/out"])
    def test_an_output_that_is_a_file(self, rows, explain, tmp_path, name):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(ValueError, match="`output` must be a folder"):
            explain(rows, folder=name)
        assert (tmp_path / "file").read_text() == "mine"

    @pytest.mark.parametrize(
        "changes", [{"keep": None}, {"keep": 5}, {"text_column": None}, {"text_column": 5}]
    )
    def test_names_of_columns(self, rows, explain, changes):
        with pytest.raises(TypeError, match="must be names of columns"):
            explain(rows, **changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"keep": ["row"]}, "other than those of the explanation"),
            ({"keep": ["id", "id"]}, "different columns"),
            ({"keep": ["nothing"]}, "there is no column 'nothing'"),
            ({"text_column": "nothing"}, "there is no column 'nothing'"),
            ({"shard_rows": 0}, "shard_rows=0"),
            ({"workers": 0}, "workers=0"),
            ({"limit": -1}, "limit=-1"),
            ({"max_errors": -1}, "max_errors=-1"),
            ({"long_texts": "drop"}, "long_texts='drop'"),
            ({"method": "magic"}, "magic"),
            ({"target": 7}, "target=7"),
            ({"target": "yess", "class_names": ["no", "yes"]}, "Did you mean 'yes'"),
            ({"target": "label"}, "labels=None"),
            ({"class_names": ["a", "b", "c"]}, "each of the model's 2 outputs"),
        ],
    )
    def test_arguments(self, rows, explain, changes, message):
        with pytest.raises(ValueError, match=message):
            explain(rows, **changes)

    def test_sources(self, explain, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"none\*\.tsv"):
            explain(str(tmp_path / "none*.tsv"))
        with pytest.raises(FileNotFoundError, match=r"Pass texts as rows, `\[\{'text': text\}"):
            explain(["good soup"])
        with pytest.raises(TypeError, match="must yield dicts"):
            explain(iter(["good soup"]))
        with pytest.raises(TypeError, match="`source` must be"):
            explain(7)
        (tmp_path / "a.txt").write_text("x")
        with pytest.raises(ValueError, match=r"\.tsv, \.csv, \.jsonl, \.parquet"):
            explain(tmp_path / "a.txt")


def test_finished_shards_are_not_computed_again(rows, explain, tmp_path, monkeypatch):
    before = explain(rows)
    for name in ("shard-000001.parquet", "manifest.json"):
        path = tmp_path / "out" / name
        kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("shard*") if p != path}
        if path.suffix == ".json":
            document = json.loads(path.read_text())
            path.write_text(json.dumps({**document, "shards": [], "complete": False}))
        else:
            path.unlink()
        texts = []
        call = tfs.Explainer.__call__

        def recorded(self, inputs, labels=None, texts=texts, call=call):
            texts.extend(inputs)
            return call(self, inputs, labels)

        with monkeypatch.context() as patch:
            patch.setattr(tfs.Explainer, "__call__", recorded)
            assert explain(rows) == before
        if path.suffix == ".json":
            assert texts == []
        else:  # with one companion for each bucket, of which there are two
            assert {row["text"] for row in rows[16:32]} <= set(texts)
            assert len(texts) <= 16 + 2
        assert all(p.stat().st_mtime_ns == time for p, time in kept.items())


def test_ctrl_c_ends_at_a_shard(model, rows, explain, tmp_path, capsys):
    handler = signal.getsignal(signal.SIGINT)

    def interrupting():
        for number, row in enumerate(rows):
            if number == 20:
                os.kill(os.getpid(), signal.SIGINT)
            yield row

    with pytest.raises(KeyboardInterrupt):
        explain(interrupting())
    assert signal.getsignal(signal.SIGINT) is handler
    done = len(read(tmp_path / "out"))
    assert done in (16, 32)
    assert f"{done} rows" in capsys.readouterr().err
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["complete"] is False
    assert explain(iter(rows)).complete
    assert len(read(tmp_path / "out")) == 40
    assert not [thread for thread in threading.enumerate() if thread.name == "tf_salience.read"]


def test_an_error_of_the_source_is_that_of_the_call(rows, explain, tmp_path):
    def failing():
        yield from rows[:20]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        explain(failing())
    assert len(read(tmp_path / "out")) == 16


def test_the_model_stays_as_it_was(model, rows, explain):
    weights = model.get_weights()
    texts = np.array([row["text"] for row in rows], object)
    before = model.predict(texts, verbose=0)
    explain(rows)
    np.testing.assert_array_equal(model.predict(texts, verbose=0), before)
    for new, old in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(new, old)


def test_a_path_or_a_function_makes_the_model(model, rows, tmp_path):
    model.save(tmp_path / "m.keras")
    keywords = {"method": "gradient_norm", "progress": False}
    for name, value in (("a", model), ("b", tmp_path / "m.keras"), ("c", lambda: model)):
        tfs.explain_dataset(value, rows, tmp_path / name, **keywords)
    tables = [pq.read_table(tmp_path / n / "shard-000000.parquet") for n in "abc"]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_what_did_not_converge_is_counted(explain, rows, tmp_path):
    method = tfs.IntegratedGradients(tolerance=1e-30, max_steps=8)
    with pytest.warns(tfs.NotConvergedWarning, match=r"of 40 rows did not converge") as caught:
        manifest = explain(rows, method=method)
    assert len(caught) == 1
    missed = sum(row["converged"] is False for row in read(tmp_path / "out"))
    assert manifest.counts["unconverged"] == missed > 0


@pytest.mark.slow
def test_workers_give_the_same(rows, explain, tmp_path):
    source = [{"id": n, "text": make_text(n)} for n in range(100)]
    source[50] = {"id": 50, "text": ""}
    alone = explain(source, "one", keep=["id"])
    together = explain(source, "two", keep=["id"], workers=2)
    assert together == alone, "the manifest has the checksum of each shard"
    assert read_errors(tmp_path / "two") == read_errors(tmp_path / "one")
    with pytest.raises(ValueError, match="max_errors=0"):
        explain(source, "three", workers=2, max_errors=0)
    with pytest.raises(TypeError, match="pickle must be able"):
        explain(source, "four", workers=2, target=lambda outputs: outputs[:, 0])


def test_an_empty_source(explain, tmp_path):
    assert explain([]).counts["rows"] == 0
    assert list((tmp_path / "out").glob("*.parquet")) == []


def test_columns_of_the_schema(rows, explain, tmp_path):
    explain(rows, keep=["stars", "label"])
    schema = pq.read_schema(tmp_path / "out" / "shard-000000.parquet")
    assert schema.field("stars").type == pa.float64()
    assert schema.field("label").type == pa.int64()
    assert schema.names[:4] == ["row", "stars", "label", "tokens"]
