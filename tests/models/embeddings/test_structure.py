"""The structure of a model, as far as Keras tells it without running the model."""

import helpers
import keras
import model_zoo
import pytest
import tensorflow as tf
from keras import layers

from tf_salience.models.embeddings import structure


def test_all_layers_are_listed_once():
    model = helpers.nested()
    listed = structure.all_layers(model)
    assert len(listed) == len(set(listed))
    assert model not in listed
    assert {"encoder", "words"} <= {layer.name for layer in listed}
    assert not any(isinstance(layer, layers.InputLayer) for layer in listed)


@pytest.mark.parametrize(
    ("build", "takes_text"),
    [(helpers.text_model, True), (helpers.sequential_lstm, False), (helpers.two_segments, False)],
)
def test_models_of_texts(build, takes_text):
    assert structure.takes_text(build()) is takes_text


def test_a_model_of_texts_without_symbolic_inputs():
    class OfTexts(keras.Model):
        def __init__(self):
            super().__init__()
            self.vectorizer, self.words = helpers.vectorizer(), model_zoo.table()

        def call(self, texts):
            return tf.reduce_sum(self.words(self.vectorizer(texts)), axis=1)

    model = OfTexts()
    model(tf.constant(["w1"]))
    assert structure.takes_text(model)
    assert structure.input_specs(model).dtype == tf.string


class TestInputSpecs:
    def test_of_symbolic_inputs_in_their_nest(self):
        specs = structure.input_specs(helpers.two_segments())
        assert set(specs) == {"premise", "hypothesis"}
        assert specs["premise"] == tf.TensorSpec((None, None), tf.int32, "premise")

    def test_of_a_model_that_was_built_on_one_array(self):
        model = helpers.Subclassed()
        model(helpers.ids(4))
        spec = structure.input_specs(model)
        assert (spec.shape.as_list(), spec.dtype) == ([None, helpers.WIDTH], tf.int32)

    def test_of_a_model_that_was_built_on_several(self):
        class Pair(keras.Model):
            def __init__(self):
                super().__init__()
                self.words = model_zoo.table()

            def call(self, inputs):
                return tf.reduce_sum(self.words(inputs["a"]) + self.words(inputs["b"]), axis=1)

        model = Pair()
        model({"a": helpers.ids(), "b": helpers.ids()})
        assert structure.input_specs(model) is None

    def test_of_a_batch_size(self):
        model = helpers.two_segments()
        specs = structure.input_specs(model, 3)
        assert specs["premise"].shape.as_list() == [3, None]
        subclassed = helpers.Subclassed()
        subclassed(helpers.ids(4))
        assert structure.input_specs(subclassed, 3).shape.as_list() == [3, helpers.WIDTH]


def test_names_of_inputs():
    ids = model_zoo.ids_input("tensor")
    model = keras.Model({"key": ids}, model_zoo.table()(ids))
    assert structure.input_names(structure.input_specs(model)) == ["key"]
    specs = [tf.TensorSpec((None,), name=name) for name in ("b", "a")]
    assert structure.input_names(specs) == ["b", "a"]
    nested = {"part": {"x": specs[0]}, "alone": specs[1]}
    assert structure.input_names(nested) == ["alone", "part/x"]


class TestNamesOfLayers:
    def test_paths_lead_from_the_model_down(self):
        model = helpers.nested()
        paths = structure.layer_paths(model)
        assert list(paths) == structure.all_layers(model)
        assert "encoder/words" in paths.values()

    def test_a_name_where_it_is_enough_else_a_path(self):
        ids = model_zoo.ids_input()
        blocks = [keras.Model(ids, model_zoo.table("words")(ids), name=name) for name in "ab"]
        model = keras.Model(ids, model_zoo.table("other")(ids) + blocks[0](ids) + blocks[1](ids))
        paths = structure.layer_paths(model)
        words = [block.get_layer("words") for block in blocks]
        assert [structure.unambiguous_name(layer, paths) for layer in words] == [
            "a/words",
            "b/words",
        ]
        assert structure.unambiguous_name(model.get_layer("other"), paths) == "other"
        assert structure.named("words", paths) == words
        assert structure.named("a/words", paths) == words[:1]

    def test_layers_that_share_name_and_path_have_none(self):
        first, second = (layers.Dense(1, name="same") for _ in range(2))
        paths = {first: "same", second: "same"}
        assert structure.unambiguous_name(first, paths) is None


class TestBatches:
    def model(self, batch_size, **keywords):
        return keras.Sequential(
            [
                layers.Input(batch_shape=(batch_size, 6), dtype="int32"),
                model_zoo.table(),
                layers.Bidirectional(layers.GRU(2, name="memory", **keywords)),
            ]
        )

    @pytest.mark.parametrize("batch_size", [None, 3])
    def test_their_size(self, batch_size):
        assert structure.fixed_batch_size(self.model(batch_size)) == batch_size

    def test_of_a_model_without_symbolic_inputs(self):
        assert structure.fixed_batch_size(helpers.Subclassed()) is None

    def test_layers_that_carry_state(self):
        assert structure.stateful_layers(self.model(3)) == []
        assert structure.stateful_layers(self.model(3, stateful=True))
