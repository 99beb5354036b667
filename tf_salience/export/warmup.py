"""Warm-up requests, which TensorFlow Serving runs so that no user waits for the first one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_salience.utils import validation

_FILE = Path("assets.extra") / "tf_serving_warmup_requests"


def check_installed() -> None:
    """Raises an ImportError that names the extra if requests cannot be written."""
    try:
        from tensorflow_serving.apis import prediction_log_pb2  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "`warm_up` needs tensorflow-serving-api. Install it with `pip install "
            "'tf-salience[serving]'`, or leave `warm_up` out."
        ) from error


def run(folder: Path, requests: Mapping[str, Mapping[str, Any]]) -> None:
    """Runs requests on a SavedModel; a server would not load one whose requests fail.

    Args:
        folder: the SavedModel's.
        requests: the signatures' names to their inputs, name to array.

    Raises:
        ValueError: for a request that is refused.
    """
    served = tf.saved_model.load(str(folder))
    for signature, inputs in requests.items():
        try:
            served.signatures[signature](
                **{key: tf.constant(value) for key, value in inputs.items()}
            )
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise ValueError(
                f"`warm_up` must hold examples that the model takes. The signature {signature!r} "
                f"said: {validation.format_error(error)}"
            ) from error


def write(folder: Path, name: str, requests: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes the file into a SavedModel's folder.

    Args:
        folder: the SavedModel's.
        name: of the model.
        requests: the signatures' names to their inputs, name to array.
    """
    from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

    path = folder / _FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            request = predict_pb2.PredictRequest(
                model_spec=model_pb2.ModelSpec(name=name, signature_name=signature),
                inputs={key: tf.make_tensor_proto(value) for key, value in inputs.items()},
            )
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())
