"""A model that changes after it was traced is explained as it is now."""

import types

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs

IDS = np.array([[3, 4, 5, 6, 7], [8, 9, 1, 2, 3]], np.int32)
MODULE_SETTINGS = {"temperature": 1.0}
OTHER_SETTINGS = {"temperature": 1.0}
BASE_SETTINGS = {"temperature": 1.0}
GLOBAL_TEMPERATURE = 1.0


class Tempered(layers.Layer):
    """Divides by a temperature that its `call` reads in Python."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.temperature = 1.0
        self.settings = {"temperature": 1.0}
        self.config = types.SimpleNamespace(temperature=1.0)
        self.table = np.ones(3, np.float32)
        self.constant = tf.constant(1.0)
        self.calls = 0

    def call(self, values):
        self.calls += 1
        divisor = self.temperature * self.settings["temperature"] * self.config.temperature
        divisor *= MODULE_SETTINGS["temperature"] * GLOBAL_TEMPERATURE
        return values / (divisor * self.table[0] * self.constant)


def classifier(activation="tanh"):
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32")
    hidden = layers.Embedding(30, 8, name="embedding")(ids)
    hidden = layers.GlobalAveragePooling1D()(hidden)
    hidden = layers.Dense(8, activation=activation, name="hidden")(hidden)
    outputs = Tempered(name="tempered")(layers.Dense(3, name="head")(hidden))
    return helpers.weights_alive(keras.Model(ids, outputs))


def enable_lora(model):
    layer = model.get_layer("hidden")
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(ops.ones_like(layer.lora_kernel_b))


def replace_activation(model):
    model.get_layer("hidden").activation = keras.activations.sigmoid


def replace_kernel(model):
    layer = model.get_layer("head")
    layer._tracker.unlock()
    layer._kernel = keras.Variable(np.full(layer.kernel.shape, 0.5, np.float32))


def replace_policy(model):
    model.get_layer("hidden").dtype_policy = keras.DTypePolicy("mixed_bfloat16")


def set_attribute(model):
    model.get_layer("tempered").temperature = 3.0


def set_item(model):
    model.get_layer("tempered").settings["temperature"] = 3.0


def set_attribute_of_a_config(model):
    model.get_layer("tempered").config.temperature = 3.0


def set_array_in_place(model):
    model.get_layer("tempered").table[0] = 3.0


def replace_constant(model):
    model.get_layer("tempered").constant = tf.constant(3.0)


CHANGES = [
    enable_lora,
    replace_activation,
    replace_kernel,
    replace_policy,
    set_attribute,
    set_item,
    set_attribute_of_a_config,
    set_array_in_place,
    replace_constant,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("method", ["gradient_dot_input", "integrated_gradients"])
def test_a_changed_model_is_explained_as_it_is(change, method):
    model = classifier()
    explainer = tfs.Explainer(model, method, target=1)
    before = explainer(IDS).scores
    change(model)
    expected = tfs.explain(model, IDS, method, target=1).scores
    assert np.abs(expected - before).max() > 1e-3 * np.abs(before).max(), "the change is felt"
    np.testing.assert_allclose(explainer(IDS).scores, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_a_quantized_model_is_explained_as_it_is(mode):
    model = classifier()
    explainer = tfs.Explainer(model, "gradient_dot_input", target=1)
    before = explainer(IDS).scores
    model.quantize(mode)
    expected = tfs.explain(model, IDS, "gradient_dot_input", target=1).scores
    assert (expected != before).any()
    np.testing.assert_array_equal(explainer(IDS).scores, expected)


def test_values_of_a_module_and_of_an_enclosing_function_are_noticed(monkeypatch):
    settings = {"temperature": 1.0}
    model = classifier()
    scaled = layers.Lambda(lambda values: values / settings["temperature"])(model.output)
    model = keras.Model(model.input, scaled)
    explainer = tfs.Explainer(model, "gradient_dot_input", target=1)
    before = explainer(IDS).scores
    settings["temperature"] = 2.0
    np.testing.assert_allclose(explainer(IDS).scores, before / 2, rtol=1e-5)
    monkeypatch.setitem(MODULE_SETTINGS, "temperature", 2.0)
    np.testing.assert_allclose(explainer(IDS).scores, before / 4, rtol=1e-5)
    monkeypatch.setitem(globals(), "GLOBAL_TEMPERATURE", 2.0)
    np.testing.assert_allclose(explainer(IDS).scores, before / 8, rtol=1e-5)


class Base(layers.Layer):
    """Reads a global."""

    def call(self, values):
        return values / BASE_SETTINGS["temperature"]


class Helped(Base):
    """Reads globals in a method, a property and a comprehension; its `scale` is its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = 1.0

    def call(self, values):
        divisors = [GLOBAL_TEMPERATURE for _ in range(2)]
        values = super().call(values)
        return self.tempered(values) * self.scale / divisors[0]

    @property
    def temperature(self):
        return MODULE_SETTINGS["temperature"]

    def tempered(self, values):
        return values / self.temperature / OTHER_SETTINGS["temperature"]


def helped():
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32")
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8)(ids))
    return helpers.weights_alive(keras.Model(ids, Helped()(layers.Dense(3)(hidden))))


def test_globals_that_call_reads_by_any_way_are_noticed(monkeypatch):
    explainer = tfs.Explainer(helped(), "gradient_dot_input", target=1)
    before = explainer(IDS).scores
    for count, settings in enumerate((OTHER_SETTINGS, MODULE_SETTINGS, BASE_SETTINGS), 1):
        monkeypatch.setitem(settings, "temperature", 2.0)
        np.testing.assert_allclose(explainer(IDS).scores, before / 2**count, rtol=1e-5)
    monkeypatch.setitem(globals(), "GLOBAL_TEMPERATURE", 2.0)
    np.testing.assert_allclose(explainer(IDS).scores, before / 16, rtol=1e-5)


def test_a_global_with_the_name_of_an_attribute_is_no_change(monkeypatch):
    explainer = tfs.Explainer(helped(), "gradient_dot_input", target=1)
    explainer(IDS)
    count = explainer.trace_count
    for scale in (1, 2):
        monkeypatch.setitem(globals(), "scale", scale)
        explainer(IDS)
    assert explainer.trace_count == count


def test_another_vocabulary_is_noticed():
    vectorizer = layers.TextVectorization(vocabulary=["good", "bad", "film"])
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorizer,
            layers.Embedding(6, 4),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )
    explainer = tfs.Explainer(model, "gradient_dot_input")
    assert explainer(["good film"])[0].tokens == ["good", "film"]
    vectorizer.set_vocabulary(["film", "bad", "good"])
    salience = explainer(["good film"])[0]
    expected = tfs.explain(model, ["good film"], "gradient_dot_input")[0]
    assert salience.tokens == expected.tokens == ["good", "film"]
    np.testing.assert_allclose(salience.scores, expected.scores, rtol=1e-5)


def test_a_model_that_does_not_change_is_not_traced_again():
    model = classifier()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    explainer = tfs.Explainer(model, "integrated_gradients")
    explainer(IDS)
    count = explainer.trace_count
    # `call` of `Tempered` counts: its own traces must not look like a change.
    explainer(IDS)
    assert explainer.trace_count == count
    model.get_layer("head").set_weights([w + 1 for w in model.get_layer("head").get_weights()])
    explainer(IDS)
    assert explainer.trace_count == count


def test_training_and_prediction_are_no_changes():
    ids = keras.Input((None,), dtype="int32")
    hidden = layers.LSTM(4)(layers.Embedding(30, 8, mask_zero=True)(ids))
    model = keras.Model(ids, layers.Dense(2)(layers.Dropout(0.5)(hidden)))
    explainer = tfs.Explainer(model, "gradient_dot_input", target=1)
    explainer(IDS)
    count = explainer.trace_count
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for run in (
        lambda: model.fit(IDS, np.zeros(2), verbose=0),
        lambda: model.evaluate(IDS, np.zeros(2), verbose=0),
        lambda: model.predict(IDS, verbose=0),
        lambda: model(IDS),
    ):
        run()
        explainer(IDS)
        assert explainer.trace_count == count


def test_the_traces_of_a_changed_model_are_counted_on():
    model = classifier()
    explainer = tfs.Explainer(model, "gradient_dot_input")
    explainer(IDS)
    count = explainer.trace_count
    replace_activation(model)
    explainer(IDS)
    assert explainer.trace_count == 2 * count


class Hidden:
    """Holds a value where no attribute of a layer leads."""

    __slots__ = ("temperature",)


HIDDEN = Hidden()


def test_an_untraced_example_shows_what_no_attribute_does():
    HIDDEN.temperature = 1.0
    model = classifier()
    scaled = layers.Lambda(lambda values: values / HIDDEN.temperature)(model.output)
    model = keras.Model(model.input, scaled)
    explainer = tfs.Explainer(model, "gradient_dot_input", check_traces=True)
    explainer(IDS)
    HIDDEN.temperature = 2.0
    with pytest.raises(ValueError, match="has changed since it was traced.*new `Explainer`"):
        explainer(IDS)


def test_check_traces_takes_true_or_false():
    with pytest.raises(TypeError, match="`check_traces` must be True or False.*'yes'"):
        tfs.Explainer(classifier(), check_traces="yes")


def test_a_stateful_model_is_refused_in_a_few_lines():
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(3, 6), dtype="int32"),
            layers.Embedding(50, 16),
            layers.LSTM(8, stateful=True, name="memory"),
            layers.Dense(2),
        ]
    )
    with pytest.raises(ValueError, match=r"stateful.*'memory'.*batches of 3.*stateful=False") as e:
        tfs.Explainer(model)
    assert len(str(e.value)) < 600
