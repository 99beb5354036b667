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
        keras.layers.TextVectorization(vocabulary=helpers.WORDS, **keywords),
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
