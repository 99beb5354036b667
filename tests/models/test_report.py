"""`inspect`: its text is true, and the call and the targets that it prints run."""

import re

import helpers
import keras
import model_checks
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from printed_calls import PrintedCall

import tf_salience as tfs
from tf_salience.models.report import report


def printed_call(model, *, names=None, **arguments):
    return PrintedCall(report(model, **arguments), model, names or {})


def run_all(call, inputs=()):
    """Runs the printed call and each listed target."""
    explanation = call.run(inputs)
    call.run_targets(inputs)
    assert explanation.scores.any()
    return explanation


def towers(first="query", second="title", join=None):
    """Two inputs of ids with a table each."""
    inputs = [model_zoo.ids_input(name) for name in (first, second)]
    vectors = [
        layers.GlobalAveragePooling1D()(model_zoo.table(f"of_{tensor.name}")(tensor))
        for tensor in inputs
    ]
    return helpers.weights_alive(
        model_zoo.classified(inputs, (join or layers.Concatenate())(vectors))
    )


def pair_of_ids():
    return helpers.ids(), helpers.ids(seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", model_zoo.KINDS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_call_and_every_target_run_on_every_kind_of_model(name, capsys):
    model, kind = model_zoo.build(name), model_zoo.KINDS[name]
    inputs = kind.inputs()
    with model_checks.unchanged(model, tf.nest.map_structure(tf.constant, inputs)):
        tfs.inspect(model)
    printed = capsys.readouterr().out
    assert printed == report(model) + "\n"
    assert printed.startswith(f"Model {model.name!r} ({type(model).__name__})\n\nInputs\n")
    explanation = run_all(PrintedCall(printed, model, {}), inputs)
    assert explanation.config["embeddings"] == [kind.embedding_name]


@pytest.mark.parametrize(
    ("build", "lines"),
    [
        (
            lambda: model_zoo.build("category"),
            [r"\*  words +text +30 ", r"Ruled out:\n.*since\n +genres +genre +4 .* one id an exam",
             "Segments: text.", "Padding: masked by Keras.", 'target="predicted"$', "target=0  ",
             r"targets.Margin\(0, 1\)", r"targets.Probability\(\)"],
        ),
        (
            lambda: model_zoo.build("characters_and_words"),
            [r"\*  word_table +words ", r"letters +characters .*it is in a TimeDistributed"],
        ),
        (
            lambda: model_zoo.build("head_of_a_dict"),
            [r"topic: float32 \(None, 3\)", "output='stars'", r"Explainer\(model, output='"],
        ),
        (
            lambda: model_zoo.build("tagger"),
            [r"float32 \(None, None, 4\)", r"target=tfs.targets.Position\(0\)"],
        ),
        (lambda: model_zoo.build("shared_weights"), [r"\*  shared", r"targets.Span\(start=-1\)"]),
        (
            lambda: model_zoo.build("own_table"),
            [r"\*  own +keras_tensor\w* +\? ", "no mask was seen", "Ids are shown as numbers"],
        ),
        (lambda: model_zoo.build("one_sigmoid"), [r'target="predicted"  \(the unit itself\)']),
        (
            helpers.text_model,
            ["Texts go in as they are.", "a vocabulary of 30",
             r'explainer\(\["a text", "another text"\]\)'],
        ),
        (
            helpers.functional_with_mask,
            ["masked by the input padding_mask", r"explainer\(\(token_ids, padding_mask\)\)"],
        ),
        (
            towers,
            [r"\*  of_query +query", r"\*  of_title +title", "Segments: query, title",
             r"pass `tokenizer={'query': ..., 'title': ...}`"],
        ),
    ],
    ids=["category", "characters", "heads", "tagger", "language model", "own table", "sigmoid",
         "text", "mask", "towers"],
)  # fmt: skip
def test_lines(build, lines):
    printed = report(build())
    for line in lines:
        assert re.search(line, printed, re.M), printed


class TestTargets:
    def test_a_text_model(self):
        with pytest.warns(tfs.UnknownTokensWarning):
            run_all(printed_call(helpers.weights_alive(helpers.text_model())))

    def test_probabilities_have_no_probability(self):
        @keras.saving.register_keras_serializable(package="tf_salience_tests")
        class Softmax(layers.Layer):
            """A softmax that Keras does not know of."""

            def call(self, logits):
                return tf.exp(logits) / tf.reduce_sum(tf.exp(logits), -1, keepdims=True)

        logits = model_zoo.with_head(3, None)
        model = keras.Model(logits.input, Softmax()(logits.output))
        call = printed_call(model)
        assert "tfs.targets.Probability()" not in dict(call.targets)
        run_all(call, helpers.ids())

    @pytest.mark.parametrize("activation", [None, "softmax"])
    def test_a_language_model(self, activation):
        ids = model_zoo.ids_input()
        hidden = layers.GRU(8, return_sequences=True)(model_zoo.table()(ids))
        model = keras.Model(ids, layers.Dense(model_zoo.VOCABULARY, activation)(hidden))
        call = printed_call(model)
        assert call.keywords == {"target": "tfs.targets.Span(start=-1)"}
        run_all(call, model_zoo.whole_sentences())

    def test_a_model_that_sees_later_tokens_predicts_none(self):
        ids = model_zoo.ids_input()
        gru = layers.Bidirectional(layers.GRU(8, return_sequences=True))
        hidden = gru(model_zoo.table(mask_zero=True)(ids))
        call = printed_call(keras.Model(ids, layers.Dense(model_zoo.VOCABULARY)(hidden)))
        assert call.keywords == {"target": "tfs.targets.Position(0)"}
        assert "Span(" not in call.text

    def test_an_encoder_and_a_decoder(self):
        inputs = [model_zoo.ids_input(f"{part}_inputs") for part in ("encoder", "decoder")]
        vectors = [model_zoo.table(f"of_{tensor.name}")(tensor) for tensor in inputs]
        encoded = layers.Bidirectional(layers.GRU(4, return_sequences=True))(vectors[0])
        decoded = layers.GRU(8, return_sequences=True)(vectors[1])
        hidden = layers.MultiHeadAttention(2, 4)(decoded, encoded) + decoded
        model = keras.Model(inputs, layers.Dense(model_zoo.VOCABULARY)(hidden))
        call = printed_call(model)
        assert "Segments: encoder_inputs, decoder_inputs." in call.text
        assert call.keywords == {"target": "tfs.targets.Span(start=-1)"}
        run_all(call, (model_zoo.whole_sentences(), model_zoo.whole_sentences()))

    def test_outputs_of_some_positions_are_not_those_of_the_tokens(self):
        ids, positions = model_zoo.ids_input("ids"), model_zoo.ids_input("mask_positions")
        hidden = layers.GRU(8, return_sequences=True)(model_zoo.table()(ids))
        hidden = ops.take_along_axis(hidden, ops.expand_dims(positions, -1), axis=1)
        model = keras.Model([ids, positions], layers.Dense(model_zoo.VOCABULARY)(hidden))
        call = printed_call(model)
        assert [target for target, _ in call.targets] == ["lambda outputs: outputs[:, 0, 0]"]
        run_all(call, (helpers.ids(), np.ones((6, 3), np.int32)))

    def test_integers_have_no_gradient(self):
        model = model_zoo.with_head(3, None)
        classes = ops.argmax(model.output, axis=1)
        printed = report(keras.Model(model.input, classes))
        assert "It cannot be explained\n  Its outputs are int" in printed
        assert "Explainer(" not in printed
        call = printed_call(keras.Model(model.input, [classes, model.output]))
        assert call.keywords == {"output": "1"}
        run_all(call, helpers.ids())

    def test_outputs_of_another_rank(self):
        ids = model_zoo.ids_input(shape=(helpers.WIDTH,))
        hidden = layers.GRU(4, return_sequences=True)(model_zoo.table()(ids))
        model = keras.Model(ids, layers.Reshape((helpers.WIDTH, 2, 2))(hidden))
        call = printed_call(model)
        assert [target for target, _ in call.targets] == ["lambda outputs: outputs[:, 0, 0, 0]"]
        run_all(call, helpers.ids())


class TestArguments:
    """The printed call has what `inspect` was told."""

    def test_embeddings(self):
        call = printed_call(towers(), embeddings=["of_query", "of_title"])
        assert call.keywords == {"embeddings": "['of_query', 'of_title']"}
        call = printed_call(towers(), embeddings="of_title")
        assert call.keywords == {"embeddings": "'of_title'"}
        run_all(call, pair_of_ids())

    def test_a_layer_is_named_by_its_path_where_its_name_is_not_enough(self):
        model = blocks_of_words()
        inner = model.get_layer("second").get_layer("words")
        call = printed_call(model, embeddings=inner)
        assert call.keywords == {"embeddings": "'second/words'"}
        assert run_all(call, pair_of_ids()).config["embeddings"] == ["words"]

    def test_a_layer_that_has_no_name_of_its_own(self):
        first, second = model_zoo.table("words"), model_zoo.table("words")

        class Pair(keras.Model):
            def __init__(self):
                super().__init__()
                self.first, self.second = first, second

            def call(self, ids):
                return ops.sum(first(ids) + second(ids), axis=1)

        model = Pair()
        model(helpers.ids())
        call = printed_call(model, embeddings=second, names={"layer": second})
        assert call.keywords == {"embeddings": "layer"}
        run_all(call, helpers.ids())

    def test_tokenizer(self):
        model, words = helpers.weights_alive(helpers.sequential_lstm()), helpers.vectorizer()
        call = printed_call(model, tokenizer=words, names={"tokenizer": words})
        assert call.keywords == {"tokenizer": "tokenizer"}
        assert "a vocabulary of 30" in call.text
        assert "Texts go in as they are." in call.text
        with pytest.warns(tfs.UnknownTokensWarning):
            run_all(call)

    def test_tokenizers_of_some_inputs(self):
        tokenizer = {"query": ["", "[UNK]", *helpers.WORDS]}
        call = printed_call(towers(), tokenizer=tokenizer, names={"tokenizer": tokenizer})
        assert "query: a vocabulary of 30." in call.text
        assert "title: ids, shown as numbers." in call.text
        assert call.run(pair_of_ids())[0].tokens[0] in helpers.WORDS

    def test_output(self):
        model = model_zoo.build("head_of_a_list")
        call = printed_call(model, output="stars")
        assert call.keywords == {"output": "'stars'"}
        run_all(call, helpers.ids())
        with pytest.raises(ValueError, match="`output` must be one of"):
            report(model, output="star")


def blocks_of_words():
    """Two nested models with a table "words" each."""
    blocks = []
    for name in ("first", "second"):
        ids = model_zoo.ids_input()
        vectors = layers.GlobalAveragePooling1D()(model_zoo.table("words")(ids))
        blocks.append(keras.Model(ids, vectors, name=name))
    inputs = [model_zoo.ids_input(name) for name in ("query", "title")]
    hidden = [block(tensor) for block, tensor in zip(blocks, inputs, strict=True)]
    return helpers.weights_alive(model_zoo.classified(inputs, layers.Concatenate()(hidden)))


class TestDoubt:
    """Where the layer must be named, the call names the one that is proposed."""

    def test_tables_of_one_input(self):
        ids = model_zoo.ids_input()
        words = layers.Embedding(90, 8, name="words")
        hidden = layers.Add()([model_zoo.table("tags")(ids), words(ids)])
        model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))
        call = printed_call(model)
        assert "* is proposed.\n" in call.text
        assert "nothing shows which embeds the tokens. Say it" in call.text
        assert call.keywords == {"embeddings": "'words'"}
        run_all(call, helpers.ids())
        named = report(model, embeddings=["words", "tags"])
        assert re.search(r"\*  tags(.|\n)*\*  words", named)
        assert "Segments: tags, words." in named
        assert "* is explained." in named

    def test_the_proposal_is_a_path_where_names_are_the_same(self):
        blocks, inputs = blocks_of_words(), [model_zoo.ids_input(n) for n in ("text", "tags")]
        model = keras.Model(inputs, blocks(inputs))
        call = printed_call(model)
        assert re.fullmatch(r"'functional\w*/(first|second)/words'", call.keywords["embeddings"])
        run_all(call, pair_of_ids())

    def test_an_input_that_no_layer_embeds(self):
        text, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
        hot = layers.Dense(8)(ops.one_hot(text, model_zoo.VOCABULARY))
        hidden = layers.GlobalAveragePooling1D()(layers.Add()([hot, model_zoo.table("x")(tags)]))
        call = printed_call(model_zoo.classified([text, tags], hidden))
        assert "reads the input 'text', so it is not known" in call.text
        assert call.keywords == {"embeddings": "'x'"}
        run_all(call, (helpers.ids(), helpers.ids()))

    def test_nothing_to_propose(self):
        model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
        printed = report(model)
        assert "No `keras.layers.Embedding` was found" in printed
        assert "Explainer(" not in printed


def test_names_of_a_users_own_that_begin_like_those_of_keras():
    ids, mask = model_zoo.ids_input("input_ids"), model_zoo.ids_input("input_mask")
    words = model_zoo.table()(ids) * ops.cast(mask, "float32")[:, :, None]
    call = printed_call(model_zoo.classified([ids, mask], ops.sum(words, axis=1)))
    assert "explainer((input_ids, input_mask))" in call.text
    assert "* is explained." in call.text
    assert "masked by the input input_mask" in call.text
    explanation = call.run((helpers.ids(), (helpers.ids() != 0) * 1))
    assert list(explanation.segments) == ["input_ids"]
    np.testing.assert_array_equal(explanation.mask, helpers.ids() != 0)


class TestBatches:
    def model(self, stateful=False):
        return keras.Sequential(
            [
                layers.Input(batch_shape=(3, 6), dtype="int32"),
                model_zoo.table(),
                layers.LSTM(4, stateful=stateful, name="memory_lstm"),
                layers.Dense(2),
            ]
        )

    def test_a_fixed_size(self):
        call = printed_call(self.model())
        assert "Takes batches of 3." in call.text
        run_all(call, helpers.ids(3, 6))

    def test_state_from_batch_to_batch(self):
        printed = report(self.model(stateful=True))
        assert "Takes batches of 3." in printed
        assert re.search(r"It cannot be explained\n  .*stateful.*its layer 'memory_lstm'", printed)
        assert "`stateful=False`" in printed
        assert "Explainer(" not in printed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
class TestKerasHub:
    @pytest.fixture(scope="class")
    def hub(self):
        pytest.importorskip("keras_hub", reason="KerasHub, the extra `hub`, is not installed")
        return pytest.importorskip("keras_hub_models")

    @pytest.mark.parametrize("name", ["Bert", "Roberta", "DebertaV3", "Albert"])
    def test_a_classifier(self, hub, name):
        call = printed_call(hub.seeded(hub.classifier, name))
        assert "Texts go in as they are." in call.text
        assert 'explainer(["a text", "another text"])' in call.text
        run_all(call)

    @pytest.mark.parametrize("name", ["GPT2", "Gemma", "Bart"])
    def test_a_language_model(self, hub, name):
        call = printed_call(hub.seeded(hub.language_model, name))
        assert call.keywords == {"target": "tfs.targets.Span(' more')"}
        run_all(call)

    @pytest.mark.parametrize("has_preprocessor", [True, False])
    def test_a_masked_language_model_takes_no_texts(self, hub, has_preprocessor):
        import keras_hub

        tokenizer = hub.tokenizer("Bert")
        preprocessor = keras_hub.models.BertMaskedLMPreprocessor(
            tokenizer, sequence_length=hub.LENGTH, mask_selection_length=4
        )
        model = keras_hub.models.BertMaskedLM(
            hub.backbone("Bert", tokenizer.vocabulary_size()),
            preprocessor=preprocessor if has_preprocessor else None,
        )
        call = printed_call(model)
        assert "Texts go in" not in call.text
        assert [target for target, _ in call.targets] == ["lambda outputs: outputs[:, 0, 0]"]
        run_all(call, preprocessor(["the soup was good", "a bad song"])[0])


def test_a_model_without_symbolic_inputs():
    model = helpers.Subclassed()
    model(helpers.ids())
    call = printed_call(model)
    assert re.search(
        r"^ +position_embedding +10 +\(10, 8\) +its ids are no inputs$", call.text, re.M
    )
    assert len(run_all(call, helpers.ids())) == 6


def test_a_model_that_tells_nothing_before_it_runs():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.words = model_zoo.table()
            self.head = layers.Dense(1)

        def call(self, inputs):
            return self.head(self.words(inputs["a"]) + self.words(inputs["b"]))[:, 0]

    model = Pair()
    model({"a": helpers.ids(), "b": helpers.ids()})
    call = printed_call(model)
    assert "not known: the model has no symbolic inputs" in call.text
    assert "not known before the model is run" in call.text
    assert re.search(r"\*  words +\? +30 +\?", call.text)
    assert len(call.run({"a": helpers.ids(), "b": helpers.ids()})) == 6


def test_a_model_that_changes_a_variable_is_not_run():
    class Counting(keras.Model):
        def __init__(self):
            super().__init__()
            self.words = model_zoo.table()
            self.calls = tf.Variable(0.0)

        def call(self, ids):
            self.calls.assign_add(1.0)
            return ops.sum(self.words(ids), axis=1)

    model = Counting()
    model(helpers.ids())
    printed = report(model)
    assert re.search(r"It cannot be explained\n  The model 'counting\w*' changes", printed)
    assert model.calls.numpy() == 1.0


def test_names_that_python_does_not_take():
    names = ("my text", "class", "1st", "model")
    inputs = {name: model_zoo.ids_input(name) for name in names}
    hidden = [
        layers.GlobalAveragePooling1D()(model_zoo.table(f"words_{number}")(tensor))
        for number, tensor in enumerate(inputs.values())
    ]
    call = printed_call(model_zoo.classified(inputs, layers.Concatenate()(hidden)))
    variables = "{'my text': my_text, 'class': class_, '1st': _1st, 'model': model_}"
    assert f"explainer({variables})" in call.text
    assert len(call.run(dict.fromkeys(names, helpers.ids()))) == 6


def test_a_nest_of_inputs():
    query, title = model_zoo.ids_input("query"), model_zoo.ids_input("title")
    table = model_zoo.table()
    vectors = [layers.GlobalAveragePooling1D()(table(tensor)) for tensor in (query, title)]
    model = model_zoo.classified([{"first": query}, title], layers.Concatenate()(vectors))
    assert "explainer(({'first': query}, title))" in report(model)


def test_no_model():
    with pytest.raises(TypeError, match="must be a keras.Model"):
        tfs.inspect("model")
    with pytest.raises(ValueError, match="must be built"):
        tfs.inspect(keras.Sequential([layers.Embedding(4, 2)]))
