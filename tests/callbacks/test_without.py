"""`Explainer.without`, by which the callback measures comprehensiveness and sufficiency."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from training import PROBES

import tf_salience as tfs


def test_an_erased_token_has_the_embedding_of_the_baseline():
    table = np.arange(30.0)[:, None].astype(np.float32)
    model = helpers.formula_model(lambda embeddings: ops.sum(embeddings, axis=1), table)
    ids = np.array([[1, 2, 3], [4, 5, 6]])
    erased = np.array([[[1, 0, 0], [0, 0, 0]], [[0, 1, 1], [1, 1, 1]]], bool)
    outputs = tfs.Explainer(model, "gradient_norm").without(ids, erased)
    assert outputs.tolist() == [[5, 15], [1, 0]]
    method = tfs.IntegratedGradients(baseline=7)
    outputs = tfs.Explainer(model, method).without(ids, erased)
    assert outputs.tolist() == [[12, 15], [15, 21]]


def test_the_class_is_that_of_the_whole_input():
    model = helpers.weights_alive(helpers.sequential_lstm())
    explainer = tfs.Explainer(model)
    explanation = explainer(PROBES)
    none, real = np.zeros_like(explanation.mask), explanation.mask
    whole, empty = explainer.without(PROBES, np.stack([none, real]))
    np.testing.assert_allclose(whole, explanation.output, rtol=1e-5)
    np.testing.assert_allclose(empty, explanation.baseline_output, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("erased_name", "kept_name"), [("premise", "hypothesis"), ("hypothesis", "premise")]
)
def test_segments_are_in_the_order_of_the_explanation(erased_name, kept_name):
    model = helpers.weights_alive(helpers.two_segments())
    inputs = {"premise": PROBES, "hypothesis": helpers.ids(4, width=6, seed=8)}
    explainer = tfs.Explainer(model, "gradient_dot_input")
    explanation = explainer(inputs)
    erased = np.zeros((1, *explanation.mask.shape), bool)
    erased[:, :, explanation.segments[erased_name]] = True
    outputs = explainer.without(inputs, erased)[0]
    assert outputs.shape == (4,)
    # The same by hand: the encoder of a segment of zero vectors, with the mask of its ids.
    table = next(layer for layer in model.layers if isinstance(layer, layers.Embedding)).embeddings
    encoder = next(layer for layer in model.layers if isinstance(layer, layers.GRU))
    embeddings = {
        erased_name: np.zeros((4, inputs[erased_name].shape[1], 8), np.float32),
        kept_name: ops.take(table, inputs[kept_name], axis=0),
    }
    encoded = [
        encoder(tf.constant(embeddings[name]), mask=tf.constant(inputs[name] != 0))
        for name in ("premise", "hypothesis")
    ]
    logits = model.layers[-1](tf.concat(encoded, axis=1)).numpy()
    expected = logits[np.arange(4), explanation.target]
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_texts_of_several_widths_that_are_not_explained_together():
    vectorizer = layers.TextVectorization(vocabulary=helpers.WORDS)
    model = keras.Sequential(
        [layers.Input((), dtype="string"), vectorizer, layers.Embedding(30, 4, mask_zero=True)]
    )
    model.add(layers.GRU(3))
    model.add(layers.Dense(2))
    # More than the 65536 tokens of one range, at the 128 tokens that a text is taken to have.
    texts = ["w1"] * 600 + ["w1 w2 w3", "w4 w5"]
    explainer = tfs.Explainer(model, "gradient_norm", batch_size=256)
    explanation = explainer(texts)
    assert explanation.mask.shape == (602, 3)
    outputs = explainer.without(texts, np.zeros((1, 602, 3), bool))
    np.testing.assert_allclose(outputs[0], explanation.output, rtol=1e-5)


@pytest.mark.parametrize("shape", [(4, 10), (1, 3, 10), (1, 4, 9)])
def test_a_mask_of_the_wrong_shape(shape):
    explainer = tfs.Explainer(helpers.sequential_lstm(), "gradient_norm")
    with pytest.raises(ValueError, match=r"`erased`.*\(sets, 4, 10\).*Received: shape"):
        explainer.without(PROBES, np.zeros(shape, bool))
