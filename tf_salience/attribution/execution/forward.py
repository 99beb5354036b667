"""One plain pass of the model over some examples: what it said, and what it was given.

Everything that can be wrong with the inputs is found here, on the host, before a gradient is taken:
on a CPU TensorFlow would raise from deep inside, on a GPU it would return zeros.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.compilation import TracedFunction
from tf_salience.models import inputs
from tf_salience.models.embeddings import HookedModel, named_otherwise, source_of, unread
from tf_salience.utils import validation

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Segment:
    """One call of a tapped layer, over all examples.

    Attributes:
        layer: the layer.
        source: the number of the input, in the flattened nest, that it was called on; -1 if it was
            called on something the model made.
        ids: (batch, tokens), or None where the layer is not called on integers of that shape.
        mask: (batch, tokens), true for real tokens, or None where the layer masks nothing.
        embeddings: (batch, tokens, dim).
    """

    layer: Any
    source: int
    ids: Array | None
    mask: Array | None
    embeddings: Any


@dataclass(frozen=True)
class FirstPass:
    """What one pass over all examples showed.

    Attributes:
        outputs: the model's outputs, a nest of (batch, ...).
        segments: the tapped calls, in order.
        vectorized: the ids that the model made of texts, (batch, tokens) each.
    """

    outputs: Any
    segments: list[Segment]
    vectorized: tuple[Array, ...]


class Reader:
    """Runs first passes; compiled once for each shape of input."""

    def __init__(self, tap: HookedModel, batch_size: int) -> None:
        self._tap = tap
        self._batch_size = batch_size
        self._read = TracedFunction(self._trace)

    def __call__(self, nest: Any, examples: Array) -> FirstPass:
        """Runs the model over the examples, `batch_size` at a time, and checks what it shows.

        Args:
            nest: the inputs of all examples.
            examples: (batch,), the numbers of those to read.

        Raises:
            ValueError: if the model cannot run on them; for ids outside an embedding table;
                embeddings or outputs that are not finite; a layer that gives no embeddings.
        """
        starts = range(0, len(examples), self._batch_size)
        batches = [examples[start : start + self._batch_size] for start in starts]
        parts = [self._run(inputs.take(nest, some), ()) for some in batches]
        widths = {tuple(ids.shape[1:] for ids in part["vectorized"]) for part in parts}
        if len(widths) > 1:
            # Each batch of texts was as wide as its longest; explained together they are as wide as
            # the longest of all, and a model that does not mask says something else then.
            made = [
                _side_by_side(list(ids))
                for ids in zip(*(p["vectorized"] for p in parts), strict=True)
            ]
            parts = [
                self._run(
                    inputs.take(nest, some),
                    tuple(ids[start : start + self._batch_size] for ids in made),
                )
                for start, some in zip(starts, batches, strict=True)
            ]
        if self._tap.guessed:
            taken = self._layers(parts[0]["called"])[:1] or self._tap.layers
            missed = parts[0]["unread"].numpy().tolist()
            inputs.check_read(self._tap.model, nest, missed, taken[0].name)
        for part, some in zip(parts, batches, strict=True):
            self._check(part, some)
        return self._joined(parts)

    def _run(self, batch: Any, vectorized: tuple[Any, ...]) -> Any:
        try:
            return self._read(batch, vectorized)
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise ValueError(
                f"The model {self._tap.model.name!r} could not run on the inputs. Received: "
                f"{inputs.describe(batch)}. Expected: inputs that `model(inputs)` takes, no longer "
                f"than its positions reach. The model said: {error}"
            ) from error

    def _trace(self, batch: Any, vectorized: Any) -> Any:
        reading = self._tap.read(batch, vectorized)
        known = self._tap.embedders
        sources = tf.nest.flatten(batch)
        return {
            "outputs": reading.outputs,
            # Which layers were called is the trace's own knowledge, and a part of what it gives.
            "called": tf.constant([known.index(call.layer) for call in reading.calls], tf.int32),
            "looked_up": tf.constant([known.index(one.layer) for one in reading.lookups], tf.int32),
            "sources": tf.constant(
                [source_of(call.ids, sources, reading) for call in reading.calls], tf.int32
            ),
            "unread": tf.constant(unread(sources, reading), tf.int32),
            "ids": [call.ids for call in reading.calls],
            "embeddings": [call.embeddings for call in reading.calls],
            "masks": [call.mask for call in reading.calls],
            "lookups": [call.ids for call in reading.lookups],
            "vectorized": reading.vectorized,
        }

    def _layers(self, numbers: Any) -> list[Any]:
        return [self._tap.embedders[number] for number in numbers.numpy()]

    def _check(self, part: Any, examples: Array) -> None:
        called = self._layers(part["called"])
        missing = [layer for layer in self._tap.layers if layer not in called]
        if missing:
            raise ValueError(
                f"Layer {missing[0].name!r} was not called when the model "
                f"{self._tap.model.name!r} ran. Received: embeddings={missing[0].name!r}. "
                f"Name a layer that the model's outputs depend on."
            )
        for layer, ids in zip(self._layers(part["looked_up"]), part["lookups"], strict=True):
            _check_ids(layer, ids.numpy(), examples, tapped=layer in self._tap.layers)
        for layer, embeddings in zip(called, part["embeddings"], strict=True):
            _check_embeddings(layer, embeddings, examples)
        for output in tf.nest.flatten(part["outputs"]):
            validation.check_finite(
                "The model's outputs",
                output,
                mend="Check the model's weights and the inputs of these examples.",
                examples=examples.tolist(),
            )

    def _looked_up(self, parts: list[Any], call: int) -> list[Any]:
        """The ids of the only table in which as many tokens were looked up; none, if several."""
        layers = self._layers(parts[0]["looked_up"])
        tokens = [
            number
            for number, layer in enumerate(layers)
            if not named_otherwise(layer)
            and parts[0]["lookups"][number].shape[1:] == parts[0]["embeddings"][call].shape[1:2]
        ]
        return [part["lookups"][tokens[0]] for part in parts] if len(tokens) == 1 else []

    def _joined(self, parts: list[Any]) -> FirstPass:
        def join(*arrays: Any) -> Array:
            return np.concatenate([np.asarray(array) for array in arrays])

        segments = []
        sources = parts[0]["sources"].numpy()
        for number, layer in enumerate(self._layers(parts[0]["called"])):
            ids = [part["ids"][number] for part in parts]
            masks = [part["masks"][number] for part in parts]
            embeddings = _side_by_side([part["embeddings"][number] for part in parts])
            if ids[0].shape[1:] != embeddings.shape[1:2] or ids[0].dtype == tf.string:
                # A layer above the embeddings: its tokens are those that were embedded.
                ids = self._looked_up(parts, number)
            segments.append(
                Segment(
                    layer=layer,
                    source=int(sources[number]),
                    ids=np.asarray(_side_by_side(ids)).astype(np.int64) if ids else None,
                    mask=None if masks[0] is None else np.asarray(_side_by_side(masks)),
                    embeddings=embeddings,
                )
            )
        vectorized = [
            _side_by_side(list(each))
            for each in zip(*(p["vectorized"] for p in parts), strict=True)
        ]
        return FirstPass(
            outputs=tf.nest.map_structure(join, *(part["outputs"] for part in parts)),
            segments=segments,
            vectorized=tuple(np.asarray(each) for each in vectorized),
        )


def _side_by_side(parts: list[Any]) -> Any:
    """Tensors joined along the batch axis, padded with zeros to the widest tokens axis."""
    widest = max(part.shape[1] for part in parts)
    padded = [
        tf.pad(part, [[0, 0], [0, widest - part.shape[1]], *[[0, 0]] * (len(part.shape) - 2)])
        if part.shape[1] != widest
        else part
        for part in parts
    ]
    return tf.concat(padded, axis=0)


def _check_ids(layer: Any, ids: Array, examples: Array, *, tapped: bool) -> None:
    if ids.dtype.kind == "f" and not (ids == np.round(ids)).all():
        raise TypeError(
            f"Layer {layer.name!r} embeds token ids, which are integers. "
            f"Received: {ids.dtype.name} numbers that are not whole, such as "
            f"{ids[ids != np.round(ids)][0]}"
        )
    outside = (ids < 0) | (ids >= layer.input_dim)
    if not outside.any():
        return
    place = tuple(int(axis[0]) for axis in np.nonzero(outside))
    if tapped and ids.ndim == 2 and len(ids) == len(examples):
        where = f"example {examples[place[0]]}, position {place[1]}"
        mend = "Check that the ids were made with the vocabulary the model was trained on."
    else:
        where = f"position {place[-1]}"
        mend = (
            "If these are positions, the sentences are longer than the model takes: cut them; if "
            "they are segments, there are more texts than it takes."
        )
    raise ValueError(
        f"Layer {layer.name!r} has embeddings for the ids 0 to {layer.input_dim - 1}. "
        f"Received: id {int(ids[place])} at {where}. {mend}"
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
