"""What holds for every model and every target, told by the public interface alone."""

import contextlib

import numpy as np
import tensorflow as tf

import tf_salience as tfs

#: Tracing is what takes the time here, and these spare some.
QUICK = {"jit_compile": False, "trim_padding": False}


def check_finite_differences(model, inputs, *, moves=1e-2, within=2e-2, **keywords):
    """The target changes by its slope when all embeddings are moved a little, at random.

    The slope is the mean of the gradients at both ends, the change that of two forward passes. A
    mask that is lost on the way would change the model that the gradient is of; padding is moved
    like any token. (Not along the embeddings: where a model normalizes them that slope is 0.)
    """
    generator = np.random.default_rng(3)

    def moved(embeddings):
        size = moves * np.asarray(embeddings, np.float64).std()
        return embeddings + tf.cast(
            size * generator.standard_normal(embeddings.shape), embeddings.dtype
        )

    method = tfs.IntegratedGradients(steps=1, baseline=moved)
    found = tfs.explain(model, inputs, method, **QUICK, **keywords)
    change = found.output - found.baseline_output
    assert (np.abs(change) > 0).all()
    np.testing.assert_allclose(found.scores.sum(1), change, atol=within * np.abs(change).max())


def check_complete(model, inputs, *, baseline="zeros", **keywords):
    """The scores of integrated gradients sum to F(x) - F(x')."""
    method = tfs.IntegratedGradients(baseline=baseline)
    explanation = tfs.explain(model, inputs, method, **QUICK, **keywords)
    assert explanation.converged.all()
    change = explanation.output - explanation.baseline_output
    sums = explanation.scores.astype(np.float64).sum(axis=1)
    sizes = np.abs(explanation.scores).sum(axis=1)
    assert (sizes > 0).all()
    assert (np.abs(sums - change) <= 0.01 * sizes + 1e-6).all()
    return explanation


@contextlib.contextmanager
def untouched(model, tensors):
    """Afterwards the model predicts as before, and has no attribute more."""

    def state():
        outputs = model(tensors, training=False)
        attributes = [set(vars(layer)) for layer in model._flatten_layers()]
        weights = [np.array(weight) for weight in model.get_weights()]
        return [np.array(one) for one in tf.nest.flatten(outputs)], attributes, weights

    state()  # What Keras itself makes in a first call is there before.
    outputs, attributes, weights = state()
    yield
    after = state()
    for one, other in zip(outputs + weights, after[0] + after[2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert attributes == after[1]
