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
