"""`SavedModelExplainer`: explains on a worker that has TensorFlow alone; see `worker`."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_salience.beam.worker import stack, take_label

#: Examples in one call of a SavedModel, whose graph runs them in one forward pass.
_CALL = 32
#: Columns of a row that hold a number, as signatures name them. `explanation.records` has them
#: too, but a worker of a SavedModel has no tf_salience to import it from.
_NUMBERS = (
    "target",
    "output",
    "baseline_output",
    "convergence_delta",
    "error_estimate",
    "converged",
    "evaluations",
)


class SavedModelExplainer:
    """Explains by the signatures of a SavedModel that `export_saved_model` wrote.

    Args:
        path: of the folder, local or as TensorFlow reads it (`gs://...`).
        label: the key of the class to explain in the examples; None: what the signature explains.
    """

    def __init__(self, path: str, label: str | None) -> None:
        import tensorflow as tf

        with tf.io.gfile.GFile(f"{path}/assets.extra/tf_salience.json") as file:
            self._content = json.load(file)
        self._model = tf.saved_model.load(path)  # its variables go with it
        name = "attributions" if label is None else "attributions_with_target"
        if name not in self._model.signatures:
            raise ValueError(
                f"The SavedModel {path!r} does not explain a single class, so it has no signature "
                f"{name!r}. Received: label={label!r}. Leave `label` out."
            )
        self._signature = self._model.signatures[name]
        self._specs = dict(self._signature.structured_input_signature[1])
        self._label = label

    def __call__(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
        """Returns the row of each example.

        Raises:
            ValueError, TypeError: for examples that the signature does not take.
        """
        starts = range(0, len(examples), _CALL)
        return [row for start in starts for row in self._call(examples[start : start + _CALL])]

    def _call(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
        import tensorflow as tf

        inputs: dict[str, Any] = {}
        if self._label is not None:
            examples, labels = take_label(examples, self._label)
            inputs["target"] = np.asarray(labels)
        batch = stack(examples)
        if not isinstance(batch, dict):
            batch = {name: batch for name in self._specs if name != "target"}
        inputs.update(batch)
        self._check(inputs)
        try:
            results = self._signature(
                **{name: self._tensor(name, value) for name, value in inputs.items()}
            )
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(_cause(error.message)) from error
        return self._rows({name: value.numpy() for name, value in results.items()})

    def _check(self, inputs: dict[str, Any]) -> None:
        if set(inputs) != set(self._specs):
            raise ValueError(
                f"An example must have the inputs {sorted(self._specs)}. Received: {sorted(inputs)}"
            )

    def _tensor(self, name: str, values: Any) -> Any:
        import tensorflow as tf

        spec = self._specs[name]
        if spec.dtype != tf.string:
            return tf.constant(np.asarray(values, spec.dtype.as_numpy_dtype))
        tensor = tf.constant(list(values), tf.string)
        return tensor if spec.shape.rank != 2 else tf.reshape(tensor, (-1, 1))

    def _rows(self, results: dict[str, Any]) -> list[dict[str, Any]]:
        """Returns the outputs of a signature as rows, with the columns of `explanation.records`."""
        rows = []
        for number, mask in enumerate(results["mask"]):
            positions = np.flatnonzero(mask)
            numbers = {
                name: results[name][number].item() if name in results else None for name in _NUMBERS
            }
            if "evaluations" not in results:
                numbers["evaluations"] = _fixed_evaluations(self._content["method"])
            rows.append(
                {
                    "tokens": _tokens(results, number, positions),
                    "scores": results["scores"][number, positions].tolist(),
                    "words": None,
                    "segments": self._segments(results, number, positions),
                    "target_name": self._target_name(numbers["target"]),
                    **numbers,
                }
            )
        return rows

    def _segments(self, results: dict[str, Any], number: int, positions: Any) -> Any:
        names = self._content["segments"]
        numbers = (
            results["segments"][number, positions]
            if "segments" in results
            else np.zeros(len(positions), int)
        )
        bounds = np.searchsorted(numbers, range(len(names) + 1)).tolist()
        return [
            {"name": name, "start": start, "stop": stop}
            for name, start, stop in zip(names, bounds[:-1], bounds[1:], strict=True)
        ]

    def _target_name(self, target: int | None) -> str | None:
        if target is None:
            return None
        names = self._content["class_names"]
        return names[target] if names else f"class {target}"


def _cause(message: str) -> str:
    """Returns the line of TensorFlow's message that says what was wrong, below those of nodes."""
    lines = [line.strip() for line in message.splitlines()]
    return [line for line in lines if line and not line.startswith("[[")][-1]


def _tokens(results: dict[str, Any], number: int, positions: Any) -> list[str]:
    if "tokens" not in results:
        return [f"#{position}" for position in positions]
    return [token.decode("utf-8", "replace") for token in results["tokens"][number, positions]]


def _fixed_evaluations(method: dict[str, Any]) -> int | None:
    """Returns the evaluations of an example by a fixed rule; None where they depend on the text."""
    config = method["config"]
    steps = config.get("steps")
    if isinstance(steps, int):
        return steps + 1 if config.get("rule") == "trapezoid" else steps  # both ends are nodes
    return 1 if method["class_name"].startswith("gradient_") else None
