"""Every method x every kind of model: the properties that hold for all of them."""

import functools

import helpers
import keras
import model_checks
import numpy as np
import pytest
import serving
import tensorflow as tf

import tf_salience as tfs
from tf_salience.attribution import methods
from tf_salience.models.embeddings.structure import all_layers
from tf_salience.models.text_model import TextModel

#: Every built-in method by name, and arguments that lead to other code.
METHODS = {
    **{name: methods.get(name) for name in methods.METHODS},
    "fixed_steps_from_the_mean": tfs.IntegratedGradients(steps=8, baseline="mean"),
}
#: Methods that follow a path, for which padding may be trimmed.
PATHS = [name for name, method in METHODS.items() if method.follows_path]
MODELS = [
    "sequential_lstm",
    "functional_with_mask",
    "subclassed",
    "function_call",
    "nested",
    "two_segments",
    "with_segment_ids",
    "text_model",
    "convolution",
    "single_unit",
    "reloaded",
]
#: Models that mask nothing: padding is a token like any other to them.
UNMASKED = {"convolution"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Builds each model once."""

    @functools.cache
    def build(name):
        keras.utils.set_random_seed(1)
        if name == "reloaded":
            model = helpers.reloaded(tmp_path_factory.mktemp("model"))
        elif name in ("subclassed", "function_call"):
            model = helpers.Subclassed() if name == "subclassed" else helpers.FunctionCall()
            model(inputs_of(name))
        else:
            model = getattr(helpers, name)()
        return helpers.weights_alive(model)

    return build


@pytest.fixture(scope="module")
def explainers(models):
    """Makes each explainer once; the tests share its traces."""

    @functools.cache
    def make(model, method, **keywords):
        return tfs.Explainer(models(model), METHODS[method], **keywords)

    return make


def inputs_of(name, batch=6):
    ids = helpers.ids(batch)
    return {
        "functional_with_mask": lambda: (ids, (ids != 0).astype(np.int32)),
        "two_segments": lambda: {"premise": ids, "hypothesis": helpers.ids(batch, seed=5)},
        "with_segment_ids": lambda: (ids, np.tile(np.arange(helpers.WIDTH) > 4, (batch, 1)) * 1),
        "text_model": lambda: helpers.texts(batch),
    }.get(name, lambda: ids)()


def as_tensors(inputs):
    if isinstance(inputs, list):
        return tf.constant(inputs)
    return tf.nest.map_structure(tf.constant, inputs)


def take(inputs, examples):
    if isinstance(inputs, list):
        return [inputs[example] for example in examples]
    return tf.nest.map_structure(lambda leaf: leaf[examples], inputs)


def predictions(model, inputs):
    return model(as_tensors(inputs), training=False).numpy()


every_model = pytest.mark.parametrize("name", MODELS)
every_method = pytest.mark.parametrize("method", METHODS)


@every_model
def test_another_call_traces_nothing(explainers, name):
    explainer = explainers(name, "gradient_dot_input")
    explainer(inputs_of(name))
    count = explainer.trace_count
    explainer(inputs_of(name))
    assert explainer.trace_count == count


@every_model
@every_method
class TestEveryMethodOnEveryModel:
    def test_shapes_dtypes_and_determinism(self, explainers, models, name, method):
        inputs = inputs_of(name)
        explainer = explainers(name, method)
        explanation = explainer(inputs)
        segments = 2 if name == "two_segments" else 1
        assert explanation.scores.shape == (6, segments * helpers.WIDTH)
        assert explanation.scores.dtype == np.float32
        assert np.isfinite(explanation.scores).all()
        assert np.abs(explanation.scores).sum() > 0
        outputs = predictions(models(name), inputs)
        np.testing.assert_array_equal(explanation.target, outputs.argmax(axis=1))
        np.testing.assert_allclose(explanation.output, outputs.max(axis=1), rtol=1e-5)
        for salience, row, mask in zip(
            explanation, explanation.scores, explanation.mask, strict=True
        ):
            assert len(salience.tokens) == len(salience.scores) == mask.sum()
            np.testing.assert_array_equal(salience.scores, row[mask])
        np.testing.assert_array_equal(explanation.scores, explainer(inputs).scores)

    def test_chunks_batches_and_order_do_not_matter(self, explainers, name, method):
        inputs = inputs_of(name)
        expected = explainers(name, method)(inputs)
        order = np.array([3, 0, 5, 1, 4, 2])
        shuffled = explainers(name, method, max_rows=5, batch_size=4)(take(inputs, order))
        # Sums in another order, in float32.
        scale = np.abs(expected.scores).max()
        np.testing.assert_allclose(shuffled.scores, expected.scores[order], atol=3e-6 * scale)
        np.testing.assert_array_equal(shuffled.target, expected.target[order])
        np.testing.assert_array_equal(shuffled.evaluations, expected.evaluations[order])

    def test_padding_scores_nothing_where_it_is_masked(self, explainers, name, method):
        # What is trimmed would be 0 by construction.
        keywords = {"trim_padding": False} if method in PATHS else {}
        explanation = explainers(name, method, **keywords)(inputs_of(name))
        outside = explanation.scores[~explanation.mask]
        if name in UNMASKED:
            assert explanation.mask.all()
        else:
            assert outside.size > 0
            assert not outside.any()

    def test_leaves_the_model_as_it_was(self, explainers, models, name, method, tmp_path):
        model, inputs = models(name), inputs_of(name)
        with model_checks.unchanged(model, as_tensors(inputs)):
            explainers(name, method)(inputs)
        model.save(tmp_path / "model.keras")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, "integrated_gradients") for name in MODELS),
        # Methods differ in their path alone, which is the same graph for every model.
        *(("two_segments", method) for method in METHODS if method != "integrated_gradients"),
        *(("text_model", method) for method in METHODS if method != "integrated_gradients"),
    ],
)
def test_an_exported_signature_gives_the_same_numbers(explainers, models, name, method, tmp_path):
    live = explainers(name, method)(inputs_of(name))
    folder = tfs.export_saved_model(models(name), tmp_path / "model", method=METHODS[method])
    loaded = serving.load(folder)
    specs = loaded.signatures["attributions"].structured_input_signature[1]
    tensors = as_tensors(inputs_of(name))
    if not isinstance(tensors, dict):
        names = [tensor.name for tensor in getattr(models(name), "inputs", None) or []]
        tensors = dict(zip(names or specs, tf.nest.flatten(tensors), strict=True))
    inputs = {
        key: value if value.dtype == tf.string else tf.cast(value, specs[key].dtype)
        for key, value in tensors.items()
    }
    results = serving.request(loaded, **inputs)
    scale = max(1.0, np.abs(live.scores).max())
    np.testing.assert_allclose(results["scores"], live.scores, atol=1e-5 * scale)
    np.testing.assert_array_equal(results["mask"], live.mask)
    np.testing.assert_array_equal(results["target"], live.target)
    np.testing.assert_allclose(results["output"], live.output, atol=1e-5 * scale)
    for key in ("baseline_output", "convergence_delta", "error_estimate", "converged"):
        if getattr(live, key) is not None:
            np.testing.assert_allclose(results[key], getattr(live, key), atol=1e-5 * scale)
    plain = serving.request(loaded, "serving_default", **inputs)["output_0"]
    np.testing.assert_allclose(plain, predictions(models(name), inputs_of(name)), rtol=1e-5)


@every_model
@pytest.mark.parametrize("method", PATHS)
def test_trimmed_padding_does_not_matter(explainers, name, method):
    inputs = inputs_of(name)
    padded = explainers(name, method, trim_padding=False)(inputs)
    trimmed = explainers(name, method)(inputs)
    scale = np.abs(padded.scores).max()
    np.testing.assert_allclose(trimmed.scores, padded.scores, atol=1e-5 * scale)


@every_model
def test_integrated_gradients_are_complete(explainers, name):
    explanation = explainers(name, "integrated_gradients")(inputs_of(name))
    assert explanation.converged.all()
    change = explanation.output - explanation.baseline_output
    sums = explanation.scores.astype(np.float64).sum(axis=1)
    sizes = np.abs(explanation.scores).sum(axis=1)
    np.testing.assert_allclose(sums - change, explanation.convergence_delta, atol=1e-5)
    assert (np.abs(sums - change) <= METHODS["integrated_gradients"].tolerance * sizes + 1e-5).all()


@pytest.mark.parametrize("name", ["sequential_lstm", "functional_with_mask", "convolution"])
def test_automatic_steps_reach_the_tolerance(explainers, models, name):
    scores = explainers(name, "integrated_gradients")(inputs_of(name)).scores
    fine = tfs.IntegratedGradients(steps=256, rule="gauss_legendre")
    reference = tfs.explain(models(name), inputs_of(name), fine).scores
    error = np.abs(reference - scores).sum(axis=1) / np.abs(reference).sum(axis=1)
    assert error.max() <= METHODS["integrated_gradients"].tolerance


@every_model
def test_gradients_agree_with_finite_differences(models, name):
    """A mask that is lost on the way would change the model that the gradient is of."""
    model, inputs = models(name), inputs_of(name, batch=3)
    explanation = tfs.explain(model, inputs, "gradient_dot_input", target=0)
    step = 1e-3
    # d/dε F(x + ε x_t) at one token t is gradient · input of that token.
    hooked = TextModel.from_arguments(model).hooked
    tensors = as_tensors(inputs)
    forward = hooked.record(tensors)
    # Keras calls layers in an order of its own; segments are in that of the inputs.
    first_ids = np.asarray(forward.segments[0].ids)
    names = list(explanation.segments)
    first = next(key for key in names if len(names) == 1 or (inputs[key] == first_ids).all())
    scores = explanation.scores[:, explanation.segments[first]]

    def output(token, amount):
        scale = np.ones(helpers.WIDTH, np.float32)
        scale[token] += amount
        calls = []

        def replacement(layer, embeddings):
            calls.append(layer)
            return embeddings * scale[:, None] if len(calls) == 1 else embeddings

        outputs = hooked.run_with(tensors, forward.vectorized, replacement)
        return outputs[:, 0].numpy().astype(np.float64)

    for token in (0, 1, 4, helpers.WIDTH - 1):
        slope = (output(token, step) - output(token, -step)) / (2 * step)
        np.testing.assert_allclose(scores[:, token], slope, atol=3e-3 * np.abs(scores).max())


@every_model
@every_method
def test_a_constant_model_scores_zero(explainers, models, name, method):
    model = models(name)
    head = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.Dense)][-1]
    weights = head.get_weights()
    head.set_weights([np.zeros_like(weights[0]), weights[1]])
    try:
        explanation = explainers(name, method)(inputs_of(name))
    finally:
        head.set_weights(weights)
    assert not explanation.scores.any()
    assert not np.isnan(explanation.normalized("l1").scores).any()


@every_method
@pytest.mark.parametrize("name", ["sequential_lstm", "nested", "two_segments"])
def test_added_padding_does_not_matter(explainers, name, method):
    inputs = inputs_of(name)
    wider = tf.nest.map_structure(lambda leaf: np.pad(leaf, [(0, 0), (0, 7)]), inputs)
    explainer = explainers(name, method)
    narrow, wide = explainer(inputs), explainer(wider)
    for narrow_salience, wide_salience in zip(narrow, wide, strict=True):
        assert narrow_salience.tokens == wide_salience.tokens
        scale = np.abs(narrow_salience.scores).max()
        np.testing.assert_allclose(narrow_salience.scores, wide_salience.scores, atol=1e-5 * scale)


def test_follows_the_weights_as_they_train(models):
    model = models("sequential_lstm")
    explainer = tfs.Explainer(model, "integrated_gradients")
    before = explainer(helpers.ids())
    weights = model.get_weights()
    try:
        model.set_weights([1.5 * weight for weight in weights])
        after = explainer(helpers.ids())
        fresh = tfs.Explainer(model, "integrated_gradients")(helpers.ids())
    finally:
        model.set_weights(weights)
    assert np.abs(after.scores - before.scores).max() > 1e-3
    np.testing.assert_array_equal(after.scores, fresh.scores)
