import numpy as np
import pytest

from tf_salience.explanation import Explanation

NAMES = ["negative", "positive"]


@pytest.fixture
def explanation():
    """Makes an explanation of rows, `(tokens, scores)` each, without a model."""

    def make(rows, *, which="predicted", classes=None, config=None, **fields):
        batch, width = len(rows), max(len(tokens) for tokens, _ in rows)
        scores, mask = np.zeros((batch, width), np.float32), np.zeros((batch, width), bool)
        for row, (tokens, values) in enumerate(rows):
            scores[row, : len(tokens)], mask[row, : len(tokens)] = values, True
        classes = [1] * batch if classes is None else classes
        defaults = {
            "segments": {"text": slice(0, width)},
            "target": np.array(classes),
            "target_name": [NAMES[index] for index in classes],
            "output": np.arange(batch) + 0.5,
            "baseline_output": np.zeros(batch),
            "convergence_delta": np.full(batch, 1e-4),
            "error_estimate": np.full(batch, 1e-3),
            "converged": np.ones(batch, bool),
            "evaluations": np.full(batch, 8),
        }
        method = {"steps": "auto", "tolerance": 0.01}
        return Explanation(
            tokens=[list(tokens) for tokens, _ in rows],
            scores=scores,
            mask=mask,
            config={
                "model": "reviews",
                "embeddings": ["tokens"],
                "method": {"class_name": "integrated_gradients", "config": method},
                "target": {"class_name": "Unit", "which": which},
                "output": None,
                "class_names": NAMES,
                "versions": {"tf_salience": "0.0.1", "keras": "3.0"},
                **(config or {}),
            },
            **{**defaults, **fields},
        )

    return make


@pytest.fixture
def small(explanation):
    """Three examples; the model says positive, negative, positive."""
    rows = [
        (["good", "film"], [0.5, 0.25]),
        (["bad", "film"], [1.5, -0.25]),
        (["good", "fun", "film"], [1.0, 0.5, 0.75]),
    ]
    return explanation(rows, classes=[1, 0, 1])
