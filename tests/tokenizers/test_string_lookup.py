"""`StringLookup` as the tokenizer: words to ids, where the user splits the texts."""

import helpers
import keras
import numpy as np
import pytest
from keras import layers

import tf_salience as tfs
from tf_salience.tokenizers.adapt import adapt

WORDS = ["good", "film", "bad"]


@pytest.fixture(scope="module")
def model():
    return helpers.weights_alive(helpers.sequential_lstm())


def test_ids_are_shown_as_words(model):
    lookup = layers.StringLookup(vocabulary=WORDS, mask_token="")
    explanation = tfs.explain(model, [[2, 3, 1, 0]], "gradient_norm", tokenizer=lookup)
    assert explanation.tokens == [["good", "film", "[UNK]"]]


def test_split_texts_are_looked_up(model):
    lookup = layers.StringLookup(vocabulary=WORDS, mask_token="")
    explainer = tfs.Explainer(model, "gradient_norm", tokenizer=lookup)
    explanation = explainer([["good", "film", "zzz"], ["bad", "", ""]])
    assert explanation.tokens == [["good", "film", "[UNK]"], ["bad"]]
    assert explanation.offsets is None
    np.testing.assert_array_equal(explanation.scores, explainer([[2, 3, 1], [4, 0, 0]]).scores)


@pytest.mark.parametrize(
    ("keywords", "pad_id", "unknown_id"),
    [
        ({}, None, 0),
        ({"mask_token": ""}, 0, 1),
        ({"mask_token": "[MASK]", "num_oov_indices": 2}, 0, 1),
        ({"num_oov_indices": 0}, None, None),
    ],
    ids=str,
)
def test_special_ids(keywords, pad_id, unknown_id):
    lookup = layers.StringLookup(vocabulary=WORDS, **keywords)
    tokenizer = adapt(lookup)
    assert (tokenizer.pad_id, tokenizer.unknown_id) == (pad_id, unknown_id)
    ids = tokenizer.encode(np.array([WORDS], object))
    assert [tokenizer.vocabulary[token_id] for token_id in ids[0]] == WORDS


def test_whole_texts_are_no_words(model):
    lookup = layers.StringLookup(vocabulary=WORDS)
    with pytest.raises(ValueError, match=r"does not split texts.*`\[text.split\(\) for text in"):
        tfs.explain(model, ["good film"], tokenizer=lookup)


def test_an_inverted_layer_reads_ids_alone(model):
    lookup = layers.StringLookup(vocabulary=WORDS, invert=True)
    explanation = tfs.explain(model, [[1, 2]], "gradient_norm", tokenizer=lookup)
    assert explanation.tokens == [["good", "film"]]
    with pytest.raises(TypeError, match="turns texts into ids"):
        tfs.explain(model, [["good", "film"]], tokenizer=lookup)


@pytest.mark.parametrize(
    ("lookup", "message"),
    [
        (layers.StringLookup(vocabulary=WORDS, output_mode="one_hot"), "output_mode='one_hot'"),
        (layers.StringLookup(), "has no vocabulary.*adapt"),
        (layers.StringLookup(mask_token=""), "has no vocabulary.*adapt"),
    ],
)
def test_layers_without_ids_or_vocabulary(model, lookup, message):
    with pytest.raises(ValueError, match=message):
        tfs.Explainer(model, tokenizer=lookup)


def test_an_export_takes_the_ids(model, tmp_path):
    lookup = layers.StringLookup(vocabulary=WORDS, mask_token="")
    folder = tfs.export_saved_model(model, tmp_path / "m", method="gradient_norm", tokenizer=lookup)
    signatures = tfs.read_signature(folder)["signatures"]["attributions"]
    (inputs,) = signatures["inputs"].values()
    assert inputs["dtype"] == "int32"
    assert "tokens" in signatures["outputs"]


def test_words_that_a_model_takes_are_no_texts_with_offsets():
    words = keras.Input((3,), dtype="string")
    ids = layers.StringLookup(vocabulary=WORDS)(words)
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(4, 3)(ids))
    model = keras.Model(words, layers.Dense(2)(hidden))
    explanation = tfs.explain(model, [["good", "film", "bad"], ["bad"] * 3], "gradient_norm")
    assert explanation.offsets is None
