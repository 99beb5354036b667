"""Provenance: the inputs from which the tensors of a graph are made, and where these are joined."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

#: Operations that read the shape of a tensor and not its values.
_SHAPE_OPERATIONS = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")

#: Operations that join tensors element by element.
_ELEMENTWISE = (
    *("Add", "AddV2", "AddN", "Sub", "Mul", "RealDiv", "DivNoNan", "SquaredDifference"),
    *("Maximum", "Minimum", "SelectV2", "Pack"),
)


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


def maker_of(ids: Any, maker_of_tensor: Mapping[int, Any]) -> Any:
    """Returns the layer that gave the ids, cast perhaps; None for another origin.

    Args:
        ids: the input of a layer.
        maker_of_tensor: the `id` of a tensor to the layer that gave it.
    """
    while id(ids) not in maker_of_tensor:
        operation = getattr(ids, "op", None)
        if operation is None or operation.type not in ("Cast", "Identity"):
            return None
        ids = operation.inputs[0]
    return maker_of_tensor[id(ids)]


def slice_of(ids: Any, inputs: Sequence[Any]) -> tuple[int, int] | None:
    """Returns the input, (batch, choices, tokens), of which the ids are one slice; None for none.

    Args:
        ids: the input of a layer.
        inputs: the graph's inputs, flattened.

    Returns:
        The number of the input, and the index on its choices axis.
    """
    while getattr(ids, "op", None) is not None and ids.op.type in ("Cast", "Identity"):
        ids = ids.op.inputs[0]
    operation = getattr(ids, "op", None)
    if operation is None or operation.type not in ("StridedSlice", "Unpack"):
        return None
    source = source_of(operation.inputs[0], inputs, {})
    if source < 0 or len(inputs[source].shape) != 3 or len(ids.shape) != 2:
        return None
    if operation.type == "Unpack":
        return (source, ids.value_index) if operation.get_attr("axis") == 1 else None
    begin = tf.get_static_value(operation.inputs[1])
    is_choice = operation.get_attr("shrink_axis_mask") == 2 and begin is not None
    return (source, int(begin[1]) % (inputs[source].shape[1] or 1)) if is_choice else None


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


def are_joined_by_token(first: Any, second: Any) -> bool:
    """True if a graph adds or appends two tensors, (batch, tokens, dim), token by token.

    That is done with words and their tags, right away or after layers that keep the tokens. The
    vectors of two texts meet in an attention, or after pooling.
    """
    if not (hasattr(first, "op") and hasattr(second, "op")):
        return False
    of_first, of_second = _dependents(first), _dependents(second)

    def is_of_one(tensor: Any, own: dict[str, Any], other: dict[str, Any]) -> bool:
        return tensor.op.name in own and tensor.op.name not in other

    return any(
        any(is_of_one(tensor, of_first, of_second) for tensor in joined)
        and any(is_of_one(tensor, of_second, of_first) for tensor in joined)
        for name, operation in of_first.items()
        if name in of_second
        for joined in [_joined_by_token(operation)]
    )


def _dependents(tensor: Any) -> dict[str, Any]:
    """Returns the operation that makes a tensor, and those that depend on it, by name."""
    operations = {tensor.op.name: tensor.op}
    pending = [tensor]
    while pending:
        for operation in pending.pop().consumers():
            if operation.name not in operations:
                operations[operation.name] = operation
                pending.extend(operation.outputs)
    return operations


def _joined_by_token(operation: Any) -> list[Any]:
    """Returns the inputs with a tokens axis that an operation joins token by token."""
    if operation.type == "ConcatV2":
        *inputs, axis = operation.inputs
        rank = inputs[0].shape.rank
        value = tf.get_static_value(axis)
        if value is not None and rank is not None and int(value) % rank == 1:
            return []  # one sequence behind the other
    elif operation.type not in _ELEMENTWISE:
        return []
    return [
        tensor
        for tensor in operation.inputs
        if tensor.shape.rank is not None and tensor.shape.rank >= 3 and tensor.shape[1] != 1
    ]
