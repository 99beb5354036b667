import numpy as np
import pytest

import tf_salience as tfs
from tf_salience.callbacks import arguments
from tf_salience.targets import LogProbability, Margin, Position, Unit


@pytest.mark.parametrize("target", [[0, 1], (0, 1), np.array([0, 1]), ["a", "b"], Unit([0, 1])])
def test_a_unit_for_each_example_becomes_labels(target):
    labels, resolved = arguments.resolve_labels(None, target)
    assert list(labels) == list(target.which if isinstance(target, Unit) else target)
    assert resolved == Unit("label")


@pytest.mark.parametrize("target", ["predicted", "label", "a", 1, Margin([0, 1], 1)])
def test_other_targets_leave_the_labels(target):
    labels, resolved = arguments.resolve_labels([1, 0], target)
    assert labels == [1, 0]
    assert resolved == tfs.targets.get(target)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("label", False),
        (Margin("a", "b"), False),
        (Margin("a", [0, 1]), True),
        (LogProbability([0, 1]), True),
        (Position(3, 1), False),
        (Position(3, [0, 1]), True),
        (len, False),
    ],
)
def test_a_target_with_an_entry_per_example(target, expected):
    method = tfs.GradientNorm()
    assert arguments.is_per_example(method, tfs.targets.get(target)) == expected


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [("zeros", False), (3, False), (np.zeros((5, 8)), False), (np.zeros((4, 5, 8)), True)],
)
def test_a_baseline_with_an_entry_per_example(baseline, expected):
    method = tfs.IntegratedGradients(baseline=baseline)
    assert arguments.is_per_example(method, Unit("predicted")) == expected
