"""Where the tensors of a graph come from."""

from typing import Any

import tensorflow as tf

from tf_salience.tap.taps import Reading

#: What tells the shape of a tensor and nothing of what is in it.
_OF_SHAPE = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")


def source_of(ids: Any, sources: list[Any], reading: Reading) -> int:
    """Which of a graph's inputs the ids are, whatever became of them on the way; -1 for none.

    Args:
        ids: what a layer was called on.
        sources: the inputs, flattened.
        reading: what the graph's pass showed.
    """
    through = dict(zip(map(id, reading.vectorized), reading.texts, strict=True))
    while not any(ids is source for source in sources):
        operation = getattr(ids, "op", None)  # a constant of the model's own has none
        if id(ids) in through:
            ids = through[id(ids)]  # made of a text
        elif operation is not None and operation.type in ("Cast", "Identity"):
            ids = operation.inputs[0]
        else:
            return -1
    return next(number for number, source in enumerate(sources) if ids is source)


def depends_on_inputs(tensor: Any) -> bool:
    """Whether what is in a graph's tensor depends on what is in the graph's inputs."""
    left = [tensor.op] if hasattr(tensor, "op") else []
    seen: set[str] = set()
    while left:
        operation = left.pop()
        if operation.type == "Placeholder" and operation.outputs[0].dtype != tf.resource:
            return True
        if operation.name not in seen and operation.type not in _OF_SHAPE:
            seen.add(operation.name)
            left.extend(tensor.op for tensor in operation.inputs)
    return False
