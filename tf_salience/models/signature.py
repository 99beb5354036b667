"""The signature of a model: its forward pass in tensor specs, from one trace."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.input_checks import check_embedded
from tf_salience.models.segments import identify
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
        forward = identify(model, nest, model.hooked.record(nest))
        if model.hooked.guessed and forward.segments:
            arrays = tf.nest.map_structure(_zeros, specs)
            check_embedded(model.model, arrays, forward.unread, forward.segments[0].layer.name)
        names = _request_names(forward.segments, tf.nest.flatten(specs))
        signatures.append(
            ForwardPass(
                outputs=tf.nest.map_structure(tf.TensorSpec.from_tensor, forward.outputs),
                segments=[
                    replace(
                        segment,
                        name=name,
                        ids=None,
                        embeddings=tf.TensorSpec.from_tensor(segment.embeddings),
                        mask=tf.TensorSpec.from_tensor(segment.mask),
                    )
                    for name, segment in zip(names, forward.segments, strict=True)
                ],
                order=forward.order,
                vectorized=tuple(tf.TensorSpec.from_tensor(ids) for ids in forward.vectorized),
                activation=model.activation_of(forward.outputs),
            )
        )
        return forward.outputs

    tf.function(trace, autograph=False).get_concrete_function(*tf.nest.flatten(specs))
    return signatures[0]


def _request_names(segments: Sequence[Segment], specs: list[tf.TensorSpec]) -> list[str]:
    """Returns the names of segments in requests, which know an input by its name.

    A live explanation knows it by its key in the user's dict.
    """
    names = [segment.name for segment in segments]
    by_spec = [
        specs[segment.source].name if segment.source >= 0 else segment.name for segment in segments
    ]
    return by_spec if len(set(by_spec)) == len(by_spec) else names


def _zeros(spec: tf.TensorSpec) -> Any:
    return np.zeros([size or 2 for size in spec.shape], spec.dtype.as_numpy_dtype)
