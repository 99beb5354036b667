"""`find`: the layers that embed tokens, or an error that says what to pass as `embeddings`."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.models.embeddings.find import find


def names(model, choice=None):
    return [layer.name for layer in find(model, choice)]


def tables_side_by_side(first, second):
    """Two tables that read the same ids."""
    ids = model_zoo.ids_input()
    hidden = layers.Add()([first(ids), second(ids)])
    return model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))


def speakers_beside(words, hidden):
    """A model that reads words in some way, beside the speakers of five sentences by a table."""
    speakers = model_zoo.ids_input("who", (5,))
    speaker_vectors = layers.Flatten()(layers.Embedding(4, 3, name="speaker")(speakers))
    return model_zoo.classified([words, speakers], layers.Concatenate()([hidden, speaker_vectors]))


class TestTheOnlyTable:
    def test_position_and_segment_embeddings_are_not_of_tokens(self):
        assert names(helpers.with_segment_ids()) == ["token_embedding"]

    def test_in_a_nested_model(self):
        assert names(helpers.nested()) == ["words"]

    def test_a_layer_that_is_no_embedding_of_keras(self):
        assert names(model_zoo.own_table()) == ["own"]

    def test_a_model_that_cannot_be_traced_has_the_only_table(self):
        class OfKnownSize(keras.Model):
            def __init__(self):
                super().__init__()
                self.words = model_zoo.table("words")

            def call(self, ids):
                if ids.shape[0] is None:
                    raise KeyError("batch")
                return ops.sum(self.words(ids), axis=1)

        model = OfKnownSize()
        model(helpers.ids())
        assert names(model) == ["words"]


class Block(layers.Layer):
    """A layer that holds a table called "words"."""

    def __init__(self, **keywords):
        super().__init__(**keywords)
        self.table = model_zoo.table("words")

    def call(self, ids):
        return self.table(ids)


class TestChosen:
    def test_by_name_path_and_layer(self):
        ids = model_zoo.ids_input()
        block = Block(name="block")
        model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(block(ids)))
        for choice in ("words", "block/words", block.table, ["words"], (block.table,)):
            assert find(model, choice) == [block.table]

    def test_several_in_the_order_of_the_list(self):
        first, second = model_zoo.table("first"), model_zoo.table("second")
        model = tables_side_by_side(first, second)
        assert find(model, ["second", first]) == [second, first]

    def test_models_that_were_made_one_by_one_are_told_apart(self):
        ids = model_zoo.ids_input("ids")
        blocks = [keras.Model(ids, model_zoo.table("words")(ids), name=name) for name in "ab"]
        model = keras.Model(ids, layers.Add()([block(ids) for block in blocks]))
        with pytest.raises(ValueError, match="2 layers.*'words'.*'a/words'"):
            find(model, "words")
        for block in blocks:
            assert find(model, f"{block.name}/words") == [block.get_layer("words")]
        with pytest.raises(ValueError, match="Say it: `embeddings='[ab]/words'`"):
            find(model, None)

    def test_a_name_and_path_that_two_layers_have(self):
        class Pair(keras.Model):
            def __init__(self):
                super().__init__()
                self.tables = [model_zoo.table("words") for _ in range(2)]

            def call(self, ids):
                return ops.sum(self.tables[0](ids) + self.tables[1](ids), axis=1)

        model = Pair()
        model(helpers.ids())
        with pytest.raises(ValueError, match="called 'words'. Pass the layer itself. Received"):
            find(model, "words")
        with pytest.raises(ValueError, match="Pass the layer itself as `embeddings`"):
            find(model, None)
        assert find(model, model.tables[1]) == [model.tables[1]]

    def test_a_name_that_two_layers_have(self):
        first, second = Block(name="first"), Block(name="second")
        model = tables_side_by_side(first, second)
        with pytest.raises(ValueError, match="2 layers.*'words'.*'second/words'"):
            find(model, "words")
        assert find(model, "second/words") == [second.table]

    @pytest.mark.parametrize(
        ("choice", "error", "message"),
        [
            ("embeding", ValueError, "Received: embeddings='embeding'. Did you mean"),
            (layers.Embedding(3, 2, name="foreign"), ValueError, "'foreign', which is not part"),
            (3, TypeError, r"Received: embeddings=3 \(of type int\)"),
            ([], ValueError, "at least one layer. Received: an empty list"),
        ],
        ids=["unknown", "of another model", "a number", "empty"],
    )
    def test_a_choice_that_does_not_fit(self, choice, error, message):
        with pytest.raises(error, match=message):
            find(helpers.sequential_lstm(), choice)


def towers(names=("query", "title"), sizes=(30, 30), pool=layers.GlobalAveragePooling1D, join=None):
    """Inputs of ids, each with a table of its own and a tower above it; then joined."""
    inputs = [model_zoo.ids_input(name, (helpers.WIDTH,)) for name in names]
    vectors = [
        pool()(layers.Embedding(size, 8, name=f"of_{tensor.name}")(tensor))
        for tensor, size in zip(inputs, sizes, strict=True)
    ]
    return model_zoo.classified(inputs, (join or layers.Concatenate())(vectors))


def sequences():
    return layers.GRU(8, return_sequences=True)


def pooled(join):
    return lambda vectors: layers.GlobalAveragePooling1D()(join(vectors))


def attended(vectors):
    return layers.MultiHeadAttention(2, 4)(*vectors) + vectors[0]


class TokensAndPositions(layers.Layer):
    """The embeddings of tokens and of their positions, in tables without names of their own."""

    def __init__(self, size, **keywords):
        super().__init__(**keywords)
        self.tokens = layers.Embedding(size, 8)
        self.positions = layers.Embedding(helpers.WIDTH, 8)

    def call(self, ids):
        return self.tokens(ids) + self.positions(ops.arange(ops.shape(ids)[-1]))


class TestSeveralTexts:
    """The tables of several texts are taken together where each plainly embeds one of them."""

    @pytest.mark.parametrize(
        "keywords",
        [
            {},
            {"sizes": (30, 90)},
            {"pool": layers.Flatten},
            {"pool": sequences, "join": pooled(attended)},
            {"pool": sequences, "join": pooled(layers.Concatenate(axis=1))},
            {"pool": layers.GlobalMaxPooling1D, "join": layers.Dot(axes=1)},
            {"join": layers.Add()},
            {"names": ("title", "body", "summary"), "sizes": (30, 40, 50)},
        ],
        ids=["pooled", "two languages", "flattened", "attention", "one behind the other",
             "similarity", "a sum of vectors", "three"],
    )  # fmt: skip
    def test_taken(self, keywords):
        model = towers(**keywords)
        inputs = [f"of_{tensor.name}" for tensor in model.inputs]
        assert sorted(names(model)) == sorted(inputs)

    @pytest.mark.parametrize(
        "keywords",
        [
            {"sizes": (300, 9)},
            {"names": ("text", "pos_tags")},
            {"names": ("words", "chars")},
            {"names": ("query", "user")},
            {"pool": sequences, "join": pooled(layers.Concatenate())},
            {"pool": sequences, "join": pooled(layers.Add())},
            {"pool": layers.Identity, "join": pooled(layers.Multiply())},
            {"names": ("title", "body", "summary"), "sizes": (30, 40, 9)},
        ],
        ids=["few ids", "tags", "characters", "a user", "appended by token", "added by token",
             "multiplied by token", "one of three"],
    )  # fmt: skip
    def test_asked(self, keywords):
        with pytest.raises(ValueError, match="nothing shows which embeds the tokens. Say it"):
            find(towers(**keywords), None)

    def test_an_encoder_and_a_decoder(self):
        encoder, decoder = (
            model_zoo.ids_input(f"{part}_inputs") for part in ("encoder", "decoder")
        )
        encoded = layers.Dense(8)(TokensAndPositions(30, name="source")(encoder))
        decoded = TokensAndPositions(40, name="target")(decoder)
        hidden = layers.MultiHeadAttention(2, 4)(decoded, encoded) + decoded
        model = helpers.weights_alive(keras.Model([encoder, decoder], layers.Dense(40)(hidden)))
        explanation = tfs.explain(
            model,
            (helpers.ids(), helpers.ids(seed=1)),
            "gradient_norm",
            target=tfs.targets.Position(0),
        )
        assert list(explanation.segments) == ["encoder_inputs", "decoder_inputs"]
        assert find(model, None) == [
            model.get_layer("source").tokens,
            model.get_layer("target").tokens,
        ]

    def test_two_texts_that_the_model_splits(self):
        texts = [layers.Input((), dtype="string", name=name) for name in ("title", "body")]
        vectors = [
            layers.GlobalAveragePooling1D()(
                model_zoo.table(f"of_{text.name}")(helpers.vectorizer()(text))
            )
            for text in texts
        ]
        model = model_zoo.classified(texts, layers.Concatenate()(vectors))
        assert sorted(names(model)) == ["of_body", "of_title"]

    def test_two_ways_to_split_one_text(self):
        text = layers.Input((), dtype="string", name="text")
        vectors = [
            layers.GlobalAveragePooling1D()(model_zoo.table(name)(helpers.vectorizer()(text)))
            for name in ("words", "again")
        ]
        with pytest.raises(ValueError, match=r"again +text +30"):
            find(model_zoo.classified(text, layers.Concatenate()(vectors)), None)

    def test_a_table_that_reads_both_inputs_beside_one_that_reads_one(self):
        first, second = model_zoo.ids_input("first"), model_zoo.ids_input("second")
        shared, own = model_zoo.table("shared"), model_zoo.table("own")
        vectors = [
            layers.GlobalAveragePooling1D()(table(tensor))
            for table, tensor in ((shared, first), (shared, second), (own, second))
        ]
        model = model_zoo.classified([first, second], layers.Concatenate()(vectors))
        with pytest.raises(ValueError, match=r"shared +first, second +30"):
            find(model, None)

    def test_a_text_beside_a_table_of_the_users_own(self):
        inputs = [model_zoo.ids_input(name) for name in ("query", "title")]
        tables = (model_zoo.table("of_query"), model_zoo.OwnTable(name="own"))
        vectors = [
            layers.GlobalAveragePooling1D()(table(tensor))
            for table, tensor in zip(tables, inputs, strict=True)
        ]
        with pytest.raises(ValueError, match=r"own +title +\?"):
            find(model_zoo.classified(inputs, layers.Concatenate()(vectors)), None)


class TestNoGuess:
    """Where the layer is not plain from the model, the candidates are listed."""

    @pytest.mark.parametrize(
        "second",
        [
            lambda: layers.Embedding(9, 8, name="tags"),
            lambda: model_zoo.OwnTable(name="tags"),
        ],
        ids=["embedding", "own layer"],
    )
    def test_two_tables_of_one_input(self, second):
        model = tables_side_by_side(layers.Embedding(50, 8, name="words"), second())
        with pytest.raises(
            ValueError, match=r"has 2 embedding layers(.|\n)*words +\w+ +50(.|\n)*tags"
        ):
            find(model, None)

    def test_a_table_of_tags_beside_the_words(self):
        ids, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
        hidden = layers.Add()(
            [model_zoo.OwnTable(name="own")(ids), layers.Embedding(9, 8, name="t")(tags)]
        )
        model = model_zoo.classified([ids, tags], layers.GRU(4)(hidden))
        with pytest.raises(
            ValueError, match=r"2 embedding layers(.|\n)*own +text +\?(.|\n)*t +tags +9"
        ):
            find(model, None)

    def test_only_a_category(self):
        genre = model_zoo.ids_input("genre", (1,))
        hidden = layers.Flatten()(layers.Embedding(4, 3, name="genres")(genre))
        model = model_zoo.classified(genre, hidden)
        with pytest.raises(ValueError, match=r"genres +genre +4 .*one id an example"):
            find(model, None)
        assert tfs.explain(model, [[1]], embeddings="genres").scores.shape == (1, 1)

    def test_a_table_that_is_never_called(self):
        class WithSpare(keras.Model):
            def __init__(self):
                super().__init__()
                self.words = model_zoo.table("first")
                self.spare = model_zoo.table("second")
                self.spare.build((None,))

            def call(self, ids):
                return tf.reduce_sum(self.words(ids), axis=1)

        model = WithSpare()
        model(helpers.ids())
        with pytest.raises(ValueError, match="first(.|\n)*second"):
            find(model, None)

    def test_sentences_of_words(self):
        words = model_zoo.ids_input("text", (5, 7))
        hidden = layers.GlobalAveragePooling2D()(model_zoo.table("words")(words))
        with pytest.raises(ValueError, match=r"words +text +30(.|\n)*it gives \(None, 5, 7, 8\)"):
            find(speakers_beside(words, hidden), None)

    @pytest.mark.parametrize(
        ("words", "tags"), [("segmented_words", "pos_tags"), ("proposition", "x"), ("segment", "x")]
    )
    def test_names_that_sound_like_those_of_positions_and_segments(self, words, tags):
        text, tag_ids = model_zoo.ids_input("text"), model_zoo.ids_input("tag_ids")
        hidden = layers.Add()(
            [model_zoo.table(words)(text), layers.Embedding(4, 8, name=tags)(tag_ids)]
        )
        model = model_zoo.classified([text, tag_ids], layers.GlobalAveragePooling1D()(hidden))
        with pytest.raises(ValueError, match=rf"`embeddings='{words}'`|{words}(.|\n)*its name"):
            find(model, None)

    def test_a_table_that_takes_floats(self):
        words = layers.Input((None,), name="text")
        table = model_zoo.OwnTable(name="own")
        hidden = layers.GlobalAveragePooling1D()(table(ops.cast(words, "int32")))
        with pytest.raises(ValueError, match=r"2 embedding layers(.|\n)*own"):
            find(speakers_beside(words, hidden), None)

    def test_positions_that_are_counted(self):
        ids = model_zoo.ids_input("text")
        positions = ops.cumsum(ops.ones_like(ids), axis=1)
        hidden = layers.Dense(6)(ops.one_hot(ids, model_zoo.VOCABULARY))
        hidden = hidden + layers.Embedding(20, 6, name="where")(positions)
        model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))
        with pytest.raises(ValueError, match="where +20 .*its ids are no inputs"):
            find(model, None)

    def test_an_encoder(self):
        @keras.saving.register_keras_serializable(package="tf_salience_tests")
        class Encoder(layers.Layer):
            """Turns ids into vectors that depend on all tokens."""

            def __init__(self, **keywords):
                super().__init__(**keywords)
                self.words = model_zoo.OwnTable()
                self.gru = layers.GRU(6, return_sequences=True)

            def build(self, shape):
                self.words.build(shape)

            def call(self, ids):
                return self.gru(tf.nn.embedding_lookup(self.words.table, ids))

        ids = model_zoo.ids_input("text")
        hidden = layers.GlobalAveragePooling1D()(Encoder(name="encoder")(ids))
        model = model_zoo.classified(ids, hidden)
        with pytest.raises(ValueError, match=r"encoder +text +\?(.|\n)*it mixes tokens"):
            find(model, None)
        named = tfs.explain(model, helpers.ids(), "gradient_norm", embeddings="encoder")
        assert named.scores.any()

    def test_a_model_that_cannot_be_traced_has_two_tables(self):
        class OfKnownSize(keras.Model):
            def __init__(self):
                super().__init__()
                self.first, self.second = model_zoo.table("first"), model_zoo.table("second")

            def call(self, ids):
                if ids.shape[0] is None:
                    raise KeyError("batch")
                return ops.sum(self.first(ids) + self.second(ids), axis=1)

        model = OfKnownSize()
        model(helpers.ids())
        with pytest.raises(ValueError, match=r"first +\? +30(.|\n)*second +\? +30"):
            find(model, None)


class TestModelsWithoutEmbeddings:
    def test_no_layer_embeds(self):
        model = keras.Sequential([layers.Input((4,)), layers.Dense(2, name="only")])
        with pytest.raises(ValueError, match=r"No `keras.layers.Embedding` was found(.|\n)*only"):
            find(model, None)

    def test_a_bag_of_words(self):
        text = layers.Input((), dtype="string")
        counts = layers.TextVectorization(output_mode="multi_hot", vocabulary=helpers.WORDS)(text)
        with pytest.raises(
            ValueError, match="cannot be explained by token: its `TextVectorization"
        ):
            find(model_zoo.classified(text, counts), None)

    def test_a_saved_model(self, tmp_path):
        helpers.sequential_lstm().export(tmp_path / "model", verbose=False)
        loaded = tf.saved_model.load(str(tmp_path / "model"))
        layer = layers.TFSMLayer(str(tmp_path / "model"), call_endpoint="serve")
        for saved_model in (loaded, layer):
            with pytest.raises(TypeError, match=r"SavedModel has no layers.*`.keras` file"):
                find(saved_model, None)
        ids = model_zoo.ids_input()
        with pytest.raises(ValueError, match=r"SavedModel has no layers.*Received: .*tfsm_layer"):
            find(keras.Model(ids, layer(ids)), None)


class TestMessages:
    """None is longer than 1,500 characters, whatever was passed."""

    def many(self):
        ids = model_zoo.ids_input("i" * 200)
        hidden = [model_zoo.table(f"{'long' * 20}_{number}")(ids) for number in range(60)]
        hidden = layers.GlobalAveragePooling1D()(layers.Add()(hidden))
        return keras.Model(ids, hidden, name="m" * 2000)

    @pytest.mark.parametrize(
        "choice", [None, "x" * 5000, "m" * 2000, {"a": "x" * 5000}, model_zoo.table("y" * 5000)]
    )
    def test_of_a_choice(self, choice):
        with pytest.raises((ValueError, TypeError)) as error:
            find(self.many(), choice)
        assert 50 < len(str(error.value)) < 1500

    def test_of_a_model(self):
        for model in ("x" * 5000, keras.Sequential([layers.Dense(2)], name="m" * 5000)):
            with pytest.raises((ValueError, TypeError)) as error:
                find(model, None)
            assert 50 < len(str(error.value)) < 1500


class TestModelsThatAreRefused:
    def test_not_a_model(self):
        with pytest.raises(TypeError, match=r"must be a keras.Model.*Received: model='bert'"):
            find("bert", None)

    def test_a_model_of_keras_2(self):
        class Model:
            """A class that Keras 2 seems to define: its module is all that is read."""

        Model.__module__ = "tf_keras.src.engine.training"
        with pytest.raises(TypeError, match=r"of Keras 2 \(tf_keras\).*Keras 3"):
            find(Model(), None)

    def test_not_built(self):
        model = keras.Sequential([layers.Embedding(5, 2), layers.Dense(1)])
        with pytest.raises(ValueError, match="must be built.*no weights yet. Call it once"):
            find(model, None)

    def test_a_remat_scope(self):
        with keras.RematScope(mode="full"):
            model = helpers.convolution()
        with pytest.raises(ValueError, match="inside a `keras.RematScope`.*set_weights"):
            find(model, None)


def test_the_same_layer_is_explained_by_guess_and_by_name():
    model = helpers.weights_alive(model_zoo.own_table())
    guessed = tfs.explain(model, np.array([[1, 2, 3]]))
    named = tfs.explain(model, np.array([[1, 2, 3]]), embeddings="own")
    np.testing.assert_array_equal(guessed.scores, named.scores)
    assert guessed.config["embeddings"] == named.config["embeddings"] == ["own"]
