import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs


def outside(**keywords):
    """A model of ids and the vectorizer that makes them, apart."""
    return (
        helpers.weights_alive(helpers.sequential_lstm()),
        keras.layers.TextVectorization(**{"vocabulary": helpers.WORDS, **keywords}),
    )


def test_a_vectorizer_beside_the_model_gives_what_one_inside_gives():
    inside = helpers.weights_alive(helpers.text_model())
    model = keras.Sequential(inside.layers[1:])
    model.build((None, helpers.WIDTH))
    beside = tfs.explain(model, helpers.texts(), tokenizer=helpers.vectorizer())
    expected = tfs.explain(inside, helpers.texts())
    assert beside.tokens == expected.tokens
    assert beside.tokens == [text.split() for text in helpers.texts()]
    np.testing.assert_allclose(beside.scores, expected.scores, atol=1e-6)


@pytest.mark.parametrize("ragged", [False, True])
def test_texts_as_lists_arrays_tensors_and_one_alone(ragged):
    model, vectorizer = outside(ragged=ragged)
    texts = ["w1 w2 w3", "W4!"]
    explainer = tfs.Explainer(model, "gradient_norm", tokenizer=vectorizer)
    expected = explainer(texts)
    for other in (np.array(texts), tf.constant(texts), np.array(texts, object)):
        np.testing.assert_array_equal(explainer(other).scores, expected.scores)
    assert explainer("w1 w2 w3")[0].tokens == ["w1", "w2", "w3"]
    assert expected[1].tokens == ["w4"]


def test_a_plain_vocabulary_names_the_ids_and_the_padding():
    model, _ = outside()
    vocabulary = ["[PAD]", "[UNK]", *(f"word{i}" for i in range(10))]
    cnn = helpers.weights_alive(helpers.convolution())
    ids = [[3, 4, 0], [1, 1, 0]]
    with pytest.warns(tfs.UnknownTokensWarning, match="example 1"):
        explanation = tfs.explain(cnn, ids, "gradient_norm", tokenizer=vocabulary)
    assert explanation.tokens == [["word1", "word2"], ["[UNK]", "[UNK]"]]
    # The padding is left out of what is shown, but keeps the score that the model gives it.
    assert explanation.scores[0, 2] > 0
    beyond = tfs.explain(model, [[3, 29]], "gradient_norm", tokenizer=vocabulary)
    assert beyond.tokens == [["word1", "29"]]
    with pytest.raises(TypeError, match="no `tokenizer` is given that turns texts into ids"):
        tfs.explain(model, ["word1"], tokenizer=vocabulary)


def test_baselines_by_token_and_by_id_are_the_same():
    model, vectorizer = outside()
    token, number = (
        tfs.explain(
            model,
            ["w1 w2 w3"],
            tfs.IntegratedGradients(baseline=baseline),
            tokenizer=vectorizer,
        )
        for baseline in ("w4", 6)
    )
    np.testing.assert_array_equal(token.scores, number.scores)
    with pytest.raises(ValueError, match="Received: baseline='w99'"):
        tfs.explain(model, ["w1"], tfs.IntegratedGradients(baseline="w99"), tokenizer=vectorizer)


@pytest.mark.parametrize(
    ("keywords", "text", "tokens", "cut"),
    [
        ({}, "W1, (w'2)  w3!", ["w1", "w2", "w3"], ["W1", "w'2", "w3"]),
        ({"standardize": None}, "w1 w2", ["w1", "w2"], ["w1", "w2"]),
        ({"split": "character", "vocabulary": list("wab1 ")}, "Wa b", list("wa b"), list("Wa b")),
        ({"ragged": True}, "w1 zzz w2", ["w1", "[UNK]", "w2"], ["w1", "zzz", "w2"]),
        # Pairs come after all single words, and have no one place to be read at.
        ({"ngrams": 2, "vocabulary": ["w1", "w2", "w1 w2"]}, "w1 w2", ["w1", "w2", "w1 w2"], None),
        ({"standardize": lambda texts: tf.strings.regex_replace(texts, "#", "w")}, "#1 #2",
         ["w1", "w2"], None),
    ],
    ids=["plain", "as it is", "characters", "ragged", "ngrams", "own standardize"],
)  # fmt: skip
def test_what_a_vectorizer_splits_into(keywords, text, tokens, cut):
    model, vectorizer = outside(**keywords)
    explanation = tfs.explain(model, [text], "gradient_norm", tokenizer=vectorizer)[0]
    assert explanation.tokens == tokens
    assert explanation.words is None
    if cut is None:
        assert set(explanation.offsets) == {None}
    else:
        assert [text[start:stop] for start, stop in explanation.offsets] == cut


def test_offsets_of_a_text_inside_the_model():
    model = helpers.weights_alive(helpers.text_model())
    texts = ["w1 w2", "  w3"]
    found = tfs.explain(model, texts, "gradient_norm")
    assert [one.offsets for one in found] == [[(0, 2), (3, 5)], [(2, 4)]]
    ids = helpers.vectorizer()(texts)
    apart = keras.Sequential(model.layers[1:])
    apart.build((None, helpers.WIDTH))
    assert tfs.explain(apart, ids, "gradient_norm")[0].offsets is None


def test_pad_id_goes_before_everything_else():
    cnn = helpers.weights_alive(helpers.convolution())
    explanation = tfs.explain(cnn, [[3, 4, 9, 9]], "gradient_norm", pad_id=9)
    assert explanation.tokens == [["3", "4"]]


def test_a_vectorizer_that_gives_no_ids():
    model, _ = outside()
    counts = keras.layers.TextVectorization(vocabulary=helpers.WORDS, output_mode="count")
    with pytest.raises(ValueError, match="Received: output_mode='count'"):
        tfs.Explainer(model, tokenizer=counts)
    with pytest.raises(ValueError, match="has no vocabulary"):
        tfs.Explainer(model, tokenizer=keras.layers.TextVectorization())
