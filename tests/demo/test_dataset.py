import pytest

from tf_salience.data.tfds import load_tfds
from tf_salience.demo.grammar import make_sentences


def test_the_data_set_is_a_tfds_data_set(prepared):
    directory, (train, test, golds) = prepared
    assert (len(train), len(test)) == (6000, 600)
    assert not set(train.texts) & set(test.texts)
    sentences = {sentence.text: sentence for sentence in make_sentences(6600, seed=20261123)}
    for text, label, gold in zip(test.texts, test.labels, golds, strict=True):
        assert sentences[text].label == label
        assert sentences[text].gold == tuple(gold.tolist())
    loaded = load_tfds("salience_demo", data_dir=directory, split="test")
    assert (loaded.texts, loaded.class_names) == (test.texts, ("negative", "positive"))
    assert loaded.labels.tolist() == test.labels.tolist()
    with pytest.raises(ValueError, match=r"'gold': 'Sequence'"):
        load_tfds("salience_demo", data_dir=directory, text_feature="words")
