"""The forward pass over all examples, whatever batches, widths and branches the model has."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.explainer.forward import ForwardRunner
from tf_salience.models.text_model import TextModel


def run(model, batch_size, ids):
    runner = ForwardRunner(TextModel.from_arguments(model), batch_size)
    return runner, runner(ids, np.arange(len(ids)))


def test_batches_are_joined():
    model, ids = helpers.weights_alive(helpers.sequential_lstm()), helpers.ids()
    runner, forward = run(model, 4, ids)
    np.testing.assert_allclose(forward.outputs, model(ids), rtol=1e-5)
    (segment,) = forward.segments
    np.testing.assert_array_equal(segment.ids, ids)
    np.testing.assert_array_equal(segment.mask, ids != 0)
    np.testing.assert_array_equal(segment.embeddings, model.layers[0](ids))
    assert runner.trace_count == 1
    runner(ids[:3], np.arange(3))
    assert runner.trace_count == 1


def test_an_example_is_named_by_its_number_in_all_batches():
    ids = np.ones((9, 4), int)
    ids[7, 2] = helpers.VOCABULARY
    with pytest.raises(ValueError, match="Received: id 30 at example 7, position 2"):
        run(helpers.sequential_lstm(), 2, ids)


def test_small_ids_of_a_large_vocabulary():
    class Sum(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(400, 400, weights=[np.eye(400)])

        def call(self, ids):
            return ops.sum(self.embedding(ids), axis=1)

    model, ids = Sum(), np.array([[250, 251, 240, 7]], np.uint8)
    model(ids)
    explanation = tfs.explain(model, ids, "gradient_dot_input", target=251)
    np.testing.assert_array_equal(explanation.scores, [[0, 1, 0, 0]])


@pytest.mark.parametrize("trim_padding", ["auto", False])
def test_a_branch_that_is_not_explained_keeps_its_own_width(trim_padding):
    text = layers.Input((), dtype="string")
    words = layers.TextVectorization(vocabulary=helpers.WORDS, output_sequence_length=6)
    letters = layers.TextVectorization(
        vocabulary=list("w0123456789"), split="character", output_sequence_length=20
    )
    branches = [
        layers.GlobalAveragePooling1D()(layers.Embedding(30, 8, name=name)(vectorizer(text)))
        for name, vectorizer in (("words", words), ("letters", letters))
    ]
    outputs = layers.Dense(2, activation="tanh")(layers.Concatenate()(branches))
    model = helpers.weights_alive(keras.Model(text, outputs))
    texts = ["w1 w2 w3 w4", "w5 w6"]
    explanation = tfs.explain(model, texts, embeddings="words", trim_padding=trim_padding)
    expected = np.asarray(model(tf.constant(texts))).max(axis=1)
    np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)
    assert explanation.converged.all()
    assert np.abs(explanation.convergence_delta).max() < 1e-2


def test_texts_of_other_batches_are_explained_at_one_width():
    """The model does not mask: at another width its outputs would be others."""
    vectorizer = layers.TextVectorization(vocabulary=helpers.WORDS)
    model = keras.Sequential(
        [
            layers.Input((), dtype="string"),
            vectorizer,
            layers.Embedding(helpers.VOCABULARY, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )
    helpers.weights_alive(model)
    texts = ["w1 w2 w3 w4 w5 w6 w7 w8 w9", "w3"]
    method = tfs.IntegratedGradients(steps=4)
    expected = tfs.explain(model, texts, method)
    explanation = tfs.explain(model, texts, method, batch_size=1)
    np.testing.assert_allclose(explanation.scores, expected.scores, atol=1e-6)
    outputs = np.asarray(model(tf.constant(texts))).max(1)
    np.testing.assert_allclose(explanation.output, outputs, rtol=1e-5)


def test_the_number_of_segments_may_depend_on_the_width():
    class Windows(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(helpers.VOCABULARY, 8)

        def call(self, ids):
            windows = [ids] if ids.shape[1] <= 4 else [ids[:, :4], ids[:, 4:]]
            return sum(ops.sum(self.embedding(window), axis=(1, 2)) for window in windows)[:, None]

    model = Windows()
    model(np.ones((1, 4), int))
    explainer = tfs.Explainer(model, "gradient_norm")
    for width, segments in ((8, 2), (4, 1), (8, 2)):
        explanation = explainer(np.ones((3, width), int))
        assert len(explanation.segments) == segments
        assert explanation.scores.shape == (3, width)


def test_a_model_that_assigns_to_a_variable_is_refused():
    class Counting(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(helpers.VOCABULARY, 8)
            self.calls = tf.Variable(0)

        def call(self, ids):
            self.calls.assign_add(1)
            return ops.sum(self.embedding(ids), axis=1)

    model = Counting()
    model(np.ones((1, 3), int))
    with pytest.raises(ValueError, match="changes a `tf.Variable`"):
        tfs.explain(model, np.ones((2, 3), int))
    assert model.calls.numpy() == 1
