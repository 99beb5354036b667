"""What holds for every model and every target, told by the public interface alone."""

import contextlib

import numpy as np
import tensorflow as tf

import tf_salience as tfs

#: Tracing is what takes the time here, and these spare some.
QUICK = {"jit_compile": False, "trim_padding": False}


def check_finite_differences(model, inputs, *, moves=2e-3, within=1e-2, **keywords):
    """gradient · input is the slope of the target where each embedding grows by its own share.

    A mask that is lost on the way would change the model that the gradient is of. The target
    elsewhere than at the input comes from a path that starts there.
    """
    found = tfs.explain(model, inputs, "gradient_dot_input", **QUICK, **keywords)
    scores, segments = found.scores, found.segments
    shares = np.random.default_rng(3).uniform(-1, 1, scores.shape[1])
    widths = {part.stop - part.start for part in segments.values()}
    if len(widths) == 1:
        (width,) = widths
        shares = np.tile(shares[:width], len(segments))
    grown = [0.0]

    def start(embeddings):
        # Segments are moved by the same shares: in which order they are asked for is not known.
        rates = shares[: embeddings.shape[1]]
        return embeddings * tf.cast(1 + grown[0] * rates[None, :, None], embeddings.dtype)

    method = tfs.IntegratedGradients(steps=1, baseline=start)
    explainer = tfs.Explainer(model, method, **QUICK, **keywords)
    ends = []
    for grown[0] in (moves, -moves):
        ends.append(explainer(inputs).baseline_output)
    expected = sum(scores[:, part] @ shares[: part.stop - part.start] for part in segments.values())
    slope = (ends[0] - ends[1]) / (2 * moves)
    size = np.abs(scores).sum(axis=1).max()
    assert size > 0
    np.testing.assert_allclose(slope, expected, atol=within * size)


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
