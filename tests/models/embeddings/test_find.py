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
        with pytest.raises(ValueError, match=r"has 2 embedding layers(.|\n)*words +\w+ +50(.|\n)*tags"):
            find(model, None)

    def test_a_table_of_tags_beside_the_words(self):
        ids, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
        hidden = layers.Add()(
            [model_zoo.OwnTable(name="own")(ids), layers.Embedding(9, 8, name="t")(tags)]
        )
        model = model_zoo.classified([ids, tags], layers.GRU(4)(hidden))
        with pytest.raises(ValueError, match=r"2 embedding layers(.|\n)*own +text +\?(.|\n)*t +tags +9"):
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
        with pytest.raises(ValueError, match="cannot be explained by token: its `TextVectorization"):
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


class TestModelsThatAreRefused:
    def test_not_a_model(self):
        with pytest.raises(TypeError, match="must be a keras.Model. Received: model='bert'"):
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
