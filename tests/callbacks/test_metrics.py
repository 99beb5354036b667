from pathlib import Path

from training import PROBES, compiled_model

import tf_salience as tfs
from tf_salience.callbacks import metrics
from tf_salience.callbacks.probe_explainer import ProbeExplanation

PAGE = Path(__file__).parents[2] / "docs" / "watch_training.md"


def test_every_scalar_is_documented():
    explanation = tfs.explain(compiled_model(), PROBES)
    names = metrics.compute(ProbeExplanation(explanation[0], None, None, None), None, None, ())
    assert len(names) == 9
    for name in names:
        assert f"`{name}`" in tfs.SalienceLogger.__doc__
        assert f"`{name}`" in PAGE.read_text("utf-8")


def test_scalars_average_over_the_probes_that_have_them():
    undefined = dict.fromkeys(["drift_spearman", "entropy", "convergence_delta"])
    rows = [
        {**undefined, "entropy": 0.25, "convergence_delta": 1.0},
        {**undefined, "entropy": 0.75, "convergence_delta": 2.0},
        {**undefined, "convergence_delta": 9.0},
    ]
    assert metrics.aggregate(rows) == {"entropy": 0.5, "convergence_delta": 2.0}
    assert metrics.aggregate([]) == {}
