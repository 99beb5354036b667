import json
import socket
import sys
import urllib.request
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience import data as datafiles
from tf_salience.data import LabelledTexts, read_file, split_train_test
from tf_salience.data import tfds as catalogue

REVIEWS = Path(__file__).parents[3] / "shared" / "data" / "movie_reviews.tsv"


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def test_tsv_keeps_bare_quotes(write):
    path = write("a.tsv", 'id\trating\ttext\n1\t2.5\ta "fine film\n2\t-1\t"odd" one\n3\t0\tso so\n')
    data = read_file(path)
    assert data.texts == ['a "fine film', '"odd" one', "so so"]
    assert data.labels.tolist() == [1, 0, 0], "the threshold itself is not above it"
    assert data.labels.dtype == np.int64
    assert data.class_names == ("negative", "positive")


def test_csv_has_quotes_and_lines_within_them(write):
    path = write("a.csv", 'text,label\n"one, ""two""\nthree",1\nfour,0\n')
    data = read_file(path)
    assert data.texts == ['one, "two"\nthree', "four"]
    assert data.labels.tolist() == [1, 0]
    assert data.class_names is None


def test_jsonl_keeps_line_separators_of_unicode(write):
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
def test_tsv_gives_back_what_was_written(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("any") / "a.tsv"
    lines = ["text\tlabel", *(f"{text}\t{index}" for index, text in enumerate(texts))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    data = read_file(path)
    assert data.texts == texts
    assert data.labels.tolist() == list(range(len(texts)))


def test_a_label_column_goes_before_a_rating_column(write):
    path = write("a.csv", "text,rating,label\nx,5,0\n")
    assert read_file(path).labels.tolist() == [0]
    assert read_file(path, rating_column="rating").labels.tolist() == [1]
    assert read_file(path, rating_column="rating", rating_threshold=5).labels.tolist() == [0]


def test_texts_alone(write):
    data = read_file(write("a.csv", "body\nx\ny\n"), text_column="body")
    assert (data.texts, data.labels, data.class_names) == (["x", "y"], None, None)


def test_a_byte_order_mark_is_no_part_of_a_name(write):
    assert read_file(write("a.csv", b"\xef\xbb\xbftext\nx\n")).texts == ["x"]


def test_empty_texts_are_left_out_with_one_warning(write):
    path = write("a.csv", "text,label\nx,0\n,1\n  ,1\ny,1\n")
    with pytest.warns(datafiles.EmptyTextWarning, match="left out 2 of 4 rows") as caught:
        data = read_file(path)
    assert len(caught) == 1
    assert (data.texts, data.labels.tolist()) == (["x", "y"], [0, 1])


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.txt", "x", {}, r"suffix '\.txt'.*\.tsv, \.csv, \.jsonl"),
        ("a.csv", "", {}, "holds no rows"),
        ("a.csv", "text\n", {}, "holds no rows"),
        ("a.csv", "txt,label\nx,1\n", {}, r"no column 'text'.*txt, label"),
        ("a.csv", "text\nx\n", {"label_column": "y"}, "no column 'y'"),
        ("a.csv", "text\nx\n", {"rating_column": "y"}, "no column 'y'"),
        ("a.csv", "text,text\nx,y\n", {}, "two columns have the same name"),
        ("a.tsv", "text\tlabel\nx\t1\ny\n", {}, r"a\.tsv:3: expected 2 fields.*Received: 1"),
        ("a.csv", 'text\n"x\n', {}, r"a\.csv:2: unexpected end of data"),
        ("a.csv", "text,rating\nx,1\ny,good\n", {}, r"a\.csv:3: .*finite number.*'good'"),
        ("a.csv", "text,rating\nx,nan\n", {}, r"a\.csv:2: .*finite number"),
        ("a.csv", "text,label\nx,\n", {}, r"a\.csv:2: .*must hold a class"),
        ("a.csv", "text,label\nx,-1\n", {}, r"a\.csv:2: classes are counted from 0.*-1"),
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
def test_what_cannot_be_read_is_said(write, name, content, options, message):
    with pytest.raises(ValueError, match=message):
        read_file(write(name, content), **options)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no data file.*a\.csv"):
        read_file(tmp_path / "a.csv")


@given(count=st.integers(2, 60), share=st.floats(0.01, 0.99), seed=st.integers(0, 5))
def test_a_split_is_a_partition_and_the_same_again(count, share, seed):
    data = LabelledTexts([str(i) for i in range(count)], np.arange(count))
    train, test = split_train_test(data, test_share=share, seed=seed)
    assert sorted(train.texts + test.texts, key=int) == data.texts
    assert min(len(train), len(test)) >= 1
    assert [str(label) for label in test.labels] == test.texts
    assert split_train_test(data, test_share=share, seed=seed)[1].texts == test.texts


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_split_needs_two_parts(share):
    with pytest.raises(ValueError, match="test_share"):
        split_train_test(LabelledTexts(["a", "b"]), test_share=share, seed=0)
    with pytest.raises(ValueError, match="at least two texts"):
        split_train_test(LabelledTexts(["a"]), test_share=0.5, seed=0)


@pytest.mark.skipif(not REVIEWS.is_file(), reason="the real reviews are not at ../shared/data")
def test_real_reviews():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = read_file(REVIEWS)
    assert len(data) == 10_605
    assert data.labels.mean() == pytest.approx(0.49, abs=0.01)


def test_an_unknown_tfds_name_is_answered_shortly(tmp_path):
    with pytest.raises(ValueError, match="Did you mean: imdb_reviews") as error:
        datafiles.load_tfds("imdb_reviewz", data_dir=tmp_path)
    assert len(str(error.value)) < 500
    with pytest.raises(ValueError, match=r"9\.9\.9"):
        datafiles.load_tfds("imdb_reviews:9.9.9", data_dir=tmp_path)


def test_a_host_out_of_reach_is_said_at_once(tmp_path, monkeypatch):
    def fail(host, port):
        raise socket.gaierror(f"no {host}")

    monkeypatch.setattr(urllib.request, "getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ConnectionError, match=r"'imdb_reviews' is not prepared.*ai\.stanford\.edu"):
        datafiles.load_tfds("imdb_reviews", data_dir=tmp_path)


def test_behind_a_proxy_names_are_not_looked_up(monkeypatch):
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy"})
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("looked up"))
    catalogue._check_hosts("any", {"https://nowhere.invalid/a.zip": None})


def test_features_are_found_by_type_or_listed():
    import tensorflow_datasets as tfds

    def builder(supervised=None, **features):
        info = SimpleNamespace(
            features=tfds.features.FeaturesDict(features), supervised_keys=supervised
        )
        return SimpleNamespace(name="made_up", info=info)

    text, label = tfds.features.Text(), tfds.features.ClassLabel(num_classes=2)

    def find(found, text_feature=None, label_feature=None):
        return catalogue._tfds_features(tfds, found, text_feature, label_feature)

    assert find(builder(idx=np.int32, sentence=text, label=label)) == ("sentence", "label")
    assert find(builder(("b", "y"), a=text, b=text, y=label)) == ("b", "y")
    assert find(builder(a=text, b=text, y=label), "a") == ("a", "y")
    with pytest.raises(ValueError, match=r"pass `text_feature`.*a \(Text\), b \(Text\)"):
        find(builder(a=text, b=text, y=label))
    with pytest.raises(ValueError, match="Received: label_feature='z'"):
        find(builder(a=text, y=label), None, "z")


def test_importing_needs_no_tensorflow():
    import subprocess

    code = "import sys, tf_salience.datafiles; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
