"""Requests for TensorFlow Serving: predictions and explanations of an exported model.

Exports a model and prints, from its signatures, the command that serves it and its requests: REST
(JSON) and gRPC (a PredictRequest in protobuf's text format). What to see: `attributions` takes the
inputs of `serving_default`; `attributions_with_target` takes a class as well, -1 for the predicted
one.

    python examples/serve/make_requests.py

`--saved-model DIR --name NAME` takes your own model, written by `export_saved_model`, if its inputs
are texts.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format

import tf_salience as tfs

sys.path.append(str(Path(__file__).parents[1]))

TEXTS = ["the soup was not really good", "last night the film was never dull"]


def export_classifier(directory: Path) -> Path:
    """Trains a small classifier of texts and exports it as version 1."""
    from explain_a_classifier import CLASS_NAMES, trained_classifier

    model = trained_classifier()
    return tfs.export_saved_model(model, directory, class_names=CLASS_NAMES, version=1)


def example_inputs(inputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns example values for the inputs of a signature, by name."""
    vectors = {"string": TEXTS, "int32": [1] * len(TEXTS), "int64": [1] * len(TEXTS)}
    values = {}
    for name, spec in inputs.items():
        if name == "target":
            values[name] = [-1] * len(TEXTS)
        elif spec["dtype"] in vectors and len(spec["shape"]) == 1:
            values[name] = vectors[spec["dtype"]]
        else:
            width = spec["shape"][1] or 3
            values[name] = np.ones((len(TEXTS), width), int).tolist()
    return values


def rest_body(signature: str, values: dict[str, Any]) -> str:
    """Returns the JSON body of a POST to `/v1/models/NAME:predict`."""
    return json.dumps({"signature_name": signature, "inputs": values})


def grpc_request(name: str, signature: str, inputs: dict[str, Any], values: dict[str, Any]) -> str:
    """Returns a `tensorflow.serving.PredictRequest` in text format."""
    lines = [f'model_spec {{ name: "{name}" signature_name: "{signature}" }}']
    for key, value in values.items():
        tensor = tf.make_tensor_proto(value, inputs[key]["dtype"])
        text = text_format.MessageToString(tensor, as_one_line=True)
        lines.append(f'inputs {{ key: "{key}" value {{ {text} }} }}')
    return "\n".join(lines)


def print_requests(directory: Path, name: str) -> None:
    """Prints the commands and the requests of an exported model."""
    signatures = tfs.read_signature(directory)["signatures"]
    print(
        "# Serve it (REST on 8501, gRPC on 8500):\n"
        f"docker run --rm -p 8501:8501 -p 8500:8500 \\\n  -v {directory}:/models/{name} "
        f"-e MODEL_NAME={name} tensorflow/serving\n"
        "# or, without docker:\n"
        f"tensorflow_model_server --rest_api_port=8501 --port=8500 --model_name={name} "
        f"--model_base_path={directory}\n"
    )
    for signature in ("serving_default", "attributions", "attributions_with_target"):
        if signature not in signatures:
            continue
        inputs = signatures[signature]["inputs"]
        values = example_inputs(inputs)
        body = rest_body(signature, values)
        print(f"# {signature} -> {', '.join(signatures[signature]['outputs'])}")
        print(f"curl -d '{body}' http://localhost:8501/v1/models/{name}:predict\n")
        print("# the same for gRPC: tensorflow.serving.PredictionService/Predict of")
        print(grpc_request(name, signature, inputs, values), end="\n\n")


def main() -> None:
    """Prints the requests of a model of the command line, or of a small classifier."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--saved-model", type=Path)
    parser.add_argument("--name", default="reviews")
    options = parser.parse_args()
    if options.saved_model is not None:
        print_requests(options.saved_model.absolute(), options.name)
        return
    with tempfile.TemporaryDirectory() as temporary:
        export_classifier(Path(temporary))
        print_requests(Path(temporary), options.name)


if __name__ == "__main__":
    main()
