"""`Explain`: a PTransform that explains examples by a saved model."""

import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.ml.inference.base import MaybeKeyedModelHandler, RunInference

from tf_salience.beam import saved_model, worker
from tf_salience.beam.keras_model import KerasExplainer
from tf_salience.utils import validation
from tf_salience.utils.validation import format_value

# The worker gets the code itself, so it needs no tf_salience for a SavedModel.
for _module in (worker, saved_model):
    cloudpickle.register_pickle_by_value(_module)


@dataclass(frozen=True)
class Batching:
    """How examples are put into batches, so that those of a batch have about the same length.

    Without `max_batch_duration_secs` the examples of a bundle are sorted by length and cut into
    batches (`beam.SortAndBatchElements`): for bounded sources. With it they wait in buckets of
    lengths, across bundles, as `ModelHandler` has it: for streams, whose bundles are small.

    Attributes:
        max_batch_size: examples in a batch, which `Explainer` runs in smaller ones of its own. A
            width of tokens is traced once, so fewer batches of texts are fewer graphs.
        max_batch_weight: the sum of the lengths of a batch; None: any. Not for streams.
        batch_length_fn: from an example (without its key) to its length; by default its characters
            or ids.
        batch_bucket_boundaries: for streams: rising lengths at which buckets begin; None: Beam's.
        max_batch_duration_secs: for streams: how long an example waits for others.

    Raises:
        TypeError: for a size or weight that is not an integer.
        ValueError: for one below 1; an argument of streams without `max_batch_duration_secs`, or of
            bounded sources with it.

    Example:
        >>> explain = Explain("model.keras", batching=Batching(max_batch_size=2048))
    """

    max_batch_size: int = 512
    max_batch_weight: int | None = None
    batch_length_fn: Callable[[Any], int] = worker.example_length
    batch_bucket_boundaries: Sequence[int] | None = None
    max_batch_duration_secs: float | None = None

    def __post_init__(self) -> None:
        validation.positive_integer("max_batch_size", self.max_batch_size)
        if self.max_batch_weight is not None:
            validation.positive_integer("max_batch_weight", self.max_batch_weight)
        is_stream = self.max_batch_duration_secs is not None
        if is_stream and self.max_batch_weight is not None:
            raise ValueError(
                "`max_batch_weight` is for bounded sources: Beam's batches of a stream have none. "
                f"Received: max_batch_weight={self.max_batch_weight} with "
                f"max_batch_duration_secs={self.max_batch_duration_secs}. Leave one of them out."
            )
        if not is_stream and self.batch_bucket_boundaries is not None:
            raise ValueError(
                "`batch_bucket_boundaries` are for streams: the examples of a bounded source are "
                "sorted by length. Received: "
                f"batch_bucket_boundaries={format_value(self.batch_bucket_boundaries)}. Leave them "
                "out, or pass `max_batch_duration_secs` too."
            )

    @property
    def handler_arguments(self) -> dict[str, Any]:
        """The arguments of `ModelHandler`; {} where `RunInference` gets batches."""
        if self.max_batch_duration_secs is None:
            return {}
        boundaries = self.batch_bucket_boundaries
        return {
            "max_batch_size": self.max_batch_size,
            "max_batch_duration_secs": self.max_batch_duration_secs,
            "batch_length_fn": worker.ElementLength(self.batch_length_fn),
            "batch_bucket_boundaries": None if boundaries is None else list(boundaries),
        }


class Explain(beam.PTransform):
    """Explains examples by a saved model, in batches of like length.

    An element is an example, or a pair (key, example), and comes out as a
    `PredictionResult(example, row)`, or as (key, `PredictionResult`). `row` is a dict with
    `tokens`, `scores`, `target_name`, `converged` and the other columns that `explain_dataset`
    writes. An example is a text, an array (tokens,) of ids, or a dict of them by the names of the
    model's inputs.

    A `Reshuffle` spreads the examples over all workers first. The counters `examples`,
    `evaluations`, `unconverged` and `errors` are in the namespace `tf_salience`. The first example
    that cannot be explained ends the pipeline; see `with_exception_handling`.

    Args:
        model: the path of a `.keras` file, whose workers need this library; or the folder of a
            SavedModel that `export_saved_model` wrote, whose workers need TensorFlow alone. The
            workers must be able to read it.
        method: as `Explainer` takes it, for a `.keras` file; None: "integrated_gradients". A
            SavedModel has the method, the target, ... that it was exported with.
        label: the key of the class to explain in the examples, which are dicts then.
        custom_objects: as `keras.saving.load_model` takes them.
        batching: how examples are put into batches.
        threads: of TensorFlow in each worker process; None: one for each core of the machine. Pass
            the cores divided by the worker processes of a machine, where there are several.
        **keywords: whatever else `Explainer` takes, for a `.keras` file.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for a local path that holds no such model, or arguments that a SavedModel has
            already.

    Example:
        >>> with beam.Pipeline() as pipeline:
        ...     results = pipeline | beam.Create([(7, "a good film")]) | Explain("model.keras")
        ...     rows = results | beam.MapTuple(lambda key, result: {"id": key, **result.inference})
        ...     _ = rows | beam.Map(lambda row: print(row["id"], row["tokens"]))
        7 ['a', 'good', 'film']
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        method: Any = None,
        *,
        label: str | None = None,
        custom_objects: Mapping[str, Any] | None = None,
        batching: Batching = Batching(),
        threads: int | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__()
        if threads is not None:
            validation.positive_integer("threads", threads)
        path = _checked_path(model)
        self._path, self._batching, self._threads = path, batching, threads
        if path.endswith(".keras"):
            if label is not None:
                keywords.setdefault("target", "label")
            self._load: Callable[[], worker.ExplainBatch] = functools.partial(
                KerasExplainer,
                path,
                label=label,
                custom_objects=custom_objects,
                arguments={"method": method or "integrated_gradients", **keywords},
            )
            return
        if method is not None:
            keywords["method"] = method
        if custom_objects is not None:
            keywords["custom_objects"] = custom_objects
        if keywords:
            raise ValueError(
                "A SavedModel explains as it was exported. Received: "
                f"{format_value(keywords)}. Pass these to `export_saved_model`, or pass the "
                "`.keras` file."
            )
        self._load = functools.partial(saved_model.SavedModelExplainer, path, label)

    def expand(self, examples: Any) -> Any:
        """Returns the explained elements."""
        explained, errors = self._outcomes(examples)
        _ = errors | "Raise" >> beam.Map(worker.raise_error)
        return explained

    def with_exception_handling(self) -> "ExplainOrTell":
        """Returns a transform to a pair: explained elements, and errors.

        An error is (element, reason), the element as it came. It is one example's, never its whole
        batch's. Errors of the machine, a worker out of memory say, are not caught: the
        runner tries again.
        """
        return ExplainOrTell(self)

    def _outcomes(self, examples: Any) -> tuple[Any, Any]:
        batching = self._batching
        handler = MaybeKeyedModelHandler(
            worker.ExplanationHandler(
                functools.partial(worker.load_with_threads, self._load, self._threads),
                self._path,
                **batching.handler_arguments,
            )
        )
        # Without it a runner may leave all examples of one file to one process.
        examples = examples | "Reshuffle" >> beam.Reshuffle()
        if batching.max_batch_duration_secs is None:
            handler = handler.with_no_batching()
            examples = examples | "SortAndBatch" >> beam.transforms.util.SortAndBatchElements(
                min_batch_size=1,
                max_batch_size=batching.max_batch_size,
                max_batch_weight=batching.max_batch_weight or sys.maxsize,
                element_size_fn=worker.ElementLength(batching.batch_length_fn),
            )
        outcomes = (
            examples
            | "RunInference" >> RunInference(handler)
            | "Outcomes"
            >> beam.ParDo(worker.Outcomes()).with_outputs(worker.ERRORS, main="explained")
        )
        return outcomes["explained"], outcomes[worker.ERRORS]


class ExplainOrTell(beam.PTransform):
    """`Explain` with the errors as a second output; see `Explain.with_exception_handling`."""

    def __init__(self, explain: Explain) -> None:
        super().__init__()
        self._explain = explain

    def expand(self, examples: Any) -> tuple[Any, Any]:
        """Returns the explained elements, and the errors."""
        return self._explain._outcomes(examples)


def _checked_path(model: Any) -> str:
    """Returns the path of the model; a local one is looked at.

    Raises:
        TypeError: for another kind, a model itself for instance.
        ValueError: where there is no such model.
    """
    if not isinstance(model, str | os.PathLike):
        raise TypeError(
            "`model` must be a path that the workers read. Received: "
            f"{format_value(model)} (of type {type(model).__name__}). Save it with "
            "`model.save('model.keras')`, or with `export_saved_model`."
        )
    path = os.fspath(model)
    if "://" in path:
        return path
    if path.endswith(".keras"):
        expected = Path(path)
    else:
        expected = Path(path) / "assets.extra" / "tf_salience.json"
    if not expected.is_file():
        raise ValueError(
            "`model` must be a `.keras` file, or the folder that `export_saved_model` wrote; with "
            f"versions, the folder of a version. Received: model={path!r}, without {expected.name}"
        )
    return os.path.abspath(path)
