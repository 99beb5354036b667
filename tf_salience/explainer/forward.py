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
from tf_salience.models import nests, segments
from tf_salience.models.embeddings.candidates import has_other_name
from tf_salience.models.embeddings.provenance import source_of, unread_inputs
from tf_salience.models.input_checks import check_embedded
from tf_salience.models.segments import ForwardPass, Segment
from tf_salience.models.text_model import TextModel
from tf_salience.utils import arrays, validation
from tf_salience.utils.arrays import Array, Nest


class ForwardRunner:
    """Runs forward passes; traced once for each shape of input.

    Args:
        model: the model.
        batch_size: examples in one pass.
    """

    def __init__(self, model: TextModel, batch_size: int) -> None:
        self._model = model
        self._hooked = model.hooked
        self._batch_size = batch_size
        self._record = TracedFunction(self._trace)

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
            ValueError: if the model cannot run on them; for ids outside an embedding table;
                embeddings or outputs that are not finite; a layer that gives no embeddings.
        """
        starts = range(0, len(examples), self._batch_size)
        batches = [np.arange(len(examples))[start : start + self._batch_size] for start in starts]
        recordings = [self._run(arrays.take(nest, batch), ()) for batch in batches]
        if len({tuple(ids.shape[1:] for ids in r["vectorized"]) for r in recordings}) > 1:
            # Each batch of texts was as wide as its longest. Explained together they are as wide as
            # the longest of all, for which a model that does not mask gives other outputs.
            vectorized = _joined(recordings, "vectorized")
            recordings = [
                self._run(arrays.take(nest, batch), tuple(ids[batch] for ids in vectorized))
                for batch in batches
            ]
        if self._hooked.guessed:
            called = self._layers(recordings[0]["called"])[:1] or self._hooked.layers
            unread = recordings[0]["unread"].numpy().tolist()
            check_embedded(self._model.model, nest, unread, called[0].name)
        for recording, batch in zip(recordings, batches, strict=True):
            self._check(recording, examples[batch])
        return self._forward_pass(nest, recordings)

    def _run(self, batch: Nest, vectorized: tuple[Any, ...]) -> Any:
        try:
            return self._record(batch, vectorized)
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise ValueError(
                f"The model {self._model.model.name!r} could not run on the inputs. Received: "
                f"{nests.describe(batch)}. Expected: inputs that `model(inputs)` takes, no longer "
                f"than its positions reach. The model said: {error}"
            ) from error

    def _trace(self, batch: Nest, vectorized: Any) -> Any:
        recording = self._hooked.record(batch, vectorized)
        layers = self._hooked.embedders
        inputs = tf.nest.flatten(batch)
        sources = [source_of(call.ids, inputs, recording) for call in recording.calls]
        # The trace alone knows which layers were called: their numbers are constants of its graph.
        called = [layers.index(call.layer) for call in recording.calls]
        looked_up = [layers.index(call.layer) for call in recording.table_lookups]
        return {
            "outputs": recording.outputs,
            "called": tf.constant(called, tf.int32),
            "looked_up": tf.constant(looked_up, tf.int32),
            "sources": tf.constant(sources, tf.int32),
            "unread": tf.constant(unread_inputs(inputs, recording), tf.int32),
            "ids": [call.ids for call in recording.calls],
            "embeddings": [call.embeddings for call in recording.calls],
            "masks": [call.mask for call in recording.calls],
            "looked_up_ids": [call.ids for call in recording.table_lookups],
            "vectorized": recording.vectorized,
        }

    def _layers(self, numbers: Any) -> list[Any]:
        return [self._hooked.embedders[number] for number in numbers.numpy()]

    def _check(self, recording: Any, examples: Array) -> None:
        called = self._layers(recording["called"])
        missing = [layer for layer in self._hooked.layers if layer not in called]
        if missing:
            raise ValueError(
                f"Layer {missing[0].name!r} was not called when the model "
                f"{self._model.model.name!r} ran. Received: embeddings={missing[0].name!r}. "
                f"Name a layer that the model's outputs depend on."
            )
        looked_up = self._layers(recording["looked_up"])
        for layer, ids in zip(looked_up, recording["looked_up_ids"], strict=True):
            _check_ids(layer, ids.numpy(), examples, is_explained=layer in self._hooked.layers)
        for layer, embeddings in zip(called, recording["embeddings"], strict=True):
            _check_embeddings(layer, embeddings, examples)
        for output in tf.nest.flatten(recording["outputs"]):
            validation.check_finite(
                "The model's outputs",
                output,
                mend="Check the model's weights and the inputs of these examples.",
                examples=examples.tolist(),
            )

    def _forward_pass(self, nest: Nest, recordings: list[Any]) -> ForwardPass:
        """Joins the batches, and gives the segments their names and real tokens."""
        sources = recordings[0]["sources"].numpy()
        embeddings = _joined(recordings, "embeddings")
        calls = [
            Segment(
                layer=layer,
                source=int(sources[number]),
                ids=self._ids(recordings, number, embeddings[number]),
                embeddings=embeddings[number],
                mask=_joined_call(recordings, "masks", number),
            )
            for number, layer in enumerate(self._layers(recordings[0]["called"]))
        ]
        identified = [
            replace(segment, mask=np.asarray(segment.mask))
            for segment in segments.identify(self._model, nest, calls)
        ]
        outputs = [recording["outputs"] for recording in recordings]
        return ForwardPass(
            outputs=tf.nest.map_structure(
                lambda *batches: np.concatenate([np.asarray(batch) for batch in batches]), *outputs
            ),
            segments=identified,
            order=segments.display_order(self._model, nest, identified),
            vectorized=tuple(np.asarray(ids) for ids in _joined(recordings, "vectorized")),
        )

    def _ids(self, recordings: list[Any], number: int, embeddings: Any) -> Array | None:
        """Returns the ids of a call, (batch, tokens); of a layer above the embeddings theirs."""
        ids = recordings[0]["ids"][number]
        if ids.shape[1:] == embeddings.shape[1:2] and ids.dtype != tf.string:
            return np.asarray(_joined_call(recordings, "ids", number)).astype(np.int64)
        lookups = [
            lookup
            for lookup, layer in enumerate(self._layers(recordings[0]["looked_up"]))
            if not has_other_name(layer)
            and recordings[0]["looked_up_ids"][lookup].shape[1:] == embeddings.shape[1:2]
        ]
        if len(lookups) != 1:
            return None
        joined = _joined_call(recordings, "looked_up_ids", lookups[0])
        return np.asarray(joined).astype(np.int64)


def _joined(recordings: Sequence[Any], key: str) -> list[Any]:
    """Joins the tensors of all calls along the batch axis."""
    return [_joined_call(recordings, key, number) for number in range(len(recordings[0][key]))]


def _joined_call(recordings: Sequence[Any], key: str, number: int) -> Any:
    """Joins the tensors of one call along the batch axis, padded to the widest; None for none."""
    batches = [recording[key][number] for recording in recordings]
    return None if batches[0] is None else arrays.concatenate_padded(batches)


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
        mend = "Check that the ids were made with the vocabulary the model was trained on."
    else:
        where = f"position {index[-1]}"
        mend = (
            "If these are positions, the sentences are longer than the model takes: cut them; if "
            "they are segments, there are more texts than it takes."
        )
    raise ValueError(
        f"Layer {layer.name!r} has embeddings for the ids 0 to {layer.input_dim - 1}. "
        f"Received: id {int(ids[index])} at {where}. {mend}"
    )


def _check_embeddings(layer: Any, embeddings: Any, examples: Array) -> None:
    shape = tuple(embeddings.shape)
    if len(shape) != 3 or shape[0] != len(examples) or not embeddings.dtype.is_floating:
        raise ValueError(
            f"Layer {layer.name!r} must give embeddings of shape (batch, tokens, dim). Received: "
            f"{embeddings.dtype.name} of shape {shape} for {len(examples)} examples. If the inputs "
            "are one sentence, add a batch axis; if it is another layer, name it in `embeddings`."
        )
    validation.check_finite(
        f"The embeddings of layer {layer.name!r}",
        embeddings,
        mend="Check the layer's weights: has training diverged?",
        examples=examples.tolist(),
    )
