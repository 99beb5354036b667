"""`TextVectorization` as the tokenizer, inside a model and beside it."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs


def model_and_vectorizer(**keywords):
    """A model of ids, and the vectorizer of its texts."""
    return (
        helpers.weights_alive(helpers.sequential_lstm()),
        keras.layers.TextVectorization(**{"vocabulary": helpers.WORDS, **keywords}),
    )


def without_vectorizer(model):
    """The layers after the vectorizer, as a model of ids."""
    of_ids = keras.Sequential(model.layers[1:])
    of_ids.build((None, helpers.WIDTH))
    return of_ids


def test_a_vectorizer_beside_the_model_is_like_one_inside():
    model = helpers.weights_alive(helpers.text_model())
    beside = tfs.explain(without_vectorizer(model), helpers.texts(), tokenizer=helpers.vectorizer())
    inside = tfs.explain(model, helpers.texts())
    assert beside.tokens == inside.tokens
    assert beside.tokens == [text.split() for text in helpers.texts()]
    np.testing.assert_allclose(beside.scores, inside.scores, atol=1e-6)


@pytest.mark.parametrize("ragged", [False, True])
def test_texts_as_lists_arrays_tensors_and_one_string(ragged):
    model, vectorizer = model_and_vectorizer(ragged=ragged)
    texts = ["w1 w2 w3", "W4!"]
    explainer = tfs.Explainer(model, "gradient_norm", tokenizer=vectorizer)
    of_list = explainer(texts)
    for array in (np.array(texts), tf.constant(texts), np.array(texts, object)):
        np.testing.assert_array_equal(explainer(array).scores, of_list.scores)
    assert explainer("w1 w2 w3")[0].tokens == ["w1", "w2", "w3"]
    assert of_list[1].tokens == ["w4"]


@pytest.mark.parametrize(
    ("keywords", "text", "tokens", "cut"),
    [
        ({}, "W1, (w'2)  w3!", ["w1", "w2", "w3"], ["W1", "w'2", "w3"]),
        ({"standardize": None}, "w1 w2", ["w1", "w2"], ["w1", "w2"]),
        ({"split": "character", "vocabulary": list("wab1 ")}, "Wa b", list("wa b"), list("Wa b")),
        ({"ragged": True}, "w1 zzz w2", ["w1", "[UNK]", "w2"], ["w1", "zzz", "w2"]),
        # Pairs of words come after all single words, so they have no offsets.
        ({"ngrams": 2, "vocabulary": ["w1", "w2", "w1 w2"]}, "w1 w2", ["w1", "w2", "w1 w2"], None),
        ({"standardize": lambda texts: tf.strings.regex_replace(texts, "#", "w")}, "#1 #2",
         ["w1", "w2"], None),
    ],
    ids=["plain", "not standardized", "characters", "ragged", "ngrams", "own standardize"],
)  # fmt: skip
def test_tokens_and_their_offsets(keywords, text, tokens, cut):
    model, vectorizer = model_and_vectorizer(**keywords)
    salience = tfs.explain(model, [text], "gradient_norm", tokenizer=vectorizer)[0]
    assert salience.tokens == tokens
    assert salience.words is None
    if cut is None:
        assert set(salience.offsets) == {None}
    else:
        assert [text[start:stop] for start, stop in salience.offsets] == cut


def test_offsets_of_a_text_inside_the_model():
    model = helpers.weights_alive(helpers.text_model())
    explanation = tfs.explain(model, ["w1 w2", "  w3"], "gradient_norm")
    assert [salience.offsets for salience in explanation] == [[(0, 2), (3, 5)], [(2, 4)]]
    ids = helpers.vectorizer()(["w1 w2"])
    assert tfs.explain(without_vectorizer(model), ids, "gradient_norm")[0].offsets is None


def test_texts_that_are_truncated():
    model, vectorizer = model_and_vectorizer(output_sequence_length=2)
    with pytest.warns(tfs.TruncatedTextWarning, match=r"takes 2 tokens; example 1 .*up to 3"):
        tfs.explain(model, ["w1 w2", "w1 w2 w3"], "gradient_norm", tokenizer=vectorizer)


def test_vectorizers_without_ids_or_vocabulary():
    model, _ = model_and_vectorizer()
    counts = keras.layers.TextVectorization(vocabulary=helpers.WORDS, output_mode="count")
    with pytest.raises(ValueError, match="Received: output_mode='count'"):
        tfs.Explainer(model, tokenizer=counts)
    with pytest.raises(ValueError, match="has no vocabulary.*adapt"):
        tfs.Explainer(model, tokenizer=keras.layers.TextVectorization())
