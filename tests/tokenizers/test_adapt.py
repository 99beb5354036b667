"""`adapt`: vocabularies and padding ids that the user passes."""

import helpers
import numpy as np
import pytest

import tf_salience as tfs


def test_a_plain_vocabulary_names_the_ids_and_the_padding():
    vocabulary = ["[PAD]", "[UNK]", *(f"word{i}" for i in range(10))]
    model = helpers.weights_alive(helpers.convolution())
    with pytest.warns(tfs.UnknownTokensWarning, match="example 1"):
        explanation = tfs.explain(
            model, [[3, 4, 0], [1, 1, 0]], "gradient_norm", tokenizer=vocabulary
        )
    assert explanation.tokens == [["word1", "word2"], ["[UNK]", "[UNK]"]]
    # Padding is not shown, but keeps the score that the model gives it.
    assert explanation.scores[0, 2] > 0


def test_ids_beyond_the_vocabulary_are_shown_as_numbers():
    model = helpers.weights_alive(helpers.sequential_lstm())
    explanation = tfs.explain(model, [[3, 29]], "gradient_norm", tokenizer=["", "[UNK]", "a", "b"])
    assert explanation.tokens == [["b", "29"]]


def test_a_plain_vocabulary_does_not_encode_texts():
    model = helpers.weights_alive(helpers.sequential_lstm())
    with pytest.raises(TypeError, match="no `tokenizer` is given that turns texts into ids"):
        tfs.explain(model, ["a"], tokenizer=["", "[UNK]", "a"])


@pytest.mark.parametrize(
    ("index", "fix"),
    [
        ({f"word{i}": i for i in range(88584)}, r"list, by id: `sorted\(index, key=index.get\)`"),
        ({i: f"word{i}" for i in range(88584)}, r"list: `\[words\[i\] for i in"),
    ],
    ids=["ids of words", "words of ids"],
)
def test_a_word_index_becomes_a_list(index, fix):
    with pytest.raises(TypeError, match=f"`tokenizer` must be.*Received: .*{fix}") as error:
        tfs.Explainer(helpers.sequential_lstm(), tokenizer=index)
    assert len(str(error.value)) < 1500


@pytest.mark.parametrize("tokenizer", [3, [], {}, [1, 2], "words"])
def test_values_that_are_not_tokenizers(tokenizer):
    with pytest.raises(TypeError, match="`tokenizer` must be.*Received: tokenizer="):
        tfs.Explainer(helpers.sequential_lstm(), tokenizer=tokenizer)


def test_pad_id_overrides_the_tokenizer():
    model = helpers.weights_alive(helpers.convolution())
    explanation = tfs.explain(model, [[3, 4, 9, 9]], "gradient_norm", pad_id=9)
    assert explanation.tokens == [["3", "4"]]
    vocabulary = ["[PAD]", "[UNK]", *"abcdefgh"]
    explanation = tfs.explain(
        model, [[0, 4, 9, 9]], "gradient_norm", tokenizer=vocabulary, pad_id=9
    )
    assert explanation.tokens == [["[PAD]", "c"]]


def test_baselines_by_token_and_by_id_are_the_same():
    model = helpers.weights_alive(helpers.sequential_lstm())
    by_token, by_id = (
        tfs.explain(
            model,
            ["w1 w2 w3"],
            tfs.IntegratedGradients(baseline=baseline),
            tokenizer=helpers.vectorizer(),
        )
        for baseline in ("w4", 6)
    )
    np.testing.assert_array_equal(by_token.scores, by_id.scores)
    method = tfs.IntegratedGradients(baseline="w99")
    with pytest.raises(ValueError, match="Received: baseline='w99'"):
        tfs.explain(model, ["w1"], method, tokenizer=helpers.vectorizer())
