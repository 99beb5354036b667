"""What runs on a worker.

Beam sends this module's classes and functions as code rather than as names (`explain.py` says so to
its pickler), so a worker that explains by a SavedModel needs Beam and TensorFlow, and neither Keras
nor this library: nothing here may import another module of the package.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

#: From examples of equal shapes to a row for each. ValueError and TypeError are for examples that
#: cannot be explained.
ExplainBatch = Callable[[Sequence[Any]], list[dict[str, Any]]]

ERRORS = "errors"
NAMESPACE = "tf_salience"

#: Examples in one call of a SavedModel, whose graph runs them in one forward pass.
_CALL = 32
#: Columns of a row that hold a number, as signatures name them.
_NUMBERS = (
    "target",
    "output",
    "baseline_output",
    "convergence_delta",
    "error_estimate",
    "converged",
    "evaluations",
)


class ExplanationHandler(ModelHandler[Any, PredictionResult, Any]):
    """Explains batches in `RunInference`.

    The inference of an example is its row, or where it cannot be explained the reason, a string.

    Args:
        load: loads the model, on the worker, and returns what explains.
        model_id: the model's path.
        **batching: of `ModelHandler`.
    """

    def __init__(self, load: Callable[[], ExplainBatch], model_id: str, **batching: Any) -> None:
        super().__init__(**batching)
        self._load = load
        self._model_id = model_id

    def load_model(self) -> ExplainBatch:
        """Loads the model, once a process."""
        return self._load()

    def run_inference(
        self, batch: Sequence[Any], model: ExplainBatch, inference_args: Any = None
    ) -> Iterable[PredictionResult]:
        """Explains a batch: examples of equal shapes together, so nothing is padded here."""
        del inference_args
        members = defaultdict(list)
        for number, example in enumerate(batch):
            members[_shape(example)].append(number)
        outcomes: dict[int, dict[str, Any] | str] = {}
        for numbers in members.values():
            rows = explain_each(model, [batch[number] for number in numbers])
            outcomes.update(zip(numbers, rows, strict=True))
        return [
            PredictionResult(example, outcomes[number], self._model_id)
            for number, example in enumerate(batch)
        ]

    def get_metrics_namespace(self) -> str:
        """Returns the namespace of `RunInference`'s own metrics."""
        return NAMESPACE


def explain_each(model: ExplainBatch, examples: Sequence[Any]) -> list[dict[str, Any] | str]:
    """Returns the row of each example, or the reason why there is none.

    A batch that fails is halved until the examples are found that cannot be explained. Any other
    error goes to the runner, which tries the bundle again.
    """
    try:
        return list(model(examples))
    except (ValueError, TypeError) as error:
        if len(examples) == 1:
            return [f"{type(error).__name__}: {error}"]
    middle = len(examples) // 2
    return [*explain_each(model, examples[:middle]), *explain_each(model, examples[middle:])]


class Outcomes(beam.DoFn):
    """Counts results, and sends those without a row to the output `errors`.

    An error is (element, reason), the element as it came.
    """

    def __init__(self) -> None:
        names = ("examples", "evaluations", "unconverged", "errors")
        self._counters = {name: Metrics.counter(NAMESPACE, name) for name in names}

    def process(self, element: Any) -> Iterator[Any]:
        """Yields the element if it has a row."""
        is_keyed = not isinstance(element, PredictionResult)
        result = element[1] if is_keyed else element
        row = result.inference
        if isinstance(row, str):
            self._counters["errors"].inc()
            example = (element[0], result.example) if is_keyed else result.example
            yield beam.pvalue.TaggedOutput(ERRORS, (example, row))
            return
        self._counters["examples"].inc()
        self._counters["evaluations"].inc(row["evaluations"] or 0)
        self._counters["unconverged"].inc(int(row["converged"] is False))
        yield element


def raise_error(error: tuple[Any, str]) -> None:
    """Ends the pipeline at an example that cannot be explained."""
    element, reason = error
    raise ValueError(
        f"An example cannot be explained. {reason} Received: {element!r:.300}. Apply "
        "`Explain(...).with_exception_handling()` to go on without such examples."
    )


def example_length(example: Any) -> int:
    """Returns the characters or ids of an example, all its inputs together."""
    if isinstance(example, dict):
        return sum(map(example_length, example.values()))
    return len(example) if isinstance(example, str | bytes) else int(np.size(example))


class ElementLength:
    """The length of an element's example, with or without a key."""

    def __init__(self, length: Callable[[Any], int]) -> None:
        self._length = length

    def __call__(self, element: Any) -> int:
        """Returns the length; an example that has none is found where it is explained."""
        try:
            return int(self._length(element[1] if isinstance(element, tuple) else element))
        except (TypeError, ValueError, KeyError):
            return 0


def stack(examples: Sequence[Any]) -> Any:
    """Stacks examples of equal shapes: a dict of arrays, or an array, with a batch axis.

    Raises:
        ValueError: for bytes that are no UTF-8, or values that make no array.
    """
    if isinstance(examples[0], dict):
        return {name: stack([example[name] for example in examples]) for name in examples[0]}
    if isinstance(examples[0], str | bytes):
        texts = [text.decode() if isinstance(text, bytes) else text for text in examples]
        return np.array(texts, object)
    return np.stack([np.asarray(example) for example in examples])


def take_label(examples: Sequence[Any], label: str) -> tuple[list[Any], list[Any]]:
    """Splits dicts into the examples, without their labels, and the labels.

    An example of one input is the value of that input.

    Raises:
        ValueError: for an example without the label.
    """
    for example in examples:
        if not isinstance(example, dict) or label not in example:
            raise ValueError(
                f"An example must be a dict with the label {label!r}. Received: {example!r:.300}"
            )
    inputs = [{name: example[name] for name in example if name != label} for example in examples]
    if len(inputs[0]) == 1:
        inputs = [next(iter(example.values())) for example in inputs]
    return inputs, [example[label] for example in examples]


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
                f"The SavedModel {path!r} explains no single class, so it has no signature "
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


def _shape(example: Any) -> Any:
    """Returns what examples have in common that can be stacked; None for what cannot be."""
    if isinstance(example, dict):
        return tuple((name, _shape(example[name])) for name in sorted(example, key=str))
    if isinstance(example, str | bytes):
        return "text"
    try:
        return np.shape(example)
    except ValueError:
        return None
