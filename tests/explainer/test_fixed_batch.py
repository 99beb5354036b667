"""Models that take batches of one size: any number of examples is explained in batches of it."""

import helpers
import keras
import numpy as np
import pytest
from keras import layers, ops

import tf_salience as tfs

WIDTH = 6


class ReadsItsBatch(layers.Layer):
    """Reads the batch size while it is traced."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, vectors):
        batch, tokens, dim = vectors.shape
        return ops.reshape(ops.reshape(vectors, (batch * tokens, dim)), (batch, tokens, dim))


def classifier(batch):
    """A model of batches of one size, or of any (None), with the same weights."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(batch, WIDTH), dtype="int32", name="ids"),
            layers.Embedding(50, 8, mask_zero=True),
            *([ReadsItsBatch()] if batch else []),
            layers.LSTM(5),
            layers.Dense(3),
        ]
    )
    return helpers.weights_alive(model)


@pytest.mark.parametrize("examples", [1, 3, 4, 7])
@pytest.mark.parametrize(
    "method",
    [
        "gradient_norm",
        "gradient_dot_input",
        "integrated_gradients",
        tfs.IntegratedGradients(steps=5, rule="gauss_legendre"),
        "occlusion",
    ],
    ids=["norm", "dot", "auto", "gauss_legendre", "occlusion"],
)
def test_any_number_of_examples(method, examples):
    ids = np.random.default_rng(examples).integers(1, 50, (examples, WIDTH)).astype(np.int32)
    explanation = tfs.explain(classifier(3), ids, method)
    expected = tfs.explain(classifier(None), ids, method)
    np.testing.assert_allclose(explanation.scores, expected.scores, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(explanation.output, expected.output, rtol=1e-5)
    assert explanation.tokens == expected.tokens


def test_erased_tokens():
    ids = np.random.default_rng(0).integers(1, 50, (4, WIDTH)).astype(np.int32)
    erased = np.random.default_rng(1).random((2, 4, WIDTH)) < 0.5
    outputs = tfs.Explainer(classifier(3)).without(ids, erased)
    expected = tfs.Explainer(classifier(None)).without(ids, erased)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)


def test_untraced_examples_are_filled_up_too():
    explainer = tfs.Explainer(classifier(3), "gradient_norm", check_traces=True)
    ids = np.ones((2, WIDTH), np.int32)
    np.testing.assert_array_equal(explainer(ids).scores, explainer(ids).scores)


def test_the_model_predicts_as_before():
    model, ids = classifier(3), np.ones((3, WIDTH), np.int32)
    before = model.predict(ids, batch_size=3, verbose=0)
    tfs.explain(model, ids[:2])
    np.testing.assert_array_equal(model.predict(ids, batch_size=3, verbose=0), before)


def test_its_export_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"any size.*batches of 3.*keras.Input\(\(tokens,\)\)"):
        tfs.export_saved_model(classifier(3), tmp_path / "model")
    assert not (tmp_path / "model").exists()
