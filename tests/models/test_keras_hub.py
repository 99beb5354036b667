"""KerasHub: classifiers, pairs, language models, an encoder with a decoder, its own layers."""

import functools
import json
import re
from pathlib import Path

import helpers
import keras
import model_checks
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.models.embeddings.find import find
from tf_salience.models.text_model import TextModel

keras_hub = pytest.importorskip("keras_hub", reason="KerasHub, the extra `hub`, is not installed")
hub = pytest.importorskip("keras_hub_models")

SENTENCES = ["the soup was good", "playing loudly"]
#: The second sentence by each tokenizer: its tokens as they are shown, and their words.
TOKENS_AND_WORDS = {
    "Bert": (["[CLS]", "play", "ing", "loud", "ly", "[SEP]"], [-1, 0, 0, 1, 1, -1]),
    "Roberta": (["<s>", "play", "ing", "␣", "l", "ou", "d", "l", "y", "</s>"],
                [-1, 0, 0, 1, 1, 1, 1, 1, 1, -1]),
    "Albert": (["[CLS]", "playing", "loudly", "[SEP]"], [-1, 0, 1, -1]),
    "XLMRoberta": (["<s>", "playing", "loudly", "</s>"], [-1, 0, 1, -1]),
}  # fmt: skip
TOKENS_AND_WORDS |= {
    "DistilBert": TOKENS_AND_WORDS["Bert"],
    "DebertaV3": TOKENS_AND_WORDS["Albert"],
}
#: A path from zeros is not smooth where the embeddings are normalized before anything else.
BASELINES = {"Gemma": "mean", "Llama3": "mean", "Mistral": "mean", "DebertaV3": "mean"}
PAIR = {
    "premise": ["the soup was good", "playing a song"],
    "hypothesis": ["a song", "the soup"],
}
SPAN = tfs.targets.Span([" good soup", " play"])


@pytest.fixture(scope="module")
def classifiers():
    return functools.cache(
        lambda name: helpers.weights_alive(hub.seeded(hub.classifier, name), 0.3)
    )


@pytest.fixture(scope="module")
def language_models():
    return functools.cache(
        lambda name: helpers.weights_alive(hub.seeded(hub.language_model, name), 0.3)
    )


def log_likelihood(model, inputs, row, positions):
    """By hand: the sum of log p(token) over these positions, from the model's own logits."""
    ids = np.asarray(inputs.get("token_ids", inputs.get("decoder_token_ids")))
    log_p = keras.ops.log_softmax(model(inputs))
    return sum(float(log_p[row, position - 1, ids[row, position]]) for position in positions)


every_classifier = pytest.mark.parametrize("name", hub.CLASSIFIERS)
every_language_model = pytest.mark.parametrize("name", [*hub.LANGUAGE_MODELS, "Bart"])


@every_classifier
class TestClassifiers:
    def test_texts_go_in_and_words_come_out(self, classifiers, name):
        model = classifiers(name)
        explanation = model_checks.check_complete(
            model, SENTENCES, baseline=BASELINES.get(name, "zeros")
        )
        assert explanation.config["embeddings"] == ["token_embedding"]
        assert " at token_embedding " in explanation[0].header
        strings, words = TOKENS_AND_WORDS[name]
        assert (explanation[1].tokens, explanation[1].words) == (strings, words)
        inputs = model.preprocessor(SENTENCES)
        np.testing.assert_array_equal(explanation.mask, np.asarray(inputs["padding_mask"]))
        np.testing.assert_allclose(explanation.output, model(inputs).numpy().max(1), rtol=1e-5)
        merged = explanation.merged()
        assert merged[1].tokens[1:-1] == ["playing", "loudly"]
        np.testing.assert_allclose(merged.scores.sum(1), explanation.scores.sum(1), atol=1e-6)
        assert str(explanation[1]).splitlines()[1].startswith(strings[0] + "(")

    def test_finite_differences(self, classifiers, name):
        model = classifiers(name)
        with model_checks.unchanged(model, model.preprocessor(SENTENCES)):
            model_checks.check_finite_differences(model, SENTENCES)

    def test_ids_go_in_as_well(self, classifiers, name):
        model = classifiers(name)
        explainer = tfs.Explainer(model, "gradient_norm")
        of_texts, of_ids = explainer(SENTENCES), explainer(model.preprocessor(SENTENCES))
        np.testing.assert_array_equal(of_texts.scores, of_ids.scores)
        assert of_texts.tokens == of_ids.tokens


class TestPairs:
    @pytest.mark.parametrize("name", ["Bert", "Roberta", "Albert"])
    def test_two_texts_are_two_segments(self, classifiers, name):
        explanation = model_checks.check_complete(classifiers(name), PAIR)
        for row, salience in enumerate(explanation):
            assert list(salience.segments) == ["premise", "hypothesis"]
            merged = explanation.merged()[row]
            for text_name, part in merged.segments.items():
                pairs = zip(merged.tokens[part], merged.words[part], strict=True)
                assert [text for text, word in pairs if word >= 0] == PAIR[text_name][row].split()
            ends = [part.stop for part in salience.segments.values()]
            assert ends[-1] == len(salience.tokens)
        for shown in (str(explanation[0]), explanation[0]._repr_html_()):
            assert shown.index("[premise]") < shown.index("[hypothesis]")

    def test_an_end_token_in_a_text_ends_no_segment(self, classifiers):
        pair = {"a": ["the </s> a"], "b": ["good"]}
        salience = tfs.explain(classifiers("Roberta"), pair, "gradient_norm")[0]
        lasts = [salience.tokens[part][-1] for part in salience.segments.values()]
        assert lasts == ["</s>", "</s>"]
        assert "".join(salience.tokens[salience.segments["b"]]) == "good</s>"
        assert "a" in salience.tokens[salience.segments["a"]]

    def test_an_empty_text_of_two(self, classifiers):
        pair = {"a": ["soup"], "b": [""]}
        salience = tfs.explain(classifiers("Bert"), pair, "gradient_norm")[0]
        assert [salience.tokens[part] for part in salience.segments.values()] == [
            ["[CLS]", "soup", "[SEP]"],
            ["[SEP]"],
        ]

    def test_more_texts_than_the_model_has_segments_for(self, classifiers):
        with pytest.raises(ValueError, match="segments, there are more texts than it takes"):
            tfs.explain(classifiers("Bert"), (["a"], ["the"], ["soup"]), "gradient_norm")

    def test_a_tuple(self, classifiers):
        explanation = tfs.explain(classifiers("Bert"), tuple(PAIR.values()), "gradient_norm")
        assert list(explanation[0].segments) == ["text_1", "text_2"]
        named = tfs.explain(classifiers("Bert"), PAIR, "gradient_norm")
        np.testing.assert_array_equal(explanation.scores, named.scores)

    @pytest.mark.parametrize("suffix", [".json", ".parquet"])
    @pytest.mark.parametrize("merged", [False, True])
    def test_saved(self, classifiers, suffix, merged, tmp_path):
        explanation = tfs.explain(classifiers("Bert"), PAIR, "gradient_norm")
        explanation = explanation.merged() if merged else explanation
        path = tmp_path / f"explanation{suffix}"
        explanation.save(path)
        loaded = tfs.Explanation.load(path)
        assert (loaded.words, loaded.parts) == (explanation.words, explanation.parts)
        assert str(loaded) == str(explanation)
        np.testing.assert_array_equal(loaded.scores, explanation.scores)

    def test_a_file_of_an_earlier_version(self, classifiers, tmp_path):
        explanation = tfs.explain(classifiers("Bert"), SENTENCES, "gradient_norm")
        path = tmp_path / "explanation.json"
        explanation.save(path)
        document = json.loads(path.read_text())
        del document["header"]["parts"]
        document["columns"] = [
            column for column in document["columns"] if column not in ("words", "parts")
        ]
        path.write_text(json.dumps(document))
        loaded = tfs.Explanation.load(path)
        assert (loaded.words, loaded.parts) == (None, None)
        assert loaded.tokens == explanation.tokens


class TestTexts:
    def test_bytes_of_a_merged_word_are_characters(self):
        tokens = [["caf", "<0xC3>", "<0xA9>"]]
        explanation = tfs.Explanation(
            tokens=tokens, words=[[0, 0, 0]], scores=np.ones((1, 3), np.float32),
            mask=np.ones((1, 3), bool), segments={"ids": slice(0, 3)}, target=None,
            target_name=["x"], output=np.zeros(1), baseline_output=None, convergence_delta=None,
            error_estimate=None, converged=None, evaluations=np.ones(1, int), config={},
        )  # fmt: skip
        assert explanation.merged()[0].tokens == ["café"]

    def test_a_layer_above_the_embeddings(self, classifiers):
        model, layer = classifiers("Bert"), "embeddings_layer_norm"
        explanation = tfs.explain(model, SENTENCES, "gradient_norm", embeddings=layer)
        assert (explanation[1].tokens, explanation[1].words) == TOKENS_AND_WORDS["Bert"]
        assert " at embeddings_layer_norm" in explanation[0].header
        method = tfs.IntegratedGradients(steps=2, baseline="[PAD]")
        with pytest.raises(ValueError, match="needs a layer that embeds ids.*layer_norm'"):
            tfs.explain(model, SENTENCES, method, embeddings=layer)

    def test_kept_ids_and_baselines_by_token(self, classifiers):
        method = tfs.IntegratedGradients(steps=4, baseline="[PAD]", keep_ids=(2, 3))
        salience = tfs.explain(classifiers("Bert"), SENTENCES, method)[0]
        special = np.array(salience.words) < 0
        assert not salience.scores[special].any()
        assert salience.scores[~special].all()

    def test_an_exported_signature_takes_the_preprocessors_outputs(self, classifiers, tmp_path):
        model = classifiers("Bert")
        folder = tfs.export_saved_model(model, tmp_path / "m", method="gradient_dot_input")
        loaded = tf.saved_model.load(str(folder))
        inputs = tf.nest.map_structure(
            lambda array: tf.cast(array, tf.int32), model.preprocessor(SENTENCES)
        )
        results = loaded.signatures["attributions"](**inputs)
        live = tfs.explain(model, SENTENCES, "gradient_dot_input")
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-6)
        strings = [[token.decode() for token in row if token] for row in results["tokens"].numpy()]
        assert strings == live.tokens

    def test_lora_and_int8(self, classifiers):
        model = helpers.weights_alive(hub.seeded(hub.classifier, "Bert"), 0.3)
        model.backbone.enable_lora(2)
        model_checks.check_complete(model, SENTENCES)
        model = helpers.weights_alive(hub.seeded(hub.classifier, "Bert"), 0.3)
        model.backbone.quantize("int8")
        method = tfs.IntegratedGradients(tolerance=0.1)
        quantized = tfs.explain(model, SENTENCES, method)
        plain = tfs.explain(classifiers("Bert"), SENTENCES, method)
        assert np.corrcoef(quantized.scores.ravel(), plain.scores.ravel())[0, 1] > 0.98


@every_language_model
class TestLanguageModels:
    def test_the_target_is_the_log_likelihood(self, language_models, name):
        model = language_models(name)
        explanation = model_checks.check_complete(
            model, SENTENCES, baseline=BASELINES.get(name, "zeros"), target=SPAN
        )
        assert explanation.target_name == ["log P(good soup)", "log P(play)"]
        assert (explanation.output < 0).all()
        texts = [text + end for text, end in zip(SENTENCES, SPAN.continuation, strict=True)]
        if name == "Bart":
            texts = {"encoder_text": SENTENCES, "decoder_text": list(SPAN.continuation)}
            assert list(explanation[0].segments) == ["encoder_token_ids", "decoder_token_ids"]
        inputs = model.preprocessor.generate_preprocess(texts)
        mask = inputs.get("padding_mask", inputs.get("decoder_padding_mask"))
        ends = np.asarray(mask).sum(1)
        for row, size in enumerate((2, 1)):
            positions = range(ends[row] - size, ends[row])
            expected = log_likelihood(model, inputs, row, positions)
            assert explanation.output[row] == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize(
        "method", ["gradient_norm", "gradient_dot_input", tfs.IntegratedGradients(steps=3)], ids=str
    )
    def test_tokens_after_the_predicting_position_score_exactly_zero(
        self, language_models, name, method
    ):
        target = tfs.targets.Span(start=[3, 2], stop=[4, 3])
        texts = [text + " the good song" for text in SENTENCES]
        inputs = {"encoder_text": SENTENCES, "decoder_text": texts} if name == "Bart" else texts
        explanation = tfs.explain(language_models(name), inputs, method, target=target)
        decoder = explanation.segments.get("decoder_token_ids", slice(0, None))
        for row, position in enumerate((3, 2)):
            scores = explanation.scores[row, decoder]
            assert not scores[position:].any()
            assert scores[:position].all()

    def test_finite_differences(self, language_models, name):
        model = language_models(name)
        inputs = model.preprocessor.generate_preprocess(SENTENCES)
        with model_checks.unchanged(model, inputs):
            model_checks.check_finite_differences(model, SENTENCES, target=SPAN)

    def test_the_matrix_adds_up_to_the_span(self, language_models, name):
        explainer = tfs.Explainer(language_models(name), "gradient_dot_input", target=SPAN)
        explanation, matrices = explainer(SENTENCES), explainer.matrix(SENTENCES)
        assert [matrix.targets for matrix in matrices] == [["good", "soup"], ["play"]]
        for salience, matrix in zip(explanation, matrices, strict=True):
            assert matrix.scores.shape == (len(matrix.targets), len(salience.tokens))
            scale = np.abs(salience.scores).max()
            np.testing.assert_allclose(matrix.scores.sum(0), salience.scores, atol=1e-5 * scale)
            assert matrix.output.sum() == pytest.approx(salience.output, rel=1e-5)
            assert matrix.tokens == salience.tokens
        small = tfs.Explainer(
            language_models(name), "gradient_dot_input", target=SPAN, max_rows=1, batch_size=1
        ).matrix(SENTENCES)
        np.testing.assert_allclose(small[0].scores, matrices[0].scores, rtol=1e-4, atol=1e-6)


class TestContrast:
    def test_why_this_token_rather_than_that(self, language_models):
        model = language_models("GPT2")

        def explain(target):
            return tfs.explain(model, SENTENCES, "gradient_dot_input", target=target)

        contrast = explain(tfs.targets.Span(" cat", rather_than=" dog"))
        cat, dog = (explain(tfs.targets.Span(word)) for word in (" cat", " dog"))
        np.testing.assert_allclose(contrast.scores, cat.scores - dog.scores, atol=1e-6)
        np.testing.assert_allclose(contrast.output, cat.output - dog.output, atol=1e-5)
        assert contrast.target_name == ["log P(cat) − log P(dog)"] * 2
        token_id = model.preprocessor.tokenizer.token_to_id("Ġdog")
        by_id = explain(tfs.targets.Span(" cat", rather_than=[token_id, token_id]))
        np.testing.assert_array_equal(contrast.scores, by_id.scores)

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            (tfs.targets.Span(" cat", rather_than="dogs"), r"one token.*rather_than='dogs'"),
            (tfs.targets.Span(" good soup", rather_than=" dog"), "one token long. Received: 2"),
            (tfs.targets.Span(" cat", rather_than=999), "an id from 0 to"),
            (tfs.targets.Span(["a"]), "one for each example.* for 2 examples"),
            (
                tfs.targets.Span(["", " cat"]),
                "must hold a token. Received: an empty one",
            ),
            (tfs.targets.Span(" cat", rather_than=[" dog"]), "one for each example.* 1 for 2"),
            (tfs.targets.Span(start=0), "start after the first: nothing predicts that"),
            (tfs.targets.Span(start=3, stop=3), "must hold a token"),
            (tfs.targets.Span(" good" * 20), "no longer than the model takes, 16 tokens"),
            ("predicted", "`targets.Span`"),
        ],
    )
    def test_errors(self, language_models, target, message):
        with pytest.raises(ValueError, match=message):
            tfs.explain(language_models("GPT2"), SENTENCES, target=target)

    def test_a_continuation_has_no_start(self):
        with pytest.raises(ValueError, match="a continuation, or its place in the inputs"):
            tfs.targets.Span(" cat", start=2)

    def test_ids_take_no_continuation(self, language_models):
        model = language_models("GPT2")
        inputs = model.preprocessor.generate_preprocess(SENTENCES)
        with pytest.raises(ValueError, match="takes texts, and the preprocessor of a language mod"):
            tfs.explain(model, inputs, target=SPAN)
        whole = tfs.explain(model, inputs, "gradient_norm", target=tfs.targets.Span())
        texts = tfs.explain(model, SENTENCES, "gradient_norm", target=tfs.targets.Span())
        np.testing.assert_allclose(whole.output, texts.output, rtol=1e-5)

    def test_generated_text(self, language_models):
        model = language_models("Gemma")
        model.compile(sampler="greedy")
        generated = list(model.generate(SENTENCES, max_length=12, strip_prompt=True))
        target = tfs.targets.Span(generated)
        matrices = tfs.Explainer(model, "gradient_norm", target=target).matrix(SENTENCES)
        tokenizer = model.preprocessor.tokenizer
        prompts = [len(row) + 1 for row in tokenizer(SENTENCES)]
        for matrix, row, prompt in zip(matrices, tokenizer(generated), prompts, strict=True):
            assert len(matrix) == len(row) > 3
            assert len(matrix.tokens) == prompt + len(row)
            # Greedily: no other token would have been likelier.
            assert matrix.output[0] >= -np.log(tokenizer.vocabulary_size())

    def test_a_packer_of_another_kind(self):
        model = helpers.weights_alive(hub.seeded(hub.gemma3), 0.3)
        target = tfs.targets.Span(" good")
        explanation = tfs.explain(model, SENTENCES, "gradient_norm", target=target)
        texts = [text + " good" for text in SENTENCES]
        inputs = model.preprocessor.generate_preprocess(texts)
        ends = np.asarray(inputs["padding_mask"]).sum(1)
        for row, end in enumerate(ends):
            expected = log_likelihood(model, inputs, row, [end - 1])
            assert explanation.output[row] == pytest.approx(expected, rel=1e-5)
            assert len(explanation[row].tokens) == end

    @pytest.mark.parametrize("output_bytes", [1, 2**40], ids=["small", "large"])
    def test_large_outputs_are_explained_a_few_at_a_time(
        self, language_models, monkeypatch, output_bytes
    ):
        model = language_models("GPT2")
        expected = tfs.explain(model, SENTENCES, "gradient_dot_input", target=SPAN)
        monkeypatch.setattr(TextModel, "output_bytes", lambda *_: output_bytes)
        batch_sizes = []

        class Recording(tfs.targets.Span):
            def resolve(self, context):
                batch_sizes.append(len(context.outputs))
                return super().resolve(context)

        explainer = tfs.Explainer(model, "gradient_dot_input", target=Recording(SPAN.continuation))
        explanation = explainer(SENTENCES)
        assert batch_sizes == ([2] if output_bytes == 1 else [1, 1])
        np.testing.assert_allclose(explanation.scores, expected.scores, atol=1e-6)
        assert explanation.target_name == expected.target_name
        assert [len(matrix) for matrix in explainer.matrix(SENTENCES)] == [2, 1]

    def test_an_empty_prompt(self, language_models):
        model = language_models("GPT2")
        target = tfs.targets.Span(" good soup")
        explanation = tfs.explain(model, [""], "gradient_norm", target=target)
        assert explanation[0].tokens == ["<|endoftext|>", "good", "soup"]
        tokenizer = hub.tokenizer("GPT2")
        preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=8)
        preprocessor.build(None)
        preprocessor.packer.start_value = None
        model = keras_hub.models.GPT2CausalLM(model.backbone, preprocessor)
        with pytest.raises(ValueError, match="needs a prompt.*an empty prompt, example 0"):
            tfs.explain(model, [""], "gradient_norm", target=target)

    def test_a_target_among_the_tokens_is_not_exported(self, language_models, tmp_path):
        with pytest.raises(ValueError, match="at a position of a token cannot be exported"):
            tfs.export_saved_model(language_models("GPT2"), tmp_path / "m", target=SPAN)


@pytest.mark.parametrize("name", [*hub.CLASSIFIERS, *hub.LANGUAGE_MODELS, "Bart"])
def test_the_table_in_the_docs_is_true(classifiers, language_models, name):
    page = Path(__file__).parents[2] / "docs" / "models.md"
    rows = re.findall(r"^\| `(\w+)` \| `([\w/]+)` \| the inputs? (.*) \|$", page.read_text(), re.M)
    documented = {model: (path, masks) for model, path, masks in rows}
    model = (classifiers if name in hub.CLASSIFIERS else language_models)(name)
    path, masks = documented[type(model).__name__]
    assert [layer.path for layer in find(model, None)] == [path]
    assert set(re.findall(r"`(\w+)`", masks)) <= set(model.input)


class TestOwnLayers:
    @pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
    @pytest.mark.parametrize("positions", ["learned", "sines"])
    def test_transformers(self, positions):
        keras.utils.set_random_seed(0)
        ids = keras.Input((None,), dtype="int32")
        if positions == "learned":
            hidden = keras_hub.layers.TokenAndPositionEmbedding(
                helpers.VOCABULARY, helpers.WIDTH, 8, mask_zero=True, name="both"
            )(ids)
        else:
            hidden = keras.layers.Embedding(
                helpers.VOCABULARY, 8, mask_zero=True, name="token_embedding"
            )(ids)
            hidden = hidden + keras_hub.layers.SinePositionEncoding()(hidden)
        hidden = keras_hub.layers.TransformerEncoder(16, 2)(hidden)
        pooled = keras.layers.GlobalAveragePooling1D()(hidden)
        model = helpers.weights_alive(keras.Model(ids, keras.layers.Dense(3)(pooled)))
        explanation = model_checks.check_complete(model, helpers.ids())
        assert explanation.config["embeddings"] == ["token_embedding"]
        with model_checks.unchanged(model, tf.constant(helpers.ids())):
            model_checks.check_finite_differences(model, helpers.ids())


def test_saved_models_on_the_command_line(classifiers, language_models, tmp_path, capsys):
    from tf_salience.cli.main import main

    classifiers("Bert").save(tmp_path / "bert.keras")
    language_models("GPT2").save(tmp_path / "gpt2.keras")
    assert main(["inspect", str(tmp_path / "bert.keras")]) == 0
    assert "*  token_embedding" in capsys.readouterr().out
    explain = ["explain", "--method", "gradient_norm", "--text"]
    assert main([*explain, "playing loudly", "--words", str(tmp_path / "bert.keras")]) == 0
    assert " playing(" in capsys.readouterr().out
    continuation = ["--continuation", " was good"]
    assert main([*explain, "the soup", *continuation, str(tmp_path / "gpt2.keras")]) == 0
    assert capsys.readouterr().out.startswith("log P(was good) = -")
