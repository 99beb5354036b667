import numpy as np
import pytest

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
    validation.check_finite("The target", values, mend="Check it.")
    values[1, 0], values[2, 1] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"The target.*in examples 1, 2\. Check it\."):
        validation.check_finite("The target", values, mend="Check it.")
    with pytest.raises(ValueError, match=r"in example 7\."):
        validation.check_finite("The target", values, mend="", examples=[5, 7, 7])


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
