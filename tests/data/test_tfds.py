import socket
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tf_salience.data.tfds import load_tfds

TEXT, LABEL = tfds.features.Text(), tfds.features.ClassLabel(names=["negative", "positive"])


@pytest.fixture
def load(monkeypatch):
    """Loads the examples of a made-up data set with these features."""

    def load(features, examples=(), supervised_keys=None, *, is_prepared=True, **options):
        builder = SimpleNamespace(
            name="made_up",
            info=SimpleNamespace(
                features=tfds.features.FeaturesDict(features),
                supervised_keys=supervised_keys,
                splits=["train", "test"],
            ),
            url_infos={"https://nowhere.invalid/a.zip": None},
            is_prepared=lambda: is_prepared,
            download_and_prepare=lambda: print("downloading"),
            as_dataset=lambda split: examples,
        )
        monkeypatch.setattr(tfds, "builder", lambda *_, **__: builder)
        monkeypatch.setattr(tfds, "as_numpy", iter)
        return load_tfds("made_up", **options)

    return load


def fail(host, port):
    raise socket.gaierror(f"no {host}")


def test_texts_labels_and_class_names(load):
    examples = [{"text": "é".encode(), "label": 1}, {"text": b"a\xff", "label": 0}]
    data = load({"text": TEXT, "label": LABEL}, examples)
    assert data.texts == ["é", "a\ufffd"]
    assert data.labels.tolist() == [1, 0]
    assert data.labels.dtype == np.int64
    assert data.class_names == ("negative", "positive")


def test_classes_without_names(load):
    data = load({"text": TEXT, "label": np.int64}, [], ("text", "label"))
    assert data.class_names is None


def test_features_are_chosen_by_type_by_the_data_set_or_by_name(load):
    examples = [{"a": b"first", "b": b"second", "y": 0, "z": 1}]
    labels = {"y": LABEL, "z": np.int64}
    assert load({"a": TEXT, **labels}, examples).texts == ["first"]
    assert load({"a": TEXT, "b": TEXT, **labels}, examples, ("b", "y")).texts == ["second"]
    assert load({"a": TEXT, "b": TEXT, **labels}, examples, text_feature="b").texts == ["second"]
    data = load({"a": TEXT, **labels}, examples, ("a", "y"), label_feature="z")
    assert data.labels.tolist() == [1]


def test_features_that_cannot_be_chosen(load):
    with pytest.raises(ValueError, match=r"pass `text_feature`.*'a': 'Text', 'b': 'Text'"):
        load({"a": TEXT, "b": TEXT, "y": LABEL})
    with pytest.raises(ValueError, match="Received: label_feature='z'"):
        load({"a": TEXT, "y": LABEL}, label_feature="z")


def test_a_split_without_labels(load):
    with pytest.raises(ValueError, match=r"'test' of 'made_up'.*train, test"):
        load({"text": TEXT, "label": LABEL}, [{"text": b"a", "label": -1}], split="test")


def test_an_unknown_name_gets_a_short_message(tmp_path):
    with pytest.raises(ValueError, match=r"name='imdb_reviewz'.*imdb_reviews") as error:
        load_tfds("imdb_reviewz", data_dir=tmp_path)
    assert len(str(error.value)) < 500
    with pytest.raises(ValueError, match=r"9\.9\.9"):
        load_tfds("imdb_reviews:9.9.9", data_dir=tmp_path)


def test_a_host_that_cannot_be_reached(tmp_path, monkeypatch):
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ConnectionError, match=r"'imdb_reviews'.*ai\.stanford\.edu.*`data_dir`"):
        load_tfds("imdb_reviews", data_dir=tmp_path)


def test_behind_a_proxy_names_are_not_resolved(load, monkeypatch, capsys):
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy"})
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    examples = [{"text": b"a", "label": 1}]
    assert len(load({"text": TEXT, "label": LABEL}, examples, is_prepared=False)) == 1
    assert capsys.readouterr().out == "", "what TFDS prints is hidden"
