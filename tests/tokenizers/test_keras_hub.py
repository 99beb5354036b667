"""KerasHub's tokenizers and preprocessors: texts in, tokens and offsets out."""

import functools
import unicodedata

import helpers
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tf_salience as tfs
from tf_salience.tokenizers.adapt import adapt

keras_hub = pytest.importorskip("keras_hub", reason="KerasHub, the extra `hub`, is not installed")
hub = pytest.importorskip("keras_hub_models")  # the models of the tests, which need KerasHub

SENTENCES = ["the soup was good", "playing loudly"]
PAIR = {
    "premise": ["the soup was good", "playing a song"],
    "hypothesis": ["a song", "the soup"],
}


@pytest.fixture(scope="module")
def classifiers():
    return functools.cache(
        lambda name: helpers.weights_alive(hub.seeded(hub.classifier, name), 0.3)
    )


def pooling_model(vocabulary_size):
    ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(vocabulary_size, 4)(ids)
    pooled = keras.layers.GlobalAveragePooling1D()(hidden)
    return keras.Model(ids, keras.layers.Dense(1)(pooled))


def fold(text):
    """Without case and accents, and with the sign that is shown for a line break."""
    folded = unicodedata.normalize("NFKD", text.replace("\n", "↵")).casefold()
    return "".join(letter for letter in folded if unicodedata.category(letter) != "Mn")


class TestTruncation:
    def test_a_text_that_is_too_long(self, classifiers):
        long_text = "the soup was good " * 5
        with pytest.warns(tfs.TruncatedTextWarning, match="takes 16 tokens; example 1 .*up to 22"):
            tfs.explain(classifiers("Bert"), ["the soup", long_text], "gradient_norm")
        pair = {"a": ["the soup"], "b": [long_text]}
        with pytest.warns(tfs.TruncatedTextWarning, match=r"example 0 .*\(up to 29\)"):
            tfs.explain(classifiers("Roberta"), pair, "gradient_norm")

    def test_a_text_that_just_fits(self, classifiers, recwarn):
        text = " ".join(["soup"] * 14)
        assert len(tfs.explain(classifiers("Bert"), text, "gradient_norm")[0].tokens) == 16
        assert not [warning for warning in recwarn if warning.category is tfs.TruncatedTextWarning]


class TestPreprocessors:
    def test_unknown_words(self, classifiers):
        with pytest.warns(tfs.UnknownTokensWarning, match="example 0"):
            explanation = tfs.explain(classifiers("Bert"), ["xyz"], "gradient_norm")
        assert explanation[0].tokens == ["[CLS]", "[UNK]", "[SEP]"]

    def test_texts_of_another_shape(self, classifiers):
        with pytest.raises(ValueError, match=r"texts of shape \(batch,\).*shape \(1, 2\)"):
            tfs.explain(classifiers("Bert"), [["a", "b"]])

    def test_a_masked_language_model(self, classifiers):
        preprocessor = keras_hub.models.BertMaskedLMPreprocessor(
            hub.tokenizer("Bert"), sequence_length=hub.LENGTH, mask_selection_length=3
        )
        model = keras_hub.models.BertMaskedLM(classifiers("Bert").backbone, preprocessor)
        with pytest.raises(ValueError, match="masks words at random"):
            tfs.explain(model, SENTENCES, target=lambda outputs: outputs[:, 0, 1])

    def test_different_numbers_of_texts(self, classifiers):
        with pytest.raises(ValueError, match="Received: .*'hypothesis': 1, 'premise': 2"):
            tfs.explain(classifiers("Bert"), {**PAIR, "hypothesis": ["a cat"]})

    def test_segment_ids_are_no_words(self, classifiers):
        task = classifiers("Bert")
        layers = ["token_embedding", "segment_embedding"]
        explanation = tfs.explain(task, PAIR, "gradient_norm", embeddings=layers)
        row = explanation[0]
        assert set(row.tokens[row.segments["segment_ids"]]) == {"0", "1"}
        assert "[CLS]" in row.tokens[row.segments["token_ids"]]

    def test_a_model_without_its_preprocessor(self, classifiers):
        task = classifiers("Bert")
        bare = keras.Model(task.input, task.output)
        with pytest.raises(TypeError, match="for a KerasHub model without a preprocessor"):
            tfs.explain(bare, SENTENCES)
        explanation = tfs.explain(bare, SENTENCES, "gradient_norm", tokenizer=task.preprocessor)
        assert explanation.tokens == tfs.explain(task, SENTENCES, "gradient_norm").tokens

    def test_a_continuation_for_a_classifier(self, classifiers):
        with pytest.raises(ValueError, match="preprocessor is one of a language model"):
            tfs.explain(classifiers("Bert"), SENTENCES, target=tfs.targets.Span(" good"))


class TestTokenizers:
    def test_a_placeholder_for_padding_is_a_word(self):
        """GPT-2 has no padding token; its id 0, with which KerasHub pads, is a word."""
        vocabulary = hub.tokenizer("GPT2").vocabulary
        words = ["!", *(word for word in vocabulary if word != "!")]
        id_of_word = {word: number for number, word in enumerate(words)}
        tokenizer = keras_hub.models.GPT2Tokenizer(id_of_word, hub.MERGES)
        model = pooling_model(len(words))
        explanation = tfs.explain(model, ["good! soup!"], "gradient_norm", tokenizer=tokenizer)
        assert explanation[0].tokens.count("!") == 2

    def test_a_tokenizer_beside_a_model_of_ids(self):
        tokenizer = hub.tokenizer("Bert")
        ids = keras.Input((None,), dtype="int32")
        hidden = keras.layers.Embedding(tokenizer.vocabulary_size(), 8, mask_zero=True)(ids)
        model = keras.Model(ids, keras.layers.Dense(2)(keras.layers.GRU(4)(hidden)))
        explanation = tfs.explain(model, SENTENCES, "gradient_norm", tokenizer=tokenizer)
        assert explanation[1].tokens == ["play", "ing", "loud", "ly"]
        assert explanation[1].words == [0, 0, 1, 1]
        assert explanation.merged()[1].tokens == ["playing", "loudly"]

    def test_bytes_and_white_space_are_visible(self):
        tokenizer = hub.tokenizer("GPT2")
        model = pooling_model(tokenizer.vocabulary_size())
        explanation = tfs.explain(model, ["a\n é  😀"], "gradient_norm", tokenizer=tokenizer)
        assert "↵" in explanation[0].tokens
        assert "<0xC3>" in explanation[0].tokens
        assert all(token.isprintable() for token in explanation[0].tokens)


class TestOffsets:
    @pytest.mark.parametrize("name", ["Bert", "Roberta", "XLMRoberta"])
    @settings(deadline=None)  # a tokenizer's first call is slow
    @given(text=st.text(alphabet="thesoupwagdSPé😀 .\n中", max_size=12))
    def test_offsets_cut_the_tokens_out_of_the_text(self, name, text):
        tokenizer = adapt(hub.tokenizer(name))
        ids = np.array(tokenizer.encode(np.array([text], object))[0], int)
        offsets, (strings, _) = tokenizer.offsets_of(text, ids), tokenizer.token_strings(ids)
        present = [offset for offset in offsets if offset is not None]
        assert present == sorted(present)
        for token_id, offset, string in zip(ids.tolist(), offsets, strings, strict=True):
            if offset is None or token_id == tokenizer.unknown_id or "<0x" in string:
                continue
            cut = text[slice(*offset)]
            cut = cut.strip(" ") or cut.replace(" ", "␣")
            assert fold(cut) == fold(string)
        if name == "Roberta" and text.strip():
            assert "".join(text[start:stop] for start, stop in present[:1])

    def test_offsets_of_a_pair_and_of_words(self, classifiers, tmp_path):
        pair = {"premise": ["The soup"], "hypothesis": [" playing LOUD"]}
        explanation = tfs.explain(classifiers("Bert"), pair, "gradient_norm")
        assert explanation[0].offsets == [
            *(None, (0, 3), (4, 8), None),
            *((1, 5), (5, 8), (9, 13), None),
        ]
        merged = explanation.merged()
        assert merged[0].offsets == [None, (0, 3), (4, 8), None, (1, 8), (9, 13), None]
        merged.save(tmp_path / "m.parquet")
        assert tfs.Explanation.load(tmp_path / "m.parquet").offsets == merged.offsets
