"""Every method x every kind of model: what holds for all of them."""

import functools

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs

METHODS = {
    "gradient_norm": "gradient_norm",
    "gradient_dot_input": "gradient_dot_input",
    "ig_auto": tfs.IntegratedGradients(tolerance=0.02),
    "ig_fixed": tfs.IntegratedGradients(steps=8, baseline="mean"),
}
#: Methods that follow a path, for which padding may be trimmed.
PATHS = ["ig_auto", "ig_fixed"]
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
            model = {"subclassed": helpers.Subclassed, "function_call": helpers.FunctionCall}[
                name
            ]()
            model(inputs_of(name))
        else:
            model = getattr(helpers, name)()
        return helpers.weights_alive(model)

    return build


@pytest.fixture(scope="module")
def explainers(models):
    """Makes each explainer once; its traces are shared by the tests."""

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


def chosen(inputs, order):
    if isinstance(inputs, list):
        return [inputs[i] for i in order]
    return tf.nest.map_structure(lambda leaf: leaf[order], inputs)


def predictions(model, inputs):
    return model(as_tensors(inputs), training=False).numpy()


every_model = pytest.mark.parametrize("name", MODELS)
every_method = pytest.mark.parametrize("method", METHODS)


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
        shuffled = explainers(name, method, max_rows=5, batch_size=4)(chosen(inputs, order))
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
        before = predictions(model, inputs)
        attributes = [set(vars(layer)) for layer in model._flatten_layers()]
        explainers(name, method)(inputs)
        np.testing.assert_array_equal(predictions(model, inputs), before)
        assert [set(vars(layer)) for layer in model._flatten_layers()] == attributes
        model.save(tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, "ig_auto") for name in MODELS),
        # What differs between the methods is the path, which is the same graph for every model.
        *(("two_segments", method) for method in METHODS if method != "ig_auto"),
        *(("text_model", method) for method in METHODS if method != "ig_auto"),
    ],
)
def test_an_exported_signature_says_the_same(explainers, models, name, method, tmp_path):
    live = explainers(name, method)(inputs_of(name))
    place = tfs.export_saved_model(models(name), tmp_path / "model", method=METHODS[method])
    served = tf.saved_model.load(str(place))
    specs = served.signatures["attributions"].structured_input_signature[1]
    tensors = as_tensors(inputs_of(name))
    if not isinstance(tensors, dict):
        names = [tensor.name for tensor in getattr(models(name), "inputs", None) or []]
        tensors = dict(zip(names or specs, tf.nest.flatten(tensors), strict=True))
    request = {
        key: value if value.dtype == tf.string else tf.cast(value, specs[key].dtype)
        for key, value in tensors.items()
    }
    answer = served.signatures["attributions"](**request)
    scale = max(1.0, np.abs(live.scores).max())
    np.testing.assert_allclose(answer["scores"], live.scores, atol=1e-5 * scale)
    np.testing.assert_array_equal(answer["mask"], live.mask)
    np.testing.assert_array_equal(answer["target"], live.target)
    np.testing.assert_allclose(answer["output"], live.output, atol=1e-5 * scale)
    for key in ("baseline_output", "convergence_delta", "error_estimate", "converged"):
        if getattr(live, key) is not None:
            np.testing.assert_allclose(answer[key], getattr(live, key), atol=1e-5 * scale)
    plain = served.signatures["serving_default"](**request)["output_0"]
    np.testing.assert_allclose(plain, predictions(models(name), inputs_of(name)), rtol=1e-5)


@every_model
@pytest.mark.parametrize("method", PATHS)
def test_trimmed_padding_does_not_matter(explainers, name, method):
    inputs = inputs_of(name)
    kept = explainers(name, method, trim_padding=False)(inputs)
    cut = explainers(name, method)(inputs)
    scale = np.abs(kept.scores).max()
    np.testing.assert_allclose(cut.scores, kept.scores, atol=1e-5 * scale)


@every_model
def test_integrated_gradients_are_complete(explainers, name):
    explanation = explainers(name, "ig_auto")(inputs_of(name))
    assert explanation.converged.all()
    change = explanation.output - explanation.baseline_output
    sums = explanation.scores.astype(np.float64).sum(axis=1)
    sizes = np.abs(explanation.scores).sum(axis=1)
    np.testing.assert_allclose(sums - change, explanation.convergence_delta, atol=1e-5)
    assert (np.abs(sums - change) <= 0.02 * sizes + 1e-5).all()


@pytest.mark.parametrize("name", ["sequential_lstm", "functional_with_mask", "convolution"])
def test_automatic_steps_reach_the_tolerance(explainers, models, name):
    found = explainers(name, "ig_auto")(inputs_of(name)).scores
    fine = tfs.IntegratedGradients(steps=256, rule="gauss_legendre")
    reference = tfs.explain(models(name), inputs_of(name), fine).scores
    error = np.abs(reference - found).sum(axis=1) / np.abs(reference).sum(axis=1)
    assert error.max() <= 0.02


@every_model
def test_gradients_agree_with_finite_differences(models, name):
    """A mask that is lost on the way would change the model that the gradient is of."""
    model, inputs = models(name), inputs_of(name, batch=3)
    explainer = tfs.Explainer(model, "gradient_dot_input", target=0)
    explanation = explainer(inputs)
    moves = 1e-3
    # d/dε F(x + ε x_t) at one token t is gradient · input of that token.
    tap = explainer._tap
    tensors = as_tensors(inputs)
    reading = tap.read(tensors)
    vectorized = [tf.constant(ids) for ids in reading.vectorized]
    # Keras calls layers in an order of its own; segments are in that of the inputs.
    names = list(explanation.segments)
    first = next((key for key in names[1:] if reading.calls[0].ids is tensors[key]), names[0])
    scores = explanation.scores[:, explanation.segments[first]]

    def output(token, amount):
        scale = np.ones(helpers.WIDTH, np.float32)
        scale[token] += amount
        calls = []

        def scaled(layer, true):
            calls.append(layer)
            return true * scale[:, None] if len(calls) == 1 else true

        return tap.replace(tensors, vectorized, scaled)[:, 0].numpy().astype(np.float64)

    for token in (0, 1, 4, helpers.WIDTH - 1):
        slope = (output(token, moves) - output(token, -moves)) / (2 * moves)
        np.testing.assert_allclose(scores[:, token], slope, atol=3e-3 * np.abs(scores).max())


@every_model
@every_method
def test_a_constant_model_scores_zero(explainers, models, name, method):
    model = models(name)
    head = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense)][-1]
    weights = head.get_weights()
    head.set_weights([np.zeros_like(weights[0]), weights[1]])
    try:
        explanation = explainers(name, method)(inputs_of(name))
    finally:
        head.set_weights(weights)
    assert not explanation.scores.any()
    assert not np.isnan(explanation.normalized("l1").scores).any()


@pytest.mark.parametrize("method", ["gradient_norm", "ig_auto"])
@pytest.mark.parametrize("name", ["sequential_lstm", "nested", "two_segments"])
def test_added_padding_does_not_matter(explainers, name, method):
    inputs = inputs_of(name)
    wider = tf.nest.map_structure(lambda leaf: np.pad(leaf, [(0, 0), (0, 7)]), inputs)
    explainer = explainers(name, method)
    narrow, wide = explainer(inputs), explainer(wider)
    for one, other in zip(narrow, wide, strict=True):
        assert one.tokens == other.tokens
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5 * np.abs(one.scores).max())


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
