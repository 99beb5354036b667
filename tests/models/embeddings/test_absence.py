"""The message for models in which no layer embeds ids: why, and what can be done instead."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
from keras import layers, ops

import tf_salience as tfs
from tf_salience.models.embeddings.absence import absence_message


def bag_of_words(mode):
    text = layers.Input((), dtype="string")
    weights = {"idf_weights": [1.0] * len(helpers.WORDS)} if mode == "tf_idf" else {}
    vectorizer = layers.TextVectorization(output_mode=mode, vocabulary=helpers.WORDS, **weights)
    return model_zoo.classified(text, layers.Dense(4)(vectorizer(text)))


def encoded_categories():
    ids = model_zoo.ids_input("ids", (5,))
    encoding = layers.CategoryEncoding(num_tokens=9, output_mode="multi_hot")
    return model_zoo.classified(ids, encoding(ids))


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (lambda: bag_of_words("tf_idf"), "TextVectorization(output_mode='tf_idf')"),
        (lambda: bag_of_words("multi_hot"), "TextVectorization(output_mode='multi_hot')"),
        (lambda: bag_of_words("count"), "TextVectorization(output_mode='count')"),
        (encoded_categories, "CategoryEncoding(output_mode='multi_hot')"),
    ],
)
def test_features_have_no_tokens(build, layer):
    message = absence_message(build())
    assert f"cannot be explained by token: its `{layer}`" in message
    assert "TextVectorization(output_mode='int')` and `keras.layers.Embedding`" in message
    assert "name it" not in message


def test_floats_without_a_tokens_axis():
    model = keras.Sequential([layers.Input((400,)), layers.Dense(2, name="only")])
    message = absence_message(model)
    assert "cannot be explained by token: no layer gives vectors of tokens" in message
    assert "a model of the layers ['only']" in message
    assert "name it" not in message


def test_a_dense_on_one_hot_ids_can_be_named():
    ids = model_zoo.ids_input()
    hidden = layers.Dense(5, name="of_one_hot")(ops.one_hot(ids, model_zoo.VOCABULARY))
    model = helpers.weights_alive(model_zoo.classified(ids, layers.GRU(4)(hidden)))
    assert "name it: `embeddings='of_one_hot'`" in absence_message(model)
    explanation = tfs.explain(model, helpers.ids(), embeddings="of_one_hot", pad_id=0)
    assert explanation.scores.any()


def test_vectors_that_come_in_can_be_named():
    vectors = layers.Input((None, 7))
    model = model_zoo.classified(vectors, layers.GRU(4)(vectors))
    assert "put `keras.layers.Identity(name='vectors')` behind that input" in absence_message(model)
    model = model_zoo.classified(vectors, layers.GRU(4)(layers.Identity(name="vectors")(vectors)))
    inputs = np.random.default_rng(0).normal(size=(2, 4, 7))
    assert tfs.explain(model, inputs, embeddings="vectors").scores.shape == (2, 4)


def test_a_model_that_cannot_be_traced():
    class OfKnownSize(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(2)

        def call(self, inputs):
            if inputs.shape[0] is None:
                raise KeyError("batch")
            return self.head(inputs)

    model = OfKnownSize()
    model(np.ones((2, 3), np.float32))
    assert "If one does, name it: `embeddings='layer_name'`" in absence_message(model)


def test_a_model_of_many_layers():
    hidden = inputs = layers.Input((4,))
    for number in range(300):
        hidden = layers.Dense(4, name=f"a_rather_long_name_of_a_layer_{number}")(hidden)
    message = absence_message(keras.Model(inputs, hidden))
    assert len(message) < 1500
    assert "a_rather_long_name_of_a_layer_0" in message
