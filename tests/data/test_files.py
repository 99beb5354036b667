import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.data.files import EmptyTextWarning, read_file

REVIEWS = Path(__file__).parents[3] / "shared" / "data" / "movie_reviews.tsv"


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def test_tsv_keeps_quotes(write):
    path = write("a.tsv", 'id\trating\ttext\n1\t2.5\ta "fine film\n2\t-1\t"odd" one\n3\t0\tso so\n')
    data = read_file(path)
    assert data.texts == ['a "fine film', '"odd" one', "so so"]
    assert data.labels.tolist() == [1, 0, 0], "the threshold itself is negative"
    assert data.labels.dtype == np.int64
    assert data.class_names == ("negative", "positive")


def test_csv_quotes_fields_that_hold_quotes_and_line_breaks(write):
    path = write("a.csv", 'text,label\n"one, ""two""\nthree",1\nfour,0\n')
    data = read_file(path)
    assert data.texts == ['one, "two"\nthree', "four"]
    assert data.labels.tolist() == [1, 0]
    assert data.class_names is None


def test_jsonl_keeps_unicode_line_separators(write):
    rows = [{"text": "a\u2028b", "label": "pos"}, {"text": "c", "label": "neg"}]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    data = read_file(write("a.jsonl", content + "\n\n"))
    assert data.texts == ["a\u2028b", "c"]
    assert data.class_names == ("neg", "pos")
    assert data.labels.tolist() == [1, 0]


@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\t\r\n\0"), min_size=1).filter(
            str.strip
        ),
        min_size=1,
    )
)
def test_tsv_texts_are_read_as_they_were_written(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("any") / "a.tsv"
    lines = ["text\tlabel", *(f"{text}\t{index}" for index, text in enumerate(texts))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    data = read_file(path)
    assert data.texts == texts
    assert data.labels.tolist() == list(range(len(texts)))


def test_a_label_column_has_precedence_over_a_rating_column(write):
    path = write("a.csv", "text,rating,label\nx,5,0\n")
    assert read_file(path).labels.tolist() == [0]
    assert read_file(path, rating_column="rating").labels.tolist() == [1]
    assert read_file(path, rating_column="rating", rating_threshold=5).labels.tolist() == [0]


def test_texts_without_labels(write):
    data = read_file(write("a.csv", "body\nx\ny\n"), text_column="body")
    assert (data.texts, data.labels, data.class_names) == (["x", "y"], None, None)


def test_a_byte_order_mark_is_not_a_part_of_a_name(write):
    assert read_file(write("a.csv", b"\xef\xbb\xbftext\nx\n")).texts == ["x"]


def test_empty_texts_are_left_out_with_one_warning(write):
    path = write("a.csv", "text,label\nx,0\n,1\n  ,1\ny,1\n")
    with pytest.warns(EmptyTextWarning, match="left out 2 of 4 rows") as caught:
        data = read_file(path)
    assert [warning.filename for warning in caught] == [__file__]
    assert (data.texts, data.labels.tolist()) == (["x", "y"], [0, 1])


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.txt", "x", {}, r"\.tsv, \.csv, \.jsonl.*Received: .*'\.txt'"),
        ("a.csv", "", {}, "holds no rows"),
        ("a.csv", "text\n", {}, "holds no rows"),
        ("a.csv", "txt,label\nx,1\n", {}, r"no column 'text'.*'txt', 'label'"),
        ("a.csv", "text\nx\n", {"label_column": "y"}, "no column 'y'"),
        ("a.csv", "text\nx\n", {"rating_column": "y"}, "no column 'y'"),
        ("a.csv", "text,text\nx,y\n", {}, "two columns have the same name"),
        ("a.tsv", "text\tlabel\nx\t1\ny\n", {}, r"a\.tsv:3: expected 2 fields.*Received: 1"),
        ("a.csv", 'text\n"x\n', {}, r"a\.csv:2: unexpected end of data"),
        ("a.csv", "text,rating\nx,1\ny,good\n", {}, r"a\.csv:3: .*finite number.*'good'"),
        ("a.csv", "text,rating\nx,nan\n", {}, r"a\.csv:2: .*finite number"),
        ("a.csv", "text,label\nx,\n", {}, r"a\.csv:2: .*must hold a class"),
        ("a.csv", "text,label\nx,-1\n", {}, r"a\.csv:2: classes are counted from 0.*-1"),
        (
            "a.csv",
            "text,label\nx,99999999999999999999\n",
            {},
            r"a\.csv:2: classes are counted.*9999",
        ),
        ("a.jsonl", '{"text": "x", "rating": 1' + "0" * 400 + "}", {}, r"l:1: .*finite number"),
        ("a.jsonl", '\n{"text": "x", "label": 1' + "0" * 5000 + "}", {}, r"l:2: .*4300"),
        ("a.jsonl", "{}\n" + '{"text":' * 100_000, {}, r"a\.jsonl:2: .*nested too deeply"),
        ("a.jsonl", r'{"text": "a\ud800"}', {}, r"a\.jsonl:1: .*lone surrogates in 'a\\ud800'"),
        ("a.csv", "text\n \n", {}, "empty in all 1 rows"),
        ("a.csv", b"text\n\xff\n", {}, "is not UTF-8 .*byte 5"),
        ("a.jsonl", '{"text": "x"}\n{"text": \n', {}, r"a\.jsonl:2: not JSON"),
        ("a.jsonl", "[1]\n", {}, r"a\.jsonl:1: expected an object"),
        ("a.jsonl", '{"text": 3}\n', {}, r"a\.jsonl:1: .*must hold a string.*3"),
        ("a.jsonl", '{"text": "x", "label": 0.5}\n', {}, r"a\.jsonl:1: .*must hold a class.*0\.5"),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y"}\n', {}, r":2: there is no column"),
        ("a.csv", "text\nx\n", {"label_column": "a", "rating_column": "b"}, "not both"),
    ],
)
def test_files_that_cannot_be_read(write, name, content, options, message):
    with pytest.raises(ValueError, match=message):
        read_file(write(name, content), **options)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.csv"):
        read_file(tmp_path / "a.csv")


@pytest.mark.skipif(not REVIEWS.is_file(), reason="the real reviews are not at ../shared/data")
def test_real_reviews():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = read_file(REVIEWS)
    assert len(data) == 10_605
    assert data.labels.mean() == pytest.approx(0.49, abs=0.01)


def test_importing_needs_no_tensorflow():
    code = "import sys, tf_salience.data.files; print('tensorflow' in sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "False"
