"""Arguments that cannot be exported: nothing is written, and the error says what to do."""

import helpers
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.export import argument_checks


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "label"}, ValueError, "no labels.*attributions_with_target"),
        ({"target": [0, 1]}, ValueError, r"for each example cannot be .*Received: target=\[0, 1\]"),
        ({"target": tfs.targets.Margin("label", 0)}, ValueError, "no labels"),
        ({"target": tfs.targets.Position(0)}, ValueError, "position of a token.*callable"),
        ({"target": 7}, ValueError, "must be a class index from 0 to 2"),
        ({"version": -1}, ValueError, "`version` must be at least 0. Received: version=-1"),
        ({"version": "1"}, TypeError, "`version` must be a number or None. Received: version='1'"),
        ({"max_rows": 0}, ValueError, "`max_rows` must be a positive integer"),
        ({"jit_compile": "auto"}, TypeError, "`jit_compile` must be True or False.*'auto'"),
        (
            {"method": tfs.IntegratedGradients(baseline=np.zeros((2, 4, 8)))},
            ValueError,
            r"for each example cannot.*Received: shape \(2, 4, 8\)",
        ),
        (
            {"method": tfs.IntegratedGradients(baseline=np.zeros((4, 8)))},
            ValueError,
            r"for each token needs.*Received: shape \(4, 8\).*`input_signature`",
        ),
    ],
    ids=helpers.printed,
)
def test_arguments_that_cannot_be_exported(models, tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        tfs.export_saved_model(models("sequential_lstm"), tmp_path / "m", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_xla_takes_no_strings(models, tmp_path):
    with pytest.raises(ValueError, match="XLA takes no strings.*`tokenizer="):
        tfs.export_saved_model(models("text_model"), tmp_path / "m", jit_compile=True)


class TestFolder:
    def test_with_and_without_a_version(self, tmp_path):
        assert argument_checks.versioned_folder(tmp_path, None) == tmp_path
        assert argument_checks.versioned_folder(str(tmp_path), 3) == tmp_path / "3"

    def test_a_remote_folder(self, models):
        with pytest.raises(ValueError, match="must be a local directory.*'gs://bucket/model'"):
            tfs.export_saved_model(models("convolution"), "gs://bucket/model")

    def test_the_path_of_a_file(self, models, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(FileExistsError, match="must be a directory"):
            tfs.export_saved_model(models("convolution"), tmp_path / "file", overwrite=True)


@pytest.mark.parametrize(
    ("baseline", "width"),
    [("zeros", None), (np.zeros(8), None), (np.zeros((1, 8)), None), (np.zeros((4, 8)), 4)],
    ids=["zeros", "dim", "one token", "a fixed width"],
)
def test_baselines_that_hold_for_every_request(baseline, width):
    method = tfs.IntegratedGradients(baseline=baseline)
    argument_checks.check_baseline(method, tf.TensorSpec((None, width), tf.int32))
