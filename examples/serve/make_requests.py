"""How do I serve a model that explains itself with TensorFlow Serving?

Exports a model and prints, from the signature that was written, the command that serves it and the
requests that it takes: REST (JSON) and gRPC (a PredictRequest in protobuf's text format). What to
see: `attributions` takes what `serving_default` takes; `attributions_with_target` takes a class
beside it, -1 for the predicted one.

    python examples/serve/make_requests.py

Your own: `--saved-model DIR --name NAME`, where DIR was written by `export_saved_model` and takes
texts.
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


def exported(folder: Path) -> Path:
    """A small classifier of texts, trained here, as version 1."""
    from explain_a_classifier import CLASS_NAMES, trained_classifier

    model = trained_classifier()
    return tfs.export_saved_model(model, folder, class_names=CLASS_NAMES, version=1)


def example_inputs(inputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Values for the inputs of a signature, by name."""
    known = {"string": TEXTS, "int32": [1] * len(TEXTS), "int64": [1] * len(TEXTS)}
    values = {}
    for name, spec in inputs.items():
        if name == "target":
            values[name] = [-1] * len(TEXTS)
        elif spec["dtype"] in known and len(spec["shape"]) == 1:
            values[name] = known[spec["dtype"]]
        else:
            width = spec["shape"][1] or 3
            values[name] = np.ones((len(TEXTS), width), int).tolist()
    return values


def rest_body(signature: str, values: dict[str, Any]) -> str:
    """What is posted to `/v1/models/NAME:predict`."""
    return json.dumps({"signature_name": signature, "inputs": values})


def grpc_request(name: str, signature: str, inputs: dict[str, Any], values: dict[str, Any]) -> str:
    """A `tensorflow.serving.PredictRequest` in text format."""
    parts = [f'model_spec {{ name: "{name}" signature_name: "{signature}" }}']
    for key, value in values.items():
        proto = tf.make_tensor_proto(value, inputs[key]["dtype"])
        text = text_format.MessageToString(proto, as_one_line=True)
        parts.append(f'inputs {{ key: "{key}" value {{ {text} }} }}')
    return "\n".join(parts)


def show(folder: Path, name: str) -> None:
    """Prints the commands and the requests of an exported model."""
    signatures = tfs.read_signature(folder)["signatures"]
    print(
        "# Serve it (REST on 8501, gRPC on 8500):\n"
        f"docker run --rm -p 8501:8501 -p 8500:8500 \\\n  -v {folder}:/models/{name} "
        f"-e MODEL_NAME={name} tensorflow/serving\n"
        "# or, without docker:\n"
        f"tensorflow_model_server --rest_api_port=8501 --port=8500 --model_name={name} "
        f"--model_base_path={folder}\n"
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
    """Prints the requests of a model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--saved-model", type=Path)
    parser.add_argument("--name", default="reviews")
    options = parser.parse_args()
    if options.saved_model is not None:
        show(options.saved_model.absolute(), options.name)
        return
    with tempfile.TemporaryDirectory() as room:
        exported(Path(room))
        show(Path(room), options.name)


if __name__ == "__main__":
    main()
