"""Provenance: the inputs from which the tensors of a graph are made."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

#: Operations that read the shape of a tensor and not its values.
_SHAPE_OPERATIONS = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")


def source_of(ids: Any, inputs: Sequence[Any], text_of: Mapping[int, Any]) -> int:
    """Returns the number of the input that the ids are, cast or vectorized perhaps; -1 for none.

    Args:
        ids: the input of a layer.
        inputs: the graph's inputs, flattened.
        text_of: the `id` of vectorized ids to the texts of which they are made.
    """
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
    pending = [tensor.op] if hasattr(tensor, "op") else []
    seen: set[str] = set()
    names: set[str] = set()
    while pending:
        operation = pending.pop()
        if operation.name in seen or operation.type in _SHAPE_OPERATIONS:
            continue
        seen.add(operation.name)
        if operation.type == "Placeholder" and operation.outputs[0].dtype != tf.resource:
            names.add(operation.name)
        pending.extend(source.op for source in operation.inputs)
    return names


def unread_inputs(inputs: Sequence[Any], read: Sequence[Any]) -> list[int]:
    """Returns the numbers of the inputs on which no tensor of `read` depends."""
    names = set().union(*map(placeholders_of, read))
    return [
        number
        for number, source in enumerate(inputs)
        if hasattr(source, "op") and source.op.name not in names
    ]
