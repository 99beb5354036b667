"""What runs on every worker: the handler of `RunInference`, errors, counters, lengths.

Beam sends the classes and functions of this module and of `saved_model` as code rather than as
names (`explain` says so to its pickler), so a worker that explains by a SavedModel needs Beam and
TensorFlow, and neither Keras nor this library: nothing here may import a module of another room.
"""

import logging
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


def load_with_threads(load: Callable[[], ExplainBatch], threads: int | None) -> ExplainBatch:
    """Loads a model in a process where TensorFlow has so many threads; None: one for each core."""
    if threads is not None:
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError as error:
            # As in the process of the pipeline, which has used TensorFlow before.
            logging.getLogger(NAMESPACE).warning("`threads=%d` has no effect: %s", threads, error)
    return load()


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
        ValueError: for bytes that are not UTF-8, or values that make no array.
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
