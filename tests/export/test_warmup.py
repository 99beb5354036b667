"""Warm-up requests, which TensorFlow Serving runs before the first request of a user."""

import sys

import helpers
import numpy as np
import pytest
import serving
import tensorflow as tf

import tf_salience as tfs


@pytest.fixture
def prediction_log():
    reason = "the extra `serving` is not installed"
    return pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2", reason=reason)


@pytest.mark.slow
def test_requests_are_what_the_signatures_take(models, tmp_path, prediction_log):
    folder = tfs.export_saved_model(models("text_model"), tmp_path / "m", warm_up=["w1 w2", "w3"])
    loaded = serving.load(folder)
    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    names = []
    for record in tf.data.TFRecordDataset(str(file)):
        log = prediction_log.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        inputs = {key: tf.constant(tf.make_ndarray(x)) for key, x in request.inputs.items()}
        names.append(request.model_spec.signature_name)
        assert serving.request(loaded, names[-1], **inputs)
    assert names == ["serving_default", "attributions"]


@pytest.mark.parametrize(
    ("name", "examples"),
    [("text_model", [b"\xff"]), ("sequential_lstm", np.full((1, 4), 99))],
)
@pytest.mark.usefixtures("prediction_log")
def test_requests_that_are_refused_are_not_written(models, tmp_path, name, examples):
    with pytest.raises(ValueError, match="`warm_up` must hold examples that the model takes.*said"):
        tfs.export_saved_model(models(name), tmp_path / "m", warm_up=examples)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra(models, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ImportError, match=r"tf-salience\[serving\]"):
        tfs.export_saved_model(models("convolution"), tmp_path / "m", warm_up=helpers.ids())
    assert list(tmp_path.iterdir()) == []
