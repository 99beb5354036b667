import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_salience.utils import validation


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, True), (np.int32(3), True), (True, False), (3.0, False), ("3", False), (None, False)],
)
def test_integers(value, expected):
    assert validation.is_integer(value) is expected


def test_positive_integers():
    assert type(validation.positive_integer("steps", np.int64(3))) is int
    with pytest.raises(ValueError, match=r"`steps` must be a positive integer.*steps=0"):
        validation.positive_integer("steps", 0)
    with pytest.raises(TypeError, match=r"`steps` must be a positive integer.*'3'.*type str"):
        validation.positive_integer("steps", "3")


def test_choices():
    validation.check_one_of("rule", "lit", ["trapezoid", "lit"])
    with pytest.raises(
        ValueError, match=r"`rule`.*'trapezoid', 'lit'.*rule='trapezo'.*'trapezoid'"
    ):
        validation.check_one_of("rule", "trapezo", ["trapezoid", "lit"])
    with pytest.raises(ValueError, match=r"rule=3\.$"):
        validation.check_one_of("rule", 3, ["trapezoid", "lit"])


def test_values_that_are_not_finite():
    values = np.zeros((3, 2))
    validation.check_finite("The target", values, fix="Check it.")
    values[1, 0], values[2, 1] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"The target.*in examples 1, 2\. Check it\."):
        validation.check_finite("The target", values, fix="Check it.")
    with pytest.raises(ValueError, match=r"in example 7\."):
        validation.check_finite("The target", values, fix="", examples=[5, 7, 7])


@pytest.mark.parametrize(
    ("examples", "text"),
    [
        ([3], "example 3"),
        ([0, 4], "examples 0, 4"),
        (range(5), "examples 0, 1, 2, 3, 4"),
        (range(12), "examples 0, 1, 2, 3, 4 and 7 more"),
    ],
)
def test_examples_in_messages(examples, text):
    assert validation.format_examples(examples) == text


def test_the_columns_of_a_table_are_aligned():
    lines = validation.format_table(["name", "size"], [["embedding", 3], ["b", 12]]).splitlines()
    assert lines == ["  name       size", "  embedding  3", "  b          12"]


@pytest.mark.parametrize(
    "value",
    [
        {f"word{number}": number for number in range(88_584)},
        "long " * 10_000,
        [["nested"] * 100] * 100,
        np.ones((300, 300)),
        object(),
    ],
    ids=["dict", "string", "list", "array", "object"],
)
def test_a_value_in_a_message_is_short(value):
    assert 0 < len(validation.format_value(value)) <= 310


def test_small_values_are_shown_whole():
    for value in ("positive", 3, None, ["a", "b"], {"a": 1}, (1.5, 2)):
        assert validation.format_value(value) == repr(value)
    assert validation.format_value(np.arange(3)) == "array([0, 1, 2])"


def _raise_in_eager_mode(model, ids):
    model(ids)


def _raise_in_predict(model, ids):
    model.predict(ids, verbose=0)


def _raise_in_a_graph(model, ids):
    tf.function(model)(tf.constant(ids))


@pytest.mark.parametrize("run", [_raise_in_eager_mode, _raise_in_predict, _raise_in_a_graph])
def test_of_an_error_of_tensorflow_its_cause_is_shown(run):
    model = keras.Sequential([keras.Input((6,), dtype="int32"), keras.layers.Embedding(50, 16)])
    with pytest.raises((ValueError, tf.errors.OpError)) as error:
        run(model, np.full((2, 6), 60, np.int32))
    assert "is not in [0, 50)" in validation.format_error(error.value)
    assert len(validation.format_error(error.value)) < 200


def test_of_an_error_of_keras_its_cause_is_shown():
    inputs = keras.Input(batch_shape=(3, 6), dtype="int32")
    embedded = keras.layers.Embedding(50, 16)(inputs)
    model = keras.Model(inputs, keras.layers.LSTM(8, stateful=True)(embedded))
    for run in (_raise_in_eager_mode, _raise_in_a_graph):
        with pytest.raises(ValueError, match="stateful") as error:
            run(model, np.ones((2, 6), np.int32))
        message = validation.format_error(error.value)
        assert message.startswith("If an RNN is stateful")
        assert "Arguments received" not in message
