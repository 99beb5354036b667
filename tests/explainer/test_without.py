"""`Explainer.without`: the target when some tokens have the embeddings of the baseline."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs

IDS = helpers.ids(4, seed=5)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("gradient_norm", [[5, 15], [1, 0]]),
        (tfs.IntegratedGradients(baseline=7), [[12, 15], [15, 21]]),
    ],
)
def test_an_erased_token_has_the_embedding_of_the_baseline(method, expected):
    table = np.arange(30.0)[:, None].astype(np.float32)
    model = helpers.formula_model(lambda embeddings: ops.sum(embeddings, axis=1), table)
    ids = np.array([[1, 2, 3], [4, 5, 6]])
    erased = np.array([[[1, 0, 0], [0, 0, 0]], [[0, 1, 1], [1, 1, 1]]], bool)
    assert tfs.Explainer(model, method).without(ids, erased).tolist() == expected


def test_the_class_is_that_of_the_input_without_erasures():
    model = helpers.weights_alive(helpers.sequential_lstm())
    explainer = tfs.Explainer(model)
    explanation = explainer(IDS)
    nothing, everything = np.zeros_like(explanation.mask), explanation.mask
    outputs = explainer.without(IDS, np.stack([nothing, everything]))
    np.testing.assert_allclose(outputs[0], explanation.output, rtol=1e-5)
    np.testing.assert_allclose(outputs[1], explanation.baseline_output, rtol=1e-4, atol=1e-5)


def test_labels_are_explained_where_they_are_the_target():
    model = helpers.weights_alive(helpers.sequential_lstm())
    explainer = tfs.Explainer(model, "gradient_norm", target="label")
    labels = [2, 0, 1, 1]
    outputs = explainer.without(IDS, np.zeros((1, 4, helpers.WIDTH), bool), labels)
    expected = np.asarray(model(IDS))[np.arange(4), labels]
    np.testing.assert_allclose(outputs[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("erased_name", "kept_name"), [("premise", "hypothesis"), ("hypothesis", "premise")]
)
def test_segments_are_in_the_order_of_the_explanation(erased_name, kept_name):
    model = helpers.weights_alive(helpers.two_segments())
    inputs = {"premise": IDS, "hypothesis": helpers.ids(4, width=6, seed=8)}
    explainer = tfs.Explainer(model, "gradient_dot_input")
    explanation = explainer(inputs)
    erased = np.zeros((1, *explanation.mask.shape), bool)
    erased[:, :, explanation.segments[erased_name]] = True
    outputs = explainer.without(inputs, erased)[0]
    assert outputs.shape == (4,)
    # By hand: the encoder is given zeros for a segment, with the mask of its ids.
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
def test_erasures_of_another_shape(shape):
    explainer = tfs.Explainer(helpers.sequential_lstm(), "gradient_norm")
    with pytest.raises(ValueError, match=r"`erased`.*\(sets, 4, 10\).*Received: shape"):
        explainer.without(IDS, np.zeros(shape, bool))
