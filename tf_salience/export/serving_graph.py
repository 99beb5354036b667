"""The graph that answers a request: one pass of the model, its checks, the path, the outputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution import baselines
from tf_salience.attribution.execution.forward import Segment
from tf_salience.attribution.methods import IntegratedGradients
from tf_salience.attribution.path import PathGradients
from tf_salience.export import request_checks
from tf_salience.export.graph_path import Chunk, Integral, relative
from tf_salience.models import inputs, segments
from tf_salience.models.embeddings import source_of
from tf_salience.models.signature import segments_of
from tf_salience.models.text_model import TextModel
from tf_salience.targets import columns

#: As the target of an example: the class that the model predicts for it.
PREDICTION = -1


class Answer:
    """From the tensors of a request to those of its answer.

    Args:
        question: what is explained, and how.
        specs: the model's inputs, a nest of tensor specs with names.
        columns: what the target holds, as `fixed_columns` tells.
        texts: the numbers of the inputs, flattened, that come as texts for the tokenizer.
        chunk: see `Integral`.
        jit_compile: see `Integral`.
    """

    def __init__(
        self,
        question: TextModel,
        specs: Any,
        columns: Sequence[int],
        *,
        texts: Sequence[int],
        chunk: Chunk,
        jit_compile: bool,
    ) -> None:
        self._question = question
        self._specs = specs
        self._flat_specs = tf.nest.flatten(specs)
        self._texts = texts
        self._names = [spec.name for spec in self._flat_specs]
        self._columns = columns
        rows = PathGradients(question.tap, question.score, type(question.method).reduction)
        self._integral = Integral(rows, chunk, jit_compile=jit_compile)

    @property
    def default(self) -> int:
        """The class that is explained unless a request names one; or `PREDICTION`."""
        return self._columns[0] if self._columns else PREDICTION

    def __call__(self, flat: Sequence[Any], target: Any) -> dict[str, Any]:
        """The answer.

        Args:
            flat: the request's inputs, in the order of the specs.
            target: (batch,), int32, class indices or `PREDICTION`; of no matter to a target that
                is no single class.
        """
        question = self._question
        flat = self._ids(flat)
        nest = tf.nest.pack_sequence_as(self._specs, flat)
        reading = question.tap.read(nest, checked=self._not_empty)
        sources = [source_of(call.ids, flat, reading) for call in reading.lookups]
        nest, vectorized, outputs, target = request_checks.check_reading(
            reading, sources, self._names, (nest, reading.vectorized, reading.outputs, target)
        )
        calls = segments_of(reading, flat)
        layout = segments.layout(question.model, nest, calls, question.tokens)
        target_indices = self._held(outputs, target)
        starts = [self._baseline(call) for call in calls]
        widths = [tf.shape(call.embeddings)[1] for call in calls]
        output = tf.cast(question.score(outputs, target_indices), tf.float64)
        answer = self._attribution(
            (nest, vectorized, target_indices, starts), output, tf.add_n(widths)
        )
        shown = _Shown(layout.order, widths)
        answer["scores"] = shown.columns(answer["scores"])
        answer["mask"] = shown.joined(layout.masks)
        if question.tokens.vocabulary is not None:
            answer["tokens"] = self._strings(calls, answer["mask"], shown)
        if len(calls) > 1:
            batch = tf.shape(output)[0]
            numbers = [tf.fill([batch, width], layout.order.index(i)) for i, width in shown.each]
            answer["segments"] = shown.joined(numbers)
        answer["output"] = output
        if target_indices.shape[1] == 1:
            answer["target"] = target_indices[:, 0]
        floats = {
            name: tf.cast(value, tf.float32) if value.dtype == tf.float64 else value
            for name, value in answer.items()
        }
        return {**floats, **named_predictions(outputs)}

    def _ids(self, flat: Sequence[Any]) -> list[Any]:
        """The inputs as the model takes them, checked: texts have become ids."""
        given = list(self._flat_specs)
        for number in self._texts:
            given[number] = tf.TensorSpec([None], tf.string, self._names[number])
        checked = request_checks.check_inputs(flat, given)
        to_ids = self._question.tokens.to_ids
        for number in self._texts:
            spec = self._flat_specs[number]
            ids = tf.cast(to_ids(checked[number]), spec.dtype)  # type: ignore[misc]
            # Ids of any width would fit one width by chance alone.
            open_width = spec.shape[1] is not None and ids.shape[1] is None
            if open_width or not ids.shape.is_compatible_with(spec.shape):
                raise ValueError(
                    f"The `tokenizer` gives ids of shape {tuple(ids.shape)}, and the model "
                    f"{self._question.model.name!r} takes `{spec.name}` of shape "
                    f"{tuple(spec.shape)}. Set the tokenizer's `output_sequence_length`."
                )
            checked[number] = request_checks.check_inputs([ids], [spec])[0]
        return checked

    def _not_empty(self, ids: Any) -> Any:
        """The ids of the model's own vectorizer, once it is seen that there are some."""
        return request_checks.check_tokens(ids, self._names)

    def _held(self, outputs: Any, target: Any) -> Any:
        """What the target holds, (batch, columns)."""
        batch = tf.shape(tf.nest.flatten(outputs)[0])[0]
        if not self._columns:
            return tf.zeros([batch, 0], tf.int32)
        matrix = columns.matrix(self._question.select(outputs))
        predicted = tf.argmax(matrix, axis=1, output_type=tf.int32)
        if len(self._columns) == 1:
            target = request_checks.check_target(target, batch, matrix.shape[1])
            return tf.where(target >= 0, target, predicted)[:, None]
        target_indices = [
            predicted if column == PREDICTION else tf.fill([batch], column)
            for column in self._columns
        ]
        return tf.stack(target_indices, axis=1)

    def _baseline(self, call: Segment) -> Any:
        tap = self._question.tap
        place = baselines.Place(
            embeddings=call.embeddings,
            ids=call.ids,
            examples=(),
            total=1,
            mean=partial(_eagerly, partial(tap.mean, call.layer)),
            lookup=lambda token_id: _eagerly(partial(tap.lookup, call.layer, token_id)),
            token_id=self._question.tokens.token_id,
        )
        method = self._question.method
        try:
            return baselines.make(method.baseline, method.keep_ids, place)
        except NotImplementedError as error:
            raise ValueError(
                "A callable `baseline` that is exported must be made of TensorFlow operations, "
                f"since the server has no Python. Received: {method.baseline!r}. It said: {error}"
            ) from error

    def _attribution(self, arrays: Any, output: Any, width: Any) -> dict[str, Any]:
        method = self._question.method
        if not isinstance(method, IntegratedGradients):
            sums, _ = self._integral.fixed(arrays, tf.constant([1.0]), tf.constant([[1.0]]), width)
            return {"scores": sums[:, 0]}
        if method.steps == "auto":
            return self._integral.adaptive(
                arrays, output, width, tolerance=method.tolerance, max_steps=method.max_steps
            )
        nodes, weights = method.levels()
        if nodes[0] != 0.0:
            # F(baseline) comes from a row without weight: a pass of its own would double the graph.
            nodes = np.concatenate([[0.0], nodes])
            weights = np.pad(weights, [(0, 0), (1, 0)])
        sums, outputs = self._integral.fixed(
            arrays, tf.constant(nodes), tf.constant(weights), width
        )
        scores, at_baseline = sums[:, 0], outputs[:, 0]
        answer = {
            "scores": scores,
            "baseline_output": at_baseline,
            "convergence_delta": tf.reduce_sum(scores, axis=1) - (output - at_baseline),
        }
        if len(weights) > 1:
            answer["error_estimate"] = relative(scores, sums[:, 1]) / 3.0
        return answer

    def _strings(self, calls: Sequence[Segment], mask: Any, shown: "_Shown") -> Any:
        vocabulary = tf.constant(self._question.tokens.strings)
        known = tf.size(vocabulary, tf.int64)
        parts = []
        for call in calls:
            places = tf.broadcast_to(
                tf.range(tf.shape(call.embeddings)[1]), tf.shape(call.embeddings)[:2]
            )
            if call.ids is None:
                parts.append(tf.strings.join(["#", tf.strings.as_string(places)]))
            else:
                word = tf.gather(vocabulary, tf.clip_by_value(call.ids, 0, known - 1))
                parts.append(tf.where(call.ids < known, word, tf.strings.as_string(call.ids)))
        return tf.where(mask, shown.joined(parts), "")


@dataclass(frozen=True)
class _Shown:
    """The columns of an answer: segments in the order in which they are shown.

    Attributes:
        order: the numbers of the segments.
        widths: one a segment, in the order of the calls: its tokens, scalars.
    """

    order: list[int]
    widths: list[Any]

    @property
    def each(self) -> list[tuple[int, Any]]:
        """The number and the width of each segment, in the order of the calls."""
        return list(enumerate(self.widths))

    def joined(self, parts: Sequence[Any]) -> Any:
        """Segments, one a call, side by side."""
        return tf.concat([parts[number] for number in self.order], axis=1)

    def columns(self, scores: Any) -> Any:
        """Scores of all segments, in the order of the calls, as they are shown."""
        return self.joined(tf.split(scores, self.widths, axis=1, num=len(self.widths)))


def fixed_columns(question: TextModel, outputs: Any) -> list[int]:
    """What the target holds, as columns of the outputs; `PREDICTION` where it asks for that.

    Args:
        question: whose target it is.
        outputs: specs of the model's outputs, a nest.

    Raises:
        ValueError: for a target that does not fit them.
    """
    zeros = tf.nest.map_structure(
        lambda spec: np.zeros([1, *(size or 1 for size in spec.shape[1:])], np.float32), outputs
    )
    target_indices = question.target.resolve(question.context(zeros, np.arange(1), 1))[0]
    return [
        PREDICTION if isinstance(unit, str) and unit == "predicted" else int(column)
        for unit, column in zip(question.target.units, target_indices, strict=True)
    ]


def named_predictions(outputs: Any) -> dict[str, Any]:
    """The model's outputs under `predictions`, or `predictions_<name>` where there are several."""
    named = inputs.paths(outputs)
    if len(named) == 1:
        return {"predictions": named[0][1]}
    return {f"predictions_{name.replace('/', '_')}": output for name, output in named}


def _eagerly(make: Callable[[], Any]) -> Any:
    """A constant of the model's, made once while the graph is, rather than for each request."""
    with tf.init_scope():
        return make()
