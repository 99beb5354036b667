"""Provenance: the inputs from which the tensors of a graph are made."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_salience.models.embeddings.hooked_model import Recording

#: Operations that read the shape of a tensor and not its values.
_SHAPE_OPERATIONS = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")


def source_of(ids: Any, inputs: Sequence[Any], recording: Recording) -> int:
    """Returns the number of the input that the ids are, cast or vectorized perhaps; -1 for none.

    Args:
        ids: the input of a layer.
        inputs: the graph's inputs, flattened.
        recording: the graph's pass.
    """
    text_of = dict(zip(map(id, recording.vectorized), recording.texts, strict=True))
    while not any(ids is source for source in inputs):
        operation = getattr(ids, "op", None)  # a constant of the model's own has none
        if id(ids) in text_of:
            ids = text_of[id(ids)]
        elif operation is not None and operation.type in ("Cast", "Identity"):
            ids = operation.inputs[0]
        else:
            return -1
    return next(number for number, source in enumerate(inputs) if ids is source)


def placeholders_of(tensor: Any) -> set[str]:
    """Returns the names of the placeholders on whose values a tensor depends."""
    open_operations = [tensor.op] if hasattr(tensor, "op") else []
    seen: set[str] = set()
    names: set[str] = set()
    while open_operations:
        operation = open_operations.pop()
        if operation.name in seen or operation.type in _SHAPE_OPERATIONS:
            continue
        seen.add(operation.name)
        if operation.type == "Placeholder" and operation.outputs[0].dtype != tf.resource:
            names.add(operation.name)
        open_operations.extend(source.op for source in operation.inputs)
    return names


def unread_inputs(inputs: Sequence[Any], recording: Recording) -> list[int]:
    """Returns the numbers of the inputs that no embedding layer and no vectorizer depends on.

    Args:
        inputs: the graph's inputs, flattened.
        recording: the graph's pass.
    """
    read = [call.ids for call in [*recording.calls, *recording.table_lookups]]
    names = set().union(*(placeholders_of(tensor) for tensor in [*read, *recording.texts]))
    return [number for number, source in enumerate(inputs) if source.op.name not in names]
