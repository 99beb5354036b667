import numpy as np
import pytest

import tf_salience as tfs


@pytest.fixture(scope="session")
def make_explanation():
    """Makes an explanation of two examples in two segments; keywords replace its fields."""

    def make(**changes):
        fields = {
            "tokens": [["not", "good"], ["<b>", "fine", "film"]],
            "scores": np.array([[-0.5, 0.25, 0.0, 0.0], [0.1, 0.2, 0.3, 0.05]], np.float32),
            "mask": np.array([[True, True, False, False], [True, True, True, False]]),
            "segments": {"first": slice(0, 2), "second": slice(2, 4)},
            "target": np.array([1, 0]),
            "target_name": ["positive", "negative"],
            "output": np.array([0.7, -0.1]),
            "baseline_output": np.array([0.95, -0.75]),
            "convergence_delta": np.array([1e-9, 1 / 3]),
            "error_estimate": np.array([0.001, 0.2]),
            "converged": np.array([True, False]),
            "evaluations": np.array([9, 129]),
            "config": {"method": {"class_name": "integrated_gradients"}, "embeddings": ["words"]},
        }
        return tfs.Explanation(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def subwords(make_explanation):
    """An explanation of one text of subwords and one empty text, with all optional fields."""
    return make_explanation(
        tokens=[["[CLS]", "play", "ing", "loud"], []],
        scores=np.array([[0.5, 1.0, -0.25, 2.0], [0.0, 0.0, 0.0, 0.125]], np.float32),
        mask=np.array([[True] * 4, [False] * 4]),
        segments={"ids": slice(0, 4)},
        words=[[-1, 0, 0, 1], []],
        parts=[{"a": slice(0, 3), "b": slice(3, 4)}, {"a": slice(0, 0), "b": slice(0, 0)}],
        offsets=[[None, (0, 4), (4, 7), (8, 12)], []],
    )
