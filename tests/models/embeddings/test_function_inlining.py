"""A user's `tf.function`s while an explanation is traced, in its own thread and in others."""

import functools
import threading

import helpers
import interrupts
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.models.embeddings import calls_in_progress, function_inlining
from tf_salience.models.embeddings.function_inlining import run_inlined

Function = type(tf.function(lambda: None))
CALL = vars(Function)["__call__"]


@pytest.fixture(autouse=True)
def class_as_before():
    yield
    assert vars(Function)["__call__"] is CALL


def traced(function, *arguments):
    """Runs a function inlined into a trace, as an explanation does; returns its result."""
    outer = tf.function(lambda: run_inlined(lambda: function(*arguments)), autograph=False)
    return outer()


class Model(keras.Model):
    """A model with a step between its embeddings and its GRU."""

    def __init__(self, step):
        super().__init__()
        self.words = layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True)
        # Built now: a layer built inside a `tf.function` keeps its first weights as constants.
        self.words.build((None, None))
        self.gru, self.head = layers.GRU(6), layers.Dense(3)
        self.step = step

    def call(self, ids):
        return self.head(self.gru(self.step(self, ids)))


def built(step):
    model = Model(step)
    model(helpers.ids())
    return helpers.weights_alive(model)


@tf.function
def with_if(hidden):
    if tf.reduce_sum(hidden) > -1e9:
        hidden = tf.tanh(hidden)
    return hidden


@tf.function(input_signature=[tf.TensorSpec([None, None, 8]), tf.TensorSpec([], tf.float32)])
def with_signature(hidden, scale):
    return scale * hidden


@tf.function(jit_compile=True)
def compiled(hidden):
    return tf.tanh(hidden)


@tf.function(autograph=False)
def without_autograph(hidden):
    return (
        hidden
        if tf.executing_eagerly()
        else tf.cond(tf.constant(True), lambda: 2 * hidden, lambda: hidden)
    )


@tf.function
def with_loop(hidden):
    for _ in tf.range(3):
        hidden = with_if(hidden)
    return hidden


class Scale:
    def __init__(self):
        self.factor = tf.Variable(2.0)

    @tf.function
    def method(self, hidden):
        if tf.reduce_sum(hidden) > -1e9:
            return self.factor * hidden
        return hidden

    def plain(self, hidden, factor):
        if tf.reduce_sum(hidden) > -1e9:
            return factor * self.factor * hidden
        return hidden

    def __call__(self, hidden):
        return self.plain(hidden, 1.0)


SCALE = Scale()
BOUND, PARTIAL, OBJECT = (
    tf.function(SCALE.plain),
    tf.function(functools.partial(SCALE.plain, factor=3.0)),
    tf.function(SCALE),
)
STEPS = {
    "if": lambda model, ids: with_if(model.words(ids)),
    "loop": lambda model, ids: with_loop(model.words(ids)),
    "signature": lambda model, ids: with_signature(model.words(ids), 2),
    "signature by name": lambda model, ids: with_signature(scale=2, hidden=model.words(ids)),
    "compiled": lambda model, ids: compiled(model.words(ids)),
    "without autograph": lambda model, ids: without_autograph(model.words(ids)),
    "method": lambda model, ids: SCALE.method(model.words(ids)),
    "bound method": lambda model, ids: BOUND(model.words(ids), np.float32(0.5)),
    "partial": lambda model, ids: PARTIAL(model.words(ids)),
    "callable object": lambda model, ids: OBJECT(model.words(ids)),
    "mapped": lambda model, ids: tf.map_fn(with_if, model.words(ids)),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_function_inside_a_model_is_explained_as_it_runs(name):
    model = built(STEPS[name])
    expected = model(helpers.ids()).numpy()
    method = tfs.IntegratedGradients(steps=40)
    explanation = tfs.explain(model, helpers.ids(), method, target=1, jit_compile=False)
    np.testing.assert_allclose(explanation.output, expected[:, 1], rtol=1e-5, atol=1e-6)
    assert (
        np.abs(explanation.convergence_delta).max() < 0.02 * np.abs(explanation.scores).sum(1).max()
    )
    np.testing.assert_array_equal(model(helpers.ids()), expected)


@tf.function
def lookup(table, ids):
    return table(ids)


def test_a_function_drops_the_mask_of_its_result_as_ever():
    """Keras knows a mask by an attribute of the tensor, which no `tf.function` hands on."""
    model = built(lambda model, ids: lookup(model.words, ids))
    expected = model(helpers.ids())[:, 0].numpy()
    explanation = tfs.explain(model, helpers.ids(), "gradient_norm", target=0)
    np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)


def test_a_function_keeps_no_trace_of_an_explanation():
    """Its later calls would run with the hook, or fail on tensors of a graph that is gone."""
    model = built(lambda model, ids: lookup(model.words, ids))
    traces = lookup.experimental_get_tracing_count()
    expected = lookup(model.words, helpers.ids()).numpy()
    tfs.explain(model, helpers.ids(), "gradient_norm")
    assert lookup.experimental_get_tracing_count() == traces
    np.testing.assert_array_equal(lookup(model.words, helpers.ids()), expected)

    fresh = tf.function(lambda table, ids: table(ids))
    tfs.explain(built(lambda model, ids: model.words(ids)), helpers.ids(), "gradient_norm")
    other = built(lambda model, ids: fresh(model.words, ids))
    tfs.explain(other, helpers.ids(width=7), "gradient_norm")
    np.testing.assert_array_equal(
        fresh(other.words, helpers.ids(width=7)), other.words(helpers.ids(width=7))
    )


def test_arguments_and_results_are_those_of_the_function():
    @tf.function
    def function(array, number, training=False):
        assert tf.is_tensor(array)
        assert isinstance(number, int)
        assert training is True
        return {"sum": tf.reduce_sum(array) + number, "number": 2.5, "none": None}

    results = []

    def call():
        results.append(function(np.ones(3), 2, training=True))
        return results[0]["sum"]

    assert traced(call).numpy() == 5.0
    assert tf.is_tensor(results[0]["number"])
    assert results[0]["none"] is None


def test_a_function_of_a_saved_model_runs_as_it_is(tmp_path):
    module = tf.Module()
    module.double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_array_equal(traced(loaded.double, tf.ones(2)), [2.0, 2.0])


def test_an_error_names_its_cause():
    @tf.function
    def function(tensor):
        if tf.reduce_sum(tensor) > 0:
            raise ValueError("of the user's own")
        return tensor

    with pytest.raises(ValueError, match="of the user's own"):
        traced(function, tf.ones(2))


@pytest.mark.slow
def test_functions_of_another_thread_run_as_ever():
    """None of them runs as Python, and a training keeps its numbers to the last bit."""
    runs = []

    @tf.function
    def step(weights, inputs):
        runs.append(threading.get_ident())
        for _ in tf.range(2):
            weights -= 0.1 * tf.linalg.matvec(inputs, tf.tanh(tf.linalg.matvec(inputs, weights)))
        return weights

    inputs = tf.constant(np.random.default_rng(0).standard_normal((30, 30)), tf.float32)
    reached, stop, results = [], threading.Event(), []

    def train():
        while not stop.is_set() or len(results) < 2:
            weights = tf.ones(30)
            for _ in range(20):
                weights = step(weights, inputs)
            results.append(weights.numpy())

    step(tf.ones(30), inputs)
    assert len(runs) == 1
    thread = threading.Thread(target=train)
    thread.start()
    try:
        for name in ("if", "method"):
            model = built(STEPS[name])
            tfs.explain(model, helpers.ids(), tfs.IntegratedGradients(steps=4))
            reached.append(len(results))
    finally:
        stop.set()
        thread.join()
    assert reached[-1] > 2
    assert len(runs) == 1
    for result in results:
        np.testing.assert_array_equal(result, results[0])


def test_the_switch_of_tensorflow_is_not_touched():
    switches = []

    def target(outputs):
        switches.append(tf.config.functions_run_eagerly())
        return outputs[:, 0]

    def step(model, ids):
        switches.append(tf.config.functions_run_eagerly())
        return model.words(ids)

    tfs.explain(built(step), helpers.ids(), "gradient_norm", target=target)
    assert switches
    assert not any(switches)


def test_another_thread_that_is_traced_meanwhile():
    """The class is restored when the last of them has ended."""
    entered, leave = threading.Event(), threading.Event()

    def wait():
        entered.set()
        leave.wait()

    thread = threading.Thread(target=run_inlined, args=(wait,))
    thread.start()
    entered.wait()
    run_inlined(lambda: None)
    try:
        assert vars(Function)["__call__"] is not CALL
    finally:
        leave.set()
        thread.join()


def test_an_interrupt_at_any_line():
    """At the latest the next explanation restores the class; no function is inlined before."""
    runs = []

    @tf.function
    def function():
        runs.append(0)
        return tf.constant(1)

    function()

    def check(interrupted):
        del interrupted
        count = len(runs)
        function()
        assert len(runs) == count
        run_inlined(lambda: None)
        assert vars(Function)["__call__"] is CALL

    def explain():
        return run_inlined(lambda: None)

    places = interrupts.at_every_line(explain, [function_inlining, calls_in_progress], check)
    assert len(places) > 20
    traced(function)
    assert len(runs) == 2


@pytest.mark.parametrize("module", [function_inlining])
def test_at_exit_nothing_is_left(module):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls_in_progress.CallsInProgress, "remove", lambda self, frame: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_inlined(lambda: None)
        assert vars(Function)["__call__"] is not CALL
    module.update_class()
    assert vars(Function)["__call__"] is CALL
