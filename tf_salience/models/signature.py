"""A first look at the model's graph, before anything is built on it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution.execution.forward import Segment
from tf_salience.models import inputs, segments
from tf_salience.models.embeddings import Recording, source_of, unread
from tf_salience.models.text_model import TextModel


@dataclass(frozen=True)
class Survey:
    """What one trace of the model shows of it, before anything is built on it.

    Attributes:
        outputs: the model's outputs, a nest of tensor specs.
        names: the segments' names, in the order in which they are shown.
        sources: one a tapped call, the number of the input that its ids are; -1 for none.
        dims: one a tapped call, the size of its embeddings.
        tables: one a tapped call, how many ids its layer has embeddings for, or None.
        vectorized: one a `TextVectorization` in the model, what it gives.
        masked: one a tapped call, whether the model masks some of its tokens.
    """

    outputs: Any
    names: list[str]
    sources: list[int]
    dims: list[int]
    tables: list[int | None]
    vectorized: list[tf.TensorSpec]
    masked: list[bool]


def survey(question: TextModel, specs: Any) -> Survey:
    """Traces the model once, on inputs of these specs, a nest.

    Raises:
        ValueError: for a layer that does not give embeddings; whatever the model raises.
    """
    found: list[Survey] = []

    def trace(*flat: Any) -> Any:
        nest = tf.nest.pack_sequence_as(specs, flat)
        reading = question.tap.read(nest)
        calls = segments_of(reading, list(flat))
        if question.tap.guessed and calls:
            like = tf.nest.map_structure(_like, specs)
            missed = unread(flat, reading)
            inputs.check_read(question.model, like, missed, calls[0].layer.name)
        layout = segments.layout(question.model, nest, calls, question.tokens)
        keys = [spec.name for spec in tf.nest.flatten(specs)]
        # A request knows an input by its name; a live explanation by its key in the user's dict.
        names = [
            keys[call.source] if call.source >= 0 else name
            for call, name in zip(calls, layout.names, strict=True)
        ]
        names = names if len(set(names)) == len(names) else layout.names
        found.append(
            Survey(
                outputs=tf.nest.map_structure(tf.TensorSpec.from_tensor, reading.outputs),
                names=[names[number] for number in layout.order],
                sources=[call.source for call in calls],
                dims=[call.embeddings.shape[2] for call in calls],
                tables=[getattr(call.layer, "input_dim", None) for call in calls],
                vectorized=[tf.TensorSpec.from_tensor(ids) for ids in reading.vectorized],
                masked=[call.mask is not None for call in calls],
            )
        )
        return reading.outputs

    tf.function(trace, autograph=False).get_concrete_function(*tf.nest.flatten(specs))
    return found[0]


def _like(spec: tf.TensorSpec) -> Any:
    """An array of such a shape and kind."""
    return np.zeros([size or 2 for size in spec.shape], spec.dtype.as_numpy_dtype)


def segments_of(reading: Recording, flat: list[Any]) -> list[Segment]:
    """The tapped calls of a graph's pass as segments, whose arrays are its tensors.

    Args:
        reading: what the pass showed.
        flat: the graph's inputs, flattened.

    Raises:
        ValueError: for a layer that does not give embeddings.
    """
    found = []
    for call in reading.calls:
        if len(call.embeddings.shape) != 3 or not call.embeddings.dtype.is_floating:
            raise ValueError(
                f"Layer {call.layer.name!r} must give embeddings of shape (batch, tokens, dim). "
                f"Received: {call.embeddings.dtype.name} of shape {tuple(call.embeddings.shape)}. "
                "Name another layer in `embeddings`."
            )
        are_ids = len(call.ids.shape) == 2 and call.ids.dtype != tf.string
        found.append(
            Segment(
                layer=call.layer,
                source=source_of(call.ids, flat, reading),
                ids=tf.cast(call.ids, tf.int64) if are_ids else None,
                mask=call.mask,
                embeddings=call.embeddings,
            )
        )
    return found
