"""The forward pass over the examples of a call, and the checks of what it shows.

Everything that can be wrong with the inputs is found here, before a gradient is taken: on a CPU
TensorFlow would raise from deep inside, on a GPU it would return zeros.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution.execution.compilation import TracedFunction
from tf_salience.explainer import consistency
from tf_salience.models import nests
from tf_salience.models.embeddings.candidates import has_other_name
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.input_checks import check_embedded
from tf_salience.models.segments import identify
from tf_salience.models.text_model import TextModel
from tf_salience.utils import arrays, validation
from tf_salience.utils.arrays import Array, Nest


class ForwardRunner:
    """Runs forward passes; traced once for each shape of input.

    Args:
        model: the model.
        batch_size: examples in one pass.
        fixed_batch: the number of examples that the model takes; None for any.
        checks_traces: whether each call runs an example untraced.
    """

    def __init__(
        self,
        model: TextModel,
        batch_size: int,
        *,
        fixed_batch: int | None = None,
        checks_traces: bool = False,
    ) -> None:
        self._model = model
        self._batch_size = batch_size
        self._fixed_batch = fixed_batch
        self._checks_traces = checks_traces
        # The numbers of examples, one or several, with which independence was checked.
        self._checked: set[bool] = set()
        self._record = TracedFunction(self._trace)
        # The passes inside the graphs: they alone know which layers were called.
        self._traced: list[ForwardPass] = []

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        return self._record.trace_count

    def __call__(self, nest: Nest, examples: Array) -> ForwardPass:
        """Runs the model over the examples, `batch_size` at a time, and checks what it shows.

        Args:
            nest: the inputs of these examples.
            examples: (batch,), their numbers in the user's batch, for messages.

        Raises:
            TypeError: for ids that are not whole numbers.
            ValueError: if the model cannot run on them; for ids outside an embedding table;
                embeddings or outputs that are not finite; a layer that gives no embeddings; outputs
                that depend on the batch, or are random.
        """
        starts = range(0, len(examples), self._batch_size)
        batches = [np.arange(len(examples))[start : start + self._batch_size] for start in starts]
        passes = [self._run(arrays.take(nest, batch), ()) for batch in batches]
        if len({tuple(ids.shape[1] for ids in forward.vectorized) for forward in passes}) > 1:
            # Each batch of texts was as wide as its longest. Explained together they are as wide as
            # the longest of all, for which a model that does not mask gives other outputs.
            columns = zip(*(forward.vectorized for forward in passes), strict=True)
            vectorized = tuple(arrays.concatenate_padded(ids) for ids in columns)
            passes = [self._run(*arrays.take((nest, vectorized), batch)) for batch in batches]
        if self._model.hooked.guessed:
            layers = [segment.layer for segment in passes[0].segments] or self._model.hooked.layers
            check_embedded(self._model.model, nest, passes[0].unread, layers[0].name)
        for forward, batch in zip(passes, batches, strict=True):
            self._check(forward, examples[batch])
        self._check_independence(arrays.take(nest, batches[0]), passes[0], examples[batches[0]])
        if self._checks_traces:
            self._check_untraced(arrays.take(nest, batches[0][:1]))
        forward = identify(self._model, nest, _joined([_with_token_ids(f) for f in passes]))
        names = nests.aliases(self._model.model, nest)
        self._model.tokenizers.check(forward.shown, names)
        return replace(
            forward,
            segments=[
                replace(
                    segment,
                    ids=None if segment.ids is None else np.asarray(segment.ids),
                    mask=np.asarray(segment.mask),
                )
                for segment in forward.segments
            ],
        )

    def _check_independence(self, batch: Nest, forward: ForwardPass, examples: Array) -> None:
        """Runs both halves of a batch alone, or two copies of a single example; once each."""
        is_single = len(examples) == 1
        if is_single in self._checked:
            return
        rows = np.arange(len(examples))
        for half in [np.zeros(2, int)] if is_single else np.array_split(rows, 2):
            inputs = arrays.take(batch, half)
            alone = self._run(inputs, ())
            if _token_counts(alone) != _token_counts(forward):
                continue  # Texts that are shorter without the others are other inputs.
            consistency.check_alone(
                self._model.model,
                self._model.select_output(alone.outputs),
                arrays.take(self._model.select_output(forward.outputs), half),
                examples[half],
                self._record.graph_at(inputs, ()),
            )
        self._checked.add(is_single)

    def _check_untraced(self, example: Nest) -> None:
        filled, _ = self._filled((example, ()))
        traced = self._run(example, ()).outputs
        untraced = self._model.hooked.run_untraced(tf.nest.map_structure(tf.constant, filled))
        untraced = tf.nest.map_structure(lambda output: output[:1], untraced)
        consistency.check_untraced(self._model.model, traced, untraced)

    def _filled(self, nest: Nest) -> Nest:
        """Fills a batch up to the size that the model takes, with copies of its last example."""
        if self._fixed_batch is None:
            return nest
        size = nests.batch_size(nest)
        return arrays.take(nest, np.minimum(np.arange(self._fixed_batch), size - 1))

    def _cut(self, tensor: Any, size: int) -> Any:
        has_batch_axis = tensor is not None and tensor.shape[:1] == [self._fixed_batch]
        return tensor[:size] if has_batch_axis else tensor

    def _run(self, batch: Nest, vectorized: tuple[Any, ...]) -> ForwardPass:
        size = nests.batch_size(batch)
        try:
            tensors = self._record(*self._filled((batch, vectorized)))
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise ValueError(
                f"The model {self._model.model.name!r} could not run on the inputs. Received: "
                f"{nests.describe(batch)}{_empty(batch)}. Expected: inputs that `model(inputs)` "
                "takes, with no more tokens than it has positions. The model said: "
                f"{validation.format_error(error)}"
            ) from error
        traced = self._traced[int(tensors.pop("number"))]
        if self._fixed_batch is not None:
            tensors = tf.nest.map_structure(lambda tensor: self._cut(tensor, size), tensors)
        return replace(
            traced,
            outputs=tensors["outputs"],
            logits=tensors["logits"],
            segments=_with_arrays(traced.segments, tensors["segments"]),
            vectorized=tuple(tensors["vectorized"]),
            lookups=_with_arrays(traced.lookups, tensors["lookups"]),
        )

    def _trace(self, batch: Nest, vectorized: Any) -> Any:
        forward = self._model.hooked.record(batch, vectorized)
        forward = replace(forward, activation=self._model.activation_of(forward.outputs))
        self._traced.append(forward)
        return {
            "number": tf.constant(len(self._traced) - 1),
            "outputs": forward.outputs,
            "logits": None if forward.activation is None else self._model.logits(forward.outputs),
            "segments": [(call.ids, call.embeddings, call.mask) for call in forward.segments],
            "vectorized": forward.vectorized,
            "lookups": [(call.ids, call.embeddings, call.mask) for call in forward.lookups],
        }

    def _check(self, forward: ForwardPass, examples: Array) -> None:
        called = [segment.layer for segment in forward.segments]
        layers = self._model.hooked.layers
        missing = [layer for layer in layers if layer not in called]
        if missing:
            raise ValueError(
                f"Layer {missing[0].name!r} was not called when the model "
                f"{self._model.model.name!r} ran. Received: embeddings={missing[0].name!r}. "
                f"Name a layer that the model's outputs depend on."
            )
        for lookup in forward.lookups:
            is_explained = lookup.layer in layers
            _check_ids(lookup.layer, lookup.ids.numpy(), examples, is_explained=is_explained)
        for segment in forward.segments:
            _check_embeddings(segment, examples)
        for output in tf.nest.flatten(forward.outputs):
            validation.check_finite(
                "The model's outputs",
                output,
                fix="Check the model's weights and the inputs of these examples.",
                examples=examples.tolist(),
            )


def _token_counts(forward: ForwardPass) -> list[int]:
    return [ids.shape[1] for ids in forward.vectorized]


def _with_arrays(calls: Sequence[Segment], tensors: Sequence[Any]) -> list[Segment]:
    return [
        replace(call, ids=ids, embeddings=embeddings, mask=mask)
        for call, (ids, embeddings, mask) in zip(calls, tensors, strict=True)
    ]


def _with_token_ids(forward: ForwardPass) -> ForwardPass:
    """Gives a layer above the embeddings the ids of the one table with as many tokens."""

    def token_ids(segment: Segment) -> Any:
        tokens = segment.embeddings.shape[1:2]
        if segment.ids.shape[1:] == tokens and segment.ids.dtype != tf.string:
            return segment.ids
        lookups = [
            lookup.ids
            for lookup in forward.lookups
            if not has_other_name(lookup.layer) and lookup.ids.shape[1:] == tokens
        ]
        return lookups[0] if len(lookups) == 1 else None

    segments = [replace(segment, ids=token_ids(segment)) for segment in forward.segments]
    return replace(forward, segments=segments)


def _joined(passes: Sequence[ForwardPass]) -> ForwardPass:
    """Joins batches along the batch axis, padded to the widest."""

    def joined(batches: Sequence[Any]) -> Any:
        return None if batches[0] is None else arrays.concatenate_padded(batches)

    calls = zip(*(forward.segments for forward in passes), strict=True)
    columns = zip(*(forward.vectorized for forward in passes), strict=True)
    outputs = [forward.outputs for forward in passes]
    return replace(
        passes[0],
        outputs=tf.nest.map_structure(
            lambda *batches: np.concatenate([np.asarray(batch) for batch in batches]), *outputs
        ),
        logits=joined([forward.logits for forward in passes]),
        segments=[
            replace(
                call[0],
                ids=joined([segment.ids for segment in call]),
                embeddings=joined([segment.embeddings for segment in call]),
                mask=joined([segment.mask for segment in call]),
            )
            for call in calls
        ],
        vectorized=tuple(np.asarray(joined(ids)) for ids in columns),
        lookups=(),
    )


def _empty(batch: Nest) -> str:
    """Returns what to say of a batch without a word, which some layers cannot take."""
    texts = [text for leaf in nests.texts(batch) for text in leaf.ravel()]
    no_word = bool(texts) and not any(text.strip() for text in texts)
    return ", without a word. Leave empty texts out" if no_word else ""


def _check_ids(layer: Any, ids: Array, examples: Array, *, is_explained: bool) -> None:
    if ids.dtype.kind == "f" and not (ids == np.round(ids)).all():
        raise TypeError(
            f"Layer {layer.name!r} embeds token ids, which are integers. "
            f"Received: {ids.dtype.name} numbers that are not whole, such as "
            f"{ids[ids != np.round(ids)][0]}"
        )
    outside = (ids < 0) | (ids >= layer.input_dim)
    if not outside.any():
        return
    index = tuple(int(axis[0]) for axis in np.nonzero(outside))
    if is_explained and ids.ndim == 2 and len(ids) == len(examples):
        where = f"example {examples[index[0]]}, position {index[1]}"
        fix = "Check that the ids were made with the vocabulary the model was trained on."
    else:
        where = f"position {index[-1]}"
        fix = (
            "If these are positions, the sentences are longer than the model takes: cut them; if "
            "they are segments, there are more texts than it takes."
        )
    raise ValueError(
        f"Layer {layer.name!r} has embeddings for the ids 0 to {layer.input_dim - 1}. "
        f"Received: id {int(ids[index])} at {where}. {fix}"
    )


def _check_embeddings(segment: Segment, examples: Array) -> None:
    shape = tuple(segment.embeddings.shape)
    if len(shape) == 3 and shape[0] != len(examples):
        raise ValueError(
            f"Layer {segment.layer.name!r} must give embeddings of shape (batch, tokens, dim). "
            f"Received: {segment.embeddings.dtype.name} of shape {shape} for {len(examples)} "
            "examples. If it is another layer that embeds the tokens, name it in `embeddings`."
        )
    validation.check_finite(
        f"The embeddings of layer {segment.layer.name!r}",
        segment.embeddings,
        fix="Check the layer's weights: has training diverged?",
        examples=examples.tolist(),
    )
