"""Checks that hold for every model and every target, by the public interface alone."""

import contextlib

import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience.models.embeddings import structure

#: Tracing takes most of the time here, and these spare some of it.
QUICK = {"jit_compile": False, "trim_padding": False}


def check_finite_differences(model, inputs, *, relative_step=1e-2, tolerance=2e-2, **keywords):
    """The target changes by its slope when all embeddings are moved a little, at random.

    The slope is the mean of the gradients at both ends, the change that of two forward passes. A
    mask that is lost on the way would change the model that the gradient is of; padding is moved
    like any token. (Not along the embeddings: where a model normalizes them that slope is 0.)
    """
    generator = np.random.default_rng(3)

    def moved(embeddings):
        size = relative_step * np.asarray(embeddings, np.float64).std()
        return embeddings + tf.cast(
            size * generator.standard_normal(embeddings.shape), embeddings.dtype
        )

    method = tfs.IntegratedGradients(steps=1, baseline=moved)
    explanation = tfs.explain(model, inputs, method, **QUICK, **keywords)
    change = explanation.output - explanation.baseline_output
    assert (np.abs(change) > 0).all()
    atol = tolerance * np.abs(change).max()
    np.testing.assert_allclose(explanation.scores.sum(1), change, atol=atol)


def check_complete(model, inputs, *, baseline="zeros", **keywords):
    """The scores of integrated gradients sum to F(x) - F(x'); returns the explanation."""
    method = tfs.IntegratedGradients(baseline=baseline)
    explanation = tfs.explain(model, inputs, method, **QUICK, **keywords)
    assert explanation.converged.all()
    change = explanation.output - explanation.baseline_output
    sums = explanation.scores.astype(np.float64).sum(axis=1)
    sizes = np.abs(explanation.scores).sum(axis=1)
    assert (sizes > 0).all()
    assert (np.abs(sums - change) <= 0.01 * sizes + 1e-6).all()
    return explanation


def attribute_names(model):
    """The names of the attributes of the model and of each of its layers."""
    return [set(vars(layer)) for layer in (model, *structure.all_layers(model))]


@contextlib.contextmanager
def unchanged(model, tensors):
    """After the block the model predicts as before, and has the same attributes and weights."""

    def state():
        outputs = tf.nest.flatten(model(tensors, training=False))
        arrays = [np.array(array) for array in (*outputs, *model.get_weights())]
        return arrays, attribute_names(model)

    state()  # Keras itself adds attributes in a first call.
    arrays, names = state()
    yield
    arrays_after, names_after = state()
    for array, array_after in zip(arrays, arrays_after, strict=True):
        np.testing.assert_array_equal(array, array_after)
    assert names == names_after
