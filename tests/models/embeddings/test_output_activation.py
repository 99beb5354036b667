"""The softmax or sigmoid in which an output ends: told by Keras, or seen in the graph."""

import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from tf_salience.models.embeddings import output_activation


def on_head(*endings, units=4, activation=None):
    """A model of ids whose head is followed by some layers or operations."""
    model = model_zoo.with_head(units, activation)
    output = model.output
    for ending in endings:
        output = ending(output)
    return keras.Model(model.input, output)


def nested(activation):
    inner, ids = model_zoo.with_head(4, activation), model_zoo.ids_input()
    return keras.Model(ids, inner(ids))


def two_heads(symbolic):
    """The chosen output of a nested model of two: logits, then probabilities."""
    ids = model_zoo.ids_input()
    hidden = layers.GRU(5)(model_zoo.table()(ids))
    inner = keras.Model(ids, [layers.Dense(3)(hidden), layers.Dense(3, "softmax")(hidden)])
    outer = model_zoo.ids_input()
    return keras.Model(outer, inner(outer)[symbolic])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.words, self.head = model_zoo.table(), layers.Dense(3, "softmax")

    def call(self, ids):
        return self.head(ops.sum(self.words(ids), axis=1))


class TestOfSymbolic:
    @pytest.mark.parametrize(
        ("build", "activation"),
        [
            (lambda: on_head(activation="sigmoid"), "sigmoid"),
            (lambda: on_head(activation="softmax"), "softmax"),
            (on_head, None),
            (lambda: on_head(activation="tanh"), None),
            (lambda: on_head(layers.Activation("softmax")), "softmax"),
            (lambda: on_head(layers.Softmax()), "softmax"),
            (lambda: on_head(ops.softmax), "softmax"),
            (lambda: on_head(ops.sigmoid), "sigmoid"),
            (lambda: on_head(layers.Softmax(), layers.Dropout(0.5)), "softmax"),
            (lambda: on_head(layers.Softmax(), layers.Activation("linear")), "softmax"),
            (lambda: on_head(layers.Softmax(), lambda x: ops.cast(x, "float64")), "softmax"),
            (lambda: on_head(layers.Softmax(), layers.Dense(4)), None),
            (lambda: on_head(layers.Softmax(axis=0)), None),
            (lambda: nested("sigmoid"), "sigmoid"),
            (lambda: nested(None), None),
            (lambda: two_heads(0), None),
            (lambda: two_heads(1), "softmax"),
            (
                lambda: on_head(
                    layers.RepeatVector(3), layers.TimeDistributed(layers.Dense(5, "softmax"))
                ),
                "softmax",
            ),
            (lambda: on_head(layers.RepeatVector(3), layers.GRU(2, activation="sigmoid")), None),
        ],
        ids=[
            "sigmoid", "softmax", "logits", "tanh", "Activation", "Softmax", "ops.softmax",
            "ops.sigmoid", "Dropout", "linear", "cast", "a layer after it", "another axis",
            "nested", "nested logits", "nested, first of two", "nested, second of two",
            "TimeDistributed", "recurrent",
        ],
    )  # fmt: skip
    def test_the_layer_that_made_the_output(self, build, activation):
        assert output_activation.of_symbolic(build().output) == activation

    def test_models_without_symbolic_outputs(self):
        model, ids = Subclassed(), model_zoo.ids_input(shape=(4,))
        model(np.ones((2, 4)))
        assert output_activation.symbolic_outputs(model) is None
        assert output_activation.of_symbolic(model(ids)) is None

    def test_the_nest_of_symbolic_outputs(self):
        heads = output_activation.symbolic_outputs(model_zoo.heads(dict))
        assert sorted(heads) == ["stars", "topic"]
        model = keras.Sequential(model_zoo.with_head(2, "softmax").layers)
        assert output_activation.of_symbolic(output_activation.symbolic_outputs(model)) == "softmax"


LOGITS = np.array([[[0.0, 2.0, -1.0]], [[1.0, 1.0, 300.0]]], np.float32)


def traced(function, logits=LOGITS):
    """What `in_graph` and `as_logits` find of a function's output, the latter as an array."""
    seen = []

    @tf.function(autograph=False)
    def run(logits):
        output = function(logits)
        seen.append(output_activation.in_graph(output))
        return output_activation.as_logits(output, None), output

    as_logits, output = run(tf.constant(logits))
    return seen[0] and seen[0][0], as_logits.numpy(), output.numpy()


class TestInGraph:
    @pytest.mark.parametrize(
        ("function", "activation"),
        [
            (tf.nn.softmax, "softmax"),
            (tf.sigmoid, "sigmoid"),
            (ops.softmax, "softmax"),
            (lambda x: tf.identity(tf.nn.softmax(x)), "softmax"),
            (lambda x: tf.cast(tf.nn.softmax(tf.cast(x, tf.float64)), tf.float32), "softmax"),
            (lambda x: tf.nn.softmax(x)[:, None][:, 0], None),
            (lambda x: tf.squeeze(tf.nn.softmax(x), 1), "softmax"),
            (lambda x: tf.reshape(tf.nn.softmax(x), [2, 1, 1, 3]), "softmax"),
            (lambda x: tf.reshape(tf.nn.softmax(x), [3, 2]), None),
            (lambda x: tf.reshape(tf.sigmoid(x), [3, 2]), "sigmoid"),
            (lambda x: 1 - tf.nn.softmax(x), None),
            (lambda x: tf.exp(x) / tf.reduce_sum(tf.exp(x), -1, keepdims=True), None),
            (tf.identity, None),
        ],
    )
    def test_what_computes_the_output(self, function, activation):
        seen, logits, output = traced(function)
        assert seen == activation
        assert logits.shape == output.shape
        expected = output if activation is None else LOGITS.reshape(output.shape)
        np.testing.assert_array_equal(logits, expected)

    def test_nothing_is_seen_outside_of_a_graph(self):
        for outputs in (tf.nn.softmax(LOGITS), LOGITS):
            assert output_activation.in_graph(outputs) is None


class TestAsLogits:
    PROBABILITIES = np.array([[0.25, 0.75, 0.0]])

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_without_the_graph(self, dtype):
        probabilities = tf.constant(self.PROBABILITIES, dtype)
        logs = output_activation.as_logits(probabilities, "softmax")
        log_odds = output_activation.as_logits(probabilities, "sigmoid")
        np.testing.assert_allclose(logs, [[np.log(0.25), np.log(0.75), -np.inf]], rtol=1e-6)
        np.testing.assert_allclose(log_odds, [[-np.log(3), np.log(3), -np.inf]], rtol=1e-6)
        wide = "float64" if dtype == "float64" else "float32"
        assert (logs.dtype, log_odds.dtype) == (wide, wide)
        assert output_activation.as_logits(probabilities, None) is probabilities

    def test_a_probability_of_zero_spoils_no_other_gradient(self):
        probabilities = tf.constant(self.PROBABILITIES)
        with tf.GradientTape() as tape:
            tape.watch(probabilities)
            logits = output_activation.as_logits(probabilities, "softmax")
            value = tf.nn.log_softmax(logits)[0, 1]
        # log(p / sum of all p)
        np.testing.assert_allclose(tape.gradient(value, probabilities), [[-1, 1 / 0.75 - 1, 0]])
