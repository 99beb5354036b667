import numpy as np
import pytest

from tf_salience.callbacks.history import ProbeScores, ScoreHistory


def scores(step, method="m", token="a"):
    return ProbeScores(step, None, method, "class 0", [token], np.ones(1, np.float32))


def test_scores_of_another_run_are_dropped():
    history = ScoreHistory()
    for step in (1, 2, 3, 2):
        history.append(0, scores(step))
    assert [entry.step for entry in history.by_probe[0]] == [1, 2]
    history.append(0, scores(3, method="n"))
    assert [entry.method for entry in history.by_probe[0]] == ["n"]
    history.append(0, scores(4, method="n", token="b"))
    assert [entry.step for entry in history.by_probe[0]] == [4]


def test_records_of_an_earlier_run_are_continued():
    record = {
        "probe": 2,
        "step": 5,
        "epoch": 0,
        "method": "m",
        "target_name": "class 0",
        "tokens": ["a"],
        "scores": [0.5],
        "output": 1.0,
    }
    history = ScoreHistory([record, {"probe": 1, "step": 5, "error": "ValueError: ..."}])
    history.append(2, scores(6))
    assert {probe: [entry.step for entry in rows] for probe, rows in history.by_probe.items()} == {
        2: [5, 6]
    }
    assert history.by_probe[2][0].scores.tolist() == [0.5]


@pytest.mark.parametrize(("epoch", "label"), [(None, "step 7"), (0, "1"), (4, "5")])
def test_a_label_counts_epochs_as_keras_does(epoch, label):
    entry = ProbeScores(7, epoch, "m", "class 0", ["a"], np.ones(1, np.float32))
    assert entry.label == label
