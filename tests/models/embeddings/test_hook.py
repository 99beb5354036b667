import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.models import embeddings


def test_a_language_models_head_is_not_a_segment_and_its_mask_is_kept():
    """`ReversibleEmbedding` attaches its mask inside `call`, and is also the head."""

    class Tied(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.ReversibleEmbedding(12, 4, mask_zero=True)
            self.gru = layers.GRU(4)

        def call(self, ids):
            return self.embedding(self.gru(self.embedding(ids)), reverse=True)

    model = Tied()
    model(np.ones((1, 3)))
    helpers.weights_alive(model)
    ids = np.array([[3, 4, 5, 0, 0], [6, 7, 8, 9, 1]])
    explanation = tfs.explain(model, ids, "gradient_dot_input", trim_padding=False)
    assert len(explanation.segments) == 1
    assert explanation.mask.sum(axis=1).tolist() == [3, 5]
    assert not explanation.scores[0, 3:].any()
    alone = tfs.explain(model, ids[:1, :3], "gradient_dot_input")
    np.testing.assert_allclose(alone.scores[0], explanation.scores[0, :3], rtol=1e-5)


def test_state_that_the_model_updates_as_it_runs_is_left_alone():
    class Counting(layers.Layer):
        def build(self, shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, inputs):
            self.calls.assign_add(1.0)
            self.add_loss(ops.sum(inputs) * 0.001)
            return inputs * self.calls

    ids = np.array([[1, 2, 3]])
    counter = Counting()
    model = keras.Sequential([layers.Embedding(5, 4), counter, layers.LSTM(3), layers.Dense(2)])
    model(ids)
    state = [variable.numpy() for variable in model.variables]
    losses = len(model.losses)
    tfs.explain(model, ids)
    for variable, before in zip(model.variables, state, strict=True):
        np.testing.assert_array_equal(variable.numpy(), before)
    assert len(model.losses) == losses


def test_a_layer_that_embeds_by_itself_is_found():
    class Lookup(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=(9, 4))

        def call(self, ids):
            return ops.take(self.table, ids, axis=0)

    inputs = layers.Input((None,), dtype="int32")
    hidden = Lookup(name="lookup", dtype="float32")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(hidden)))
    found = tfs.explain(model, [[1, 2, 3]])
    explanation = tfs.explain(model, [[1, 2, 3]], embeddings="lookup")
    np.testing.assert_array_equal(found.scores, explanation.scores)
    assert explanation.config["embeddings"] == ["lookup"]
    assert np.abs(explanation.convergence_delta).max() < 1e-6
    with pytest.raises(ValueError, match="needs a layer with an embedding matrix"):
        tfs.explain(model, [[1, 2]], tfs.IntegratedGradients(baseline="mean"), embeddings="lookup")


def test_position_and_segment_embeddings_are_not_taken_for_tokens():
    assert [layer.name for layer in embeddings.find(helpers.with_segment_ids(), None)] == [
        "token_embedding"
    ]


def test_layers_are_found_by_path_and_in_nested_models():
    model = helpers.nested()
    (layer,) = embeddings.find(model, None)
    assert layer.name == "words"
    assert embeddings.find(model, layer.path) == embeddings.find(model, "words") == [layer]


def test_quantized_embeddings():
    model = helpers.weights_alive(helpers.single_unit())
    model.layers[0].quantize("int8")
    explanation = tfs.explain(model, helpers.ids())
    assert explanation.converged.all()
    expected = model(helpers.ids())[:, 0].numpy()
    np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)


def test_a_model_that_is_being_trained_never_sees_the_hook():
    model = helpers.sequential_lstm()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.zeros(6)
    explainer = tfs.Explainer(model, "gradient_norm")
    for _ in range(2):
        model.fit(helpers.ids(), labels, verbose=0)
        explainer(helpers.ids())
        model.predict(helpers.ids(), verbose=0)
    expected = model(tf.constant(helpers.ids())).numpy()
    np.testing.assert_allclose(model.predict(helpers.ids(), verbose=0), expected, atol=1e-6)
