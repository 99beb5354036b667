"""`class_labels`: class indices or names from what a data set has as labels."""

import numpy as np
import pytest

from tf_salience.targets.class_labels import class_labels

ONE_HOT = np.eye(3)[[2, 0]]


@pytest.mark.parametrize("labels", [ONE_HOT, ONE_HOT.astype(bool), ONE_HOT.astype(int).tolist()])
def test_one_hot_rows_are_class_indices(labels):
    assert class_labels(labels, 3).tolist() == [2, 0]


@pytest.mark.parametrize("labels", [[2, 0], ["a", "b"], (1, 0), np.array([1.5, 2])])
def test_other_labels_stay_as_they_are(labels):
    assert class_labels(labels, 3).tolist() == list(labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(4), r"one-hot rows of 3 classes. Received: labels of shape \(4, 4\)"),
        ([[0, 1, 0], [1, 1, 0]], r"\[1, 1, 0\].* in example 1. .*`target=0`"),
        ([[0.1, 0.9, 0.0], [1, 0, 0]], r" in example 0. .*`labels=np.argmax\(labels, axis=1\)`"),
        ([[0, 2, -1]], "a single 1"),
        ({"a": [1], "b": [2]}, r"labels of \['a', 'b'\]. Choose one with `output=`"),
        (([1, 2], [0, 1]), r"labels of \[0, 1\]"),
    ],
)
def test_rows_that_name_no_class(labels, message):
    with pytest.raises(ValueError, match=message):
        class_labels(labels, 3)
