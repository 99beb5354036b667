import pytest

from tf_salience.data.tfds import load_tfds
from tf_salience.demo.grammar import make_sentences


def test_the_data_set_is_a_tfds_data_set(prepared):
    directory, (train, test) = prepared
    assert (len(train.data), len(test.data)) == (6000, 600)
    assert not set(train.data.texts) & set(test.data.texts)
    sentences = {sentence.text: sentence for sentence in make_sentences(6600, seed=20261123)}
    for text, label, gold in zip(test.data.texts, test.data.labels, test.gold, strict=True):
        assert sentences[text].label == label
        assert sentences[text].gold == tuple(gold.tolist())
    loaded = load_tfds("salience_demo", data_dir=directory, split="test")
    assert (loaded.texts, loaded.class_names) == (test.data.texts, ("negative", "positive"))
    assert loaded.labels.tolist() == test.data.labels.tolist()
    with pytest.raises(ValueError, match=r"gold \(Sequence\)"):
        load_tfds("salience_demo", data_dir=directory, text_feature="words")
