"""The graph that explains a request: one pass of the model, its checks, the path, the outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution import baselines
from tf_salience.attribution.methods import Method
from tf_salience.attribution.path import PathInputs
from tf_salience.attribution.result import Attribution
from tf_salience.export import request_checks
from tf_salience.export.erased_loop import ErasedLoop
from tf_salience.export.graph_path import ChunkLoop, GraphPath
from tf_salience.models import nests
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.segments import identify
from tf_salience.models.text_model import TextModel
from tf_salience.targets import Target, output_units
from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation
from tf_salience.utils.validation import format_value

#: The target of an example that asks for the class that the model predicts for it.
PREDICTION = -1


class ServingGraph:
    """Computes the outputs of a request from its inputs, inside a graph.

    Args:
        model: the model.
        method: the method.
        target: the target.
        specs: the model's inputs, a nest of tensor specs with names.
        classes: the classes that the target reads, as `fixed_classes` gives them.
        text_inputs: the numbers of the inputs, flattened, that come as texts, with the tokenizers.
        loop: runs the rows.
        erased_loop: runs the rows of which some tokens are erased.
    """

    def __init__(
        self,
        model: TextModel,
        method: Method,
        target: Target,
        *,
        specs: Any,
        classes: Sequence[int],
        text_inputs: Mapping[int, Tokenizer],
        loop: ChunkLoop,
        erased_loop: ErasedLoop,
    ) -> None:
        self._model = model
        self._method = method
        self._target = target
        self._score = model.score(target)
        self._specs = specs
        self._flat_specs = tf.nest.flatten(specs)
        self._names = [spec.name for spec in self._flat_specs]
        self._classes = classes
        self._text_inputs = text_inputs
        self._loop = loop
        self._erased_loop = erased_loop

    @property
    def default_target(self) -> int:
        """The class that is explained unless a request names one; or `PREDICTION`."""
        return self._classes[0] if self._classes else PREDICTION

    def __call__(self, flat: Sequence[Any], target: Any) -> dict[str, Any]:
        """Explains a request.

        Args:
            flat: its inputs, in the order of the specs.
            target: (batch,), int32, class indices or `PREDICTION`; not used by a target that is not
                a single class.

        Returns:
            The signature's outputs by name.
        """
        inputs = self._encode(flat)
        nest = tf.nest.pack_sequence_as(self._specs, inputs)
        forward = self._model.hooked.record(nest, check_vectorized=self._check_tokens)
        checked = (nest, forward.vectorized, forward.outputs, target)
        nest, vectorized, outputs, target = request_checks.check_forward_pass(
            forward, self._names, checked
        )
        forward = identify(self._model, nest, forward)
        target_indices = self._target_indices(outputs, target)
        output = tf.cast(self._score(outputs, target_indices), tf.float64)
        path_inputs = PathInputs(
            nest=nest,
            vectorized=vectorized,
            target_indices=target_indices,
            baselines=tuple(self._baseline(segment) for segment in forward.segments),
        )
        widths = [tf.shape(segment.embeddings)[1] for segment in forward.segments]
        unit = getattr(self._method, "unit", "token")
        path = GraphPath(
            self._loop,
            path_inputs,
            output,
            tf.add_n(widths),
            erased_loop=self._erased_loop,
            units=[segment.units(unit) for segment in forward.segments],
        )
        results = _named_results(self._attribute(path))
        scores = tf.split(results["scores"], widths, axis=1, num=len(widths))
        results["scores"] = tf.concat([scores[number] for number in forward.order], axis=1)
        results |= self._token_results(forward)
        results["output"] = output
        if target_indices.shape[1] == 1:
            units = output_units.unit_count(self._model.select_output(outputs))
            first_class = output_units.first_class(units, self._model.class_names)
            results["target"] = target_indices[:, 0] + first_class
        narrow = {
            name: tf.cast(value, tf.float32) if value.dtype == tf.float64 else value
            for name, value in results.items()
        }
        return {**narrow, **named_predictions(outputs)}

    def _encode(self, flat: Sequence[Any]) -> list[Any]:
        """Checks the inputs and turns texts into ids, where the model takes ids."""
        request_specs = list(self._flat_specs)
        for number in self._text_inputs:
            request_specs[number] = tf.TensorSpec([None], tf.string, self._names[number])
        inputs = request_checks.check_inputs(flat, request_specs)
        for number, tokenizer in self._text_inputs.items():
            spec = self._flat_specs[number]
            ids = tf.cast(tokenizer.to_ids(inputs[number]), spec.dtype)  # type: ignore[misc]
            # Ids of any width would fit one width by chance alone.
            open_width = spec.shape[1] is not None and ids.shape[1] is None
            if open_width or not ids.shape.is_compatible_with(spec.shape):
                raise ValueError(
                    f"The `tokenizer` gives ids of shape {tuple(ids.shape)}, and the model "
                    f"{self._model.model.name!r} takes `{spec.name}` of shape "
                    f"{tuple(spec.shape)}. Set the tokenizer's `output_sequence_length`."
                )
            inputs[number] = request_checks.check_inputs([ids], [spec])[0]
        return inputs

    def _check_tokens(self, ids: Any) -> Any:
        return request_checks.check_tokens(ids, self._names)

    def _target_indices(self, outputs: Any, target: Any) -> Any:
        """Returns the outputs that the target reads, (batch, columns)."""
        batch = tf.shape(tf.nest.flatten(outputs)[0])[0]
        if not self._classes:
            return tf.zeros([batch, 0], tf.int32)
        matrix = output_units.as_matrix(self._model.read_output(self._target, outputs))
        predicted = tf.argmax(matrix, axis=1, output_type=tf.int32)
        names = self._model.class_names
        first_class = output_units.first_class(matrix.shape[1], names)
        if len(self._classes) == 1:
            count = output_units.class_count(matrix.shape[1], names)
            target = request_checks.check_target(target, batch, count)
            return tf.where(target == PREDICTION, predicted, target - first_class)[:, None]
        columns = [
            predicted if index == PREDICTION else tf.fill([batch], index - first_class)
            for index in self._classes
        ]
        return tf.stack(columns, axis=1)

    def _baseline(self, segment: Segment) -> Any:
        def vector_of(baseline: str | int) -> Any:
            # A constant, computed while the graph is made rather than for each request.
            with tf.init_scope():
                return self._model.baseline_vector(segment, baseline)

        try:
            return baselines.compute(
                self._method.baseline,
                self._method.keep_ids,
                embeddings=segment.embeddings,
                ids=segment.ids,
                vector_of=vector_of,
            )
        except NotImplementedError as error:
            raise ValueError(
                "A callable `baseline` that is exported must be made of TensorFlow operations, "
                "since the server has no Python. Received: baseline="
                f"{validation.format_value(self._method.baseline)}. It said: "
                f"{validation.format_error(error)}"
            ) from error

    def _attribute(self, path: GraphPath) -> Attribution:
        """Runs the method on tensors; one that works on numpy arrays alone is refused."""
        try:
            attribution = self._method(path)
        except (TypeError, AttributeError, NotImplementedError) as error:
            raise ValueError(
                "A method that is exported must compute with tensors as well as with numpy "
                "arrays: use the operations of `tf_salience.attribution.array_ops.of(path.outputs)`"
                ", since the server has no Python. Received: "
                f"method={validation.format_value(self._method)}. "
                f"It said: {validation.format_error(error)}"
            ) from error
        if not isinstance(attribution, Attribution) or not all(
            value is None or tf.is_tensor(value) for value in vars(attribution).values()
        ):
            raise ValueError(
                "A method must return an `Attribution`, of tensors where it is exported. "
                f"Received: method={validation.format_value(self._method)}, which returned "
                f"{type(attribution).__name__}"
            )
        return attribution

    def _token_results(self, forward: ForwardPass) -> dict[str, Any]:
        """Returns the mask, and where they are known the strings and segments of the tokens."""
        shown = forward.shown
        results = {"mask": tf.concat([segment.mask for segment in shown], axis=1)}
        if any(segment.tokenizer.vocabulary is not None for segment in shown):
            strings = tf.concat([_strings(segment) for segment in shown], axis=1)
            results["tokens"] = tf.where(results["mask"], strings, "")
        if len(shown) > 1:
            numbers = [
                tf.fill(tf.shape(segment.embeddings)[:2], number)
                for number, segment in enumerate(shown)
            ]
            results["segments"] = tf.concat(numbers, axis=1)
        return results


def _strings(segment: Segment) -> Any:
    """Returns the token strings of a segment, (batch, tokens), padding included."""
    if segment.ids is None:
        shape = tf.shape(segment.embeddings)[:2]
        positions = tf.broadcast_to(tf.range(shape[1]), shape)
        return tf.strings.join(["#", tf.strings.as_string(positions)])
    if segment.tokenizer.vocabulary is None:
        return tf.strings.as_string(segment.ids)
    vocabulary = tf.constant(segment.tokenizer.strings)
    size = tf.size(vocabulary, tf.int64)
    words = tf.gather(vocabulary, tf.clip_by_value(segment.ids, 0, size - 1))
    return tf.where(segment.ids < size, words, tf.strings.as_string(segment.ids))


def _named_results(attribution: Attribution) -> dict[str, Any]:
    """Returns an attribution as outputs of the signature."""
    results = {
        name: value
        for name, value in vars(attribution).items()
        if value is not None and not name.startswith("obstacle")
    }
    if attribution.converged is None:
        del results["evaluations"]  # the same for every example of a fixed rule
    else:
        results["evaluations"] = tf.cast(attribution.evaluations, tf.int32)
    return results


def fixed_classes(model: TextModel, target: Target, signature: ForwardPass) -> list[int]:
    """Returns the classes that hold for every request; `PREDICTION` for a predicted one.

    Args:
        model: the model.
        target: the target.
        signature: the model's.

    Raises:
        ValueError: for a target that does not fit them, or that reads more than its `units` say.
    """
    zeros = tf.nest.map_structure(
        lambda spec: np.zeros([1, *(size or 1 for size in spec.shape[1:])], np.float32),
        signature.outputs,
    )
    context = model.target_context(zeros, np.arange(1), 1, activation=signature.activation)
    (target_indices,) = target.resolve(context)
    if len(target_indices) != len(target.units):
        raise ValueError(
            "A target that is exported must name all outputs that it reads in `units`, since a "
            f"request is resolved in the graph. Received: target={format_value(target)} "
            f"with {len(target.units)} units for {len(target_indices)} target indices"
        )
    if not target.units:
        return []
    first_class = output_units.first_class(
        output_units.unit_count(context.outputs), context.class_names
    )
    return [
        PREDICTION if isinstance(unit, str) and unit == "predicted" else int(column) + first_class
        for unit, column in zip(target.units, target_indices, strict=True)
    ]


def named_predictions(outputs: Any) -> dict[str, Any]:
    """Names the model's outputs: `predictions`, or `predictions_<name>` where there are several."""
    named = nests.paths(outputs)
    if len(named) == 1:
        return {"predictions": named[0][1]}
    return {f"predictions_{name.replace('/', '_')}": output for name, output in named}
