"""The signature of a model: its forward pass in tensor specs, from one trace."""

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.provenance import unread_inputs
from tf_salience.models.input_checks import check_embedded
from tf_salience.models.segments import ForwardPass, Segment, graph_pass
from tf_salience.models.text_model import TextModel


def trace_signature(model: TextModel, specs: Any) -> ForwardPass:
    """Traces the model once, before anything is built on it.

    Args:
        model: the model.
        specs: of its inputs, a nest of `tf.TensorSpec`.

    Returns:
        A pass whose arrays are tensor specs. Segments are named after the specs of their inputs.

    Raises:
        ValueError: for a layer that does not give embeddings; whatever the model raises.
    """
    signatures: list[ForwardPass] = []

    def trace(*flat: Any) -> Any:
        nest = tf.nest.pack_sequence_as(specs, flat)
        recording = model.hooked.record(nest)
        traced = graph_pass(model, nest, recording)
        if model.hooked.guessed and traced.segments:
            arrays = tf.nest.map_structure(_zeros, specs)
            unread = unread_inputs(flat, recording)
            check_embedded(model.model, arrays, unread, traced.segments[0].layer.name)
        signatures.append(
            ForwardPass(
                outputs=tf.nest.map_structure(tf.TensorSpec.from_tensor, traced.outputs),
                segments=_named_by_specs(traced.segments, tf.nest.flatten(specs)),
                order=traced.order,
                vectorized=tuple(tf.TensorSpec.from_tensor(ids) for ids in traced.vectorized),
            )
        )
        return traced.outputs

    tf.function(trace, autograph=False).get_concrete_function(*tf.nest.flatten(specs))
    return signatures[0]


def _named_by_specs(segments: list[Segment], specs: list[tf.TensorSpec]) -> list[Segment]:
    """Replaces tensors by their specs, and names by those of the inputs' specs.

    A request knows an input by its name; a live explanation by its key in the user's dict.
    """
    names = [
        specs[segment.source].name if segment.source >= 0 else segment.name for segment in segments
    ]
    if len(set(names)) != len(names):
        names = [segment.name for segment in segments]
    return [
        replace(
            segment,
            name=name,
            ids=None if segment.ids is None else tf.TensorSpec.from_tensor(segment.ids),
            embeddings=tf.TensorSpec.from_tensor(segment.embeddings),
            mask=tf.TensorSpec.from_tensor(segment.mask),
        )
        for name, segment in zip(names, segments, strict=True)
    ]


def _zeros(spec: tf.TensorSpec) -> Any:
    return np.zeros([size or 2 for size in spec.shape], spec.dtype.as_numpy_dtype)
