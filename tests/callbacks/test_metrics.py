from pathlib import Path

import pytest

import tf_salience as tfs
from tf_salience.callbacks import metrics

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("name", metrics.NAMES)
def test_every_scalar_is_documented(name):
    assert f"`{name}`" in tfs.SalienceLogger.__doc__
    assert f"`{name}`" in README.read_text("utf-8")


def test_scalars_average_over_the_probes_that_have_them():
    undefined = dict.fromkeys(metrics.NAMES)
    rows = [
        {**undefined, "entropy": 0.25, "convergence_delta": 1.0},
        {**undefined, "entropy": 0.75, "convergence_delta": 2.0},
        {**undefined, "convergence_delta": 9.0},
    ]
    assert metrics.aggregate(rows) == {"entropy": 0.5, "convergence_delta": 2.0}
    assert metrics.aggregate([]) == {}
