"""A log that cannot be written or read never ends a training, unless that is asked for."""

import contextlib
import json
import os
import shutil
import warnings

import keras
import numpy as np
import pytest
from training import IDS, LABELS, PROBES, compiled_model, fit, summary_values

import tf_salience as tfs
from tf_salience.callbacks.evaluation import is_complete

LOG = "salience.jsonl"


def full_disk(folder):
    folder.mkdir()
    (folder / LOG).symlink_to("/dev/full")


def log_is_a_folder(folder):
    (folder / LOG).mkdir(parents=True)


def folder_is_a_file(folder):
    folder.write_text("not a folder")


def no_permission(folder):
    folder.mkdir()
    (folder / LOG).write_text("{}\n")
    (folder / LOG).chmod(0)
    if os.access(folder / LOG, os.W_OK):
        pytest.skip("this user may write everything")


def empty_records(folder):
    folder.mkdir()
    (folder / LOG).write_text('{}\n{"evaluation": 0}\n')


BROKEN = [full_disk, log_is_a_folder, folder_is_a_file, no_permission, empty_records]
linux_only = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is of Linux")
BROKEN_PARAMETERS = [
    pytest.param(break_log, marks=[linux_only] if break_log is full_disk else [])
    for break_log in BROKEN
]


@contextlib.contextmanager
def caught_warnings():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def not_logged(caught):
    return [str(item.message) for item in caught if item.category is tfs.NotLoggedWarning]


@pytest.mark.parametrize("break_log", BROKEN_PARAMETERS)
class TestBrokenLog:
    def test_training_is_the_same_as_without_the_logger(self, tmp_path, break_log):
        break_log(tmp_path / "logs")
        runs = []
        for callbacks in ([], [tfs.SalienceLogger(tmp_path / "logs", PROBES)]):
            model = compiled_model()
            with caught_warnings() as caught:
                losses = fit(model, callbacks, shuffle=True).history
            runs.append((losses, model.get_weights(), float(np.random.random())))
        (losses, weights, draw), (logged_losses, logged_weights, logged_draw) = runs
        assert losses == {key: logged_losses[key] for key in losses}
        assert draw == logged_draw
        for array, logged_array in zip(weights, logged_weights, strict=True):
            np.testing.assert_array_equal(array, logged_array)
        assert len(logged_losses["val_salience_entropy"]) == 3, "explained, if not logged"
        messages = not_logged(caught)
        assert len(set(messages)) == len(messages) > 0
        assert all("Training continues" in message for message in messages)
        assert all(len(message) < 1500 for message in messages)
        assert str(tmp_path) in messages[0]

    def test_its_error_ends_the_training_if_asked_to(self, tmp_path, break_log):
        break_log(tmp_path / "logs")
        logger = tfs.SalienceLogger(tmp_path / "logs", PROBES, on_error="raise")
        with pytest.raises((OSError, ValueError)):
            compiled_model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])


class TestResumes:
    def test_once_the_log_can_be_written(self, tmp_path):
        folder, moved = tmp_path / "logs", tmp_path / "moved"

        class Break(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 1:
                    folder.rename(moved)
                    folder.write_text("not a folder")
                if epoch == 3:
                    folder.unlink()
                    moved.rename(folder)

        logger = tfs.SalienceLogger(folder, PROBES)
        with caught_warnings() as caught:
            history = fit(compiled_model(), [Break(), logger], epochs=4).history
        assert [record["epoch"] for record in tfs.read_log(folder)[::4]] == [0, 3]
        assert [record["evaluation"] for record in tfs.read_log(folder)[::4]] == [0, 3]
        assert len(history["val_salience_entropy"]) == 4
        messages = not_logged(caught)
        assert len(messages) == 2
        assert "Evaluation 1 is missing from the log" in messages[0]
        assert "TensorBoard" in messages[1]
        steps = [
            step
            for step, value in summary_values(folder / "validation")
            if value.tag == "salience/entropy"
        ]
        assert steps == [4, 16]

    def test_a_folder_that_vanishes_is_made_again(self, tmp_path):
        folder = tmp_path / "logs"

        class Remove(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 2:
                    shutil.rmtree(folder)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(compiled_model(), [Remove(), tfs.SalienceLogger(folder, PROBES)])
        assert [record["epoch"] for record in tfs.read_log(folder)] == [2] * 4
        points = summary_values(folder / "validation")
        assert {step for step, value in points if value.tag == "salience/entropy"} == {12}

    def test_summaries_alone(self, tmp_path):
        (tmp_path / "validation").write_text("not a folder")
        model, logger = compiled_model(), tfs.SalienceLogger(tmp_path, PROBES)
        with pytest.warns(tfs.NotLoggedWarning, match="TensorBoard summaries") as warned:
            model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert len(not_logged(warned)) == 1
        assert warned[0].filename.endswith(".py")
        (tmp_path / "validation").unlink()
        model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert len(tfs.read_log(tmp_path)) == 8
        assert any(tmp_path.glob("validation/events*"))

    def test_after_records_without_keys(self, tmp_path):
        model = compiled_model()
        fit(model, [tfs.SalienceLogger(tmp_path, PROBES)], epochs=2)
        with (tmp_path / LOG).open("a") as file:
            file.write('{}\n{"evaluation": "7", "probe": 0}\n')
        with pytest.warns(tfs.NotLoggedWarning, match="2 of 10 records without"):
            fit(model, [tfs.SalienceLogger(tmp_path, PROBES)], epochs=3, initial_epoch=2)
        records = [record for record in tfs.read_log(tmp_path) if "epoch" in record]
        assert [record["evaluation"] for record in records[::4]] == [0, 1, 2]


COMPLETE = {
    "evaluation": 0,
    "probe": 1,
    "step": 4,
    "epoch": None,
    "method": "m",
    "target_name": "t",
    "tokens": ["a", "b"],
    "scores": [0.5, -1],
}


def test_complete_records():
    assert is_complete(COMPLETE)
    assert is_complete({"evaluation": 3, "probe": 0, "error": "e"})


@pytest.mark.parametrize("key", COMPLETE)
def test_a_record_with_a_value_missing(key):
    rest = {name: value for name, value in COMPLETE.items() if name != key}
    # Without scores it is the record of an error.
    assert is_complete(rest) == (key == "scores")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in COMPLETE for value in ({}, -1.5, ["a", 2])),
        *((key, "7") for key in COMPLETE if key not in ("method", "target_name")),
        ("evaluation", -1),
    ],
)
def test_a_record_with_a_value_of_another_kind(key, value):
    assert not is_complete({**COMPLETE, key: value})


@pytest.mark.parametrize(
    "scores", ["[NaN, 1]", "[1e39, 1]", f"[1{'0' * 400}, 1]", "[1]", '["1", 2]']
)
def test_a_record_with_scores_that_are_not_finite_numbers(scores):
    assert not is_complete({**COMPLETE, "scores": json.loads(scores)})
