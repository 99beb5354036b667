"""Class names from the containers in which users hold them."""

import numpy as np
import pytest

from tf_salience.data.class_names import check_class_names


@pytest.mark.parametrize(
    "class_names",
    [
        ["a", "b", "c"],
        ("a", "b", "c"),
        np.array(["a", "b", "c"]),
        {0: "a", 1: "b", 2: "c"},
        {2: "c", 0: "a", 1: "b"},
        {np.int64(1): "b", np.int64(0): "a", np.int64(2): "c"},
        {"a": 0, "b": 1, "c": 2},
        {"c": 2, "b": 1, "a": np.int32(0)},
    ],
    ids=str,
)
def test_names_are_listed_in_the_order_of_the_classes(class_names):
    names = check_class_names(class_names)
    assert names == ["a", "b", "c"]
    assert all(type(name) is str for name in names)


def test_none():
    assert check_class_names(None) is None


@pytest.mark.parametrize(
    "class_names",
    [
        {1: "a", 2: "b"},
        {0: "a", 2: "b"},
        {"a": 0, "b": 0},
        {"a": 1, "b": 2},
        {"0": "a", "1": "b"},
        {"a": "b"},
        {0: "a", "b": 1},
        {0.0: "a"},
        {False: "a", True: "b"},
        {"a": [0]},
    ],
    ids=str,
)
def test_dicts_whose_order_is_not_plain(class_names):
    with pytest.raises(ValueError, match="from 0 on once.*Received: class_names=.*Pass a list"):
        check_class_names(class_names)


@pytest.mark.parametrize("class_names", ["abc", [1, 2], {0: 1, 1: 2}, np.eye(2), 3], ids=str)
def test_what_is_no_names(class_names):
    with pytest.raises(TypeError, match="must be a list of strings.*Received: class_names="):
        check_class_names(class_names)


def test_names_that_occur_twice():
    for class_names in (["a", "b", "a"], {0: "a", 1: "a"}):
        with pytest.raises(ValueError, match="`class_names` must differ. Received: class_names="):
            check_class_names(class_names)


def test_the_conversions_that_the_message_shows():
    by_digit, by_name = {"1": "b", "0": "a"}, {"b": 7, "a": 3}
    names = {"class_names": by_digit}
    assert eval("[class_names[key] for key in sorted(class_names, key=int)]", names) == ["a", "b"]
    names = {"class_names": by_name}
    assert eval("sorted(class_names, key=class_names.get)", names) == ["a", "b"]


def test_messages_are_short_whatever_was_passed():
    for class_names in (dict.fromkeys(range(1, 9999), "a" * 99), ["a"] * 9999, [0] * 9999):
        with pytest.raises((TypeError, ValueError)) as error:
            check_class_names(class_names)
        assert len(str(error.value)) < 1500
