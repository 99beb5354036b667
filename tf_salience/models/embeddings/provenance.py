"""Where the tensors of a graph come from."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_salience.models.embeddings.hooked_model import Recording

#: What tells the shape of a tensor and nothing of what is in it.
_OF_SHAPE = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")


def source_of(ids: Any, sources: list[Any], reading: Recording) -> int:
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


def behind(tensor: Any) -> set[str]:
    """The names of the placeholders of a graph on whose values a tensor depends."""
    left = [tensor.op] if hasattr(tensor, "op") else []
    seen: set[str] = set()
    found: set[str] = set()
    while left:
        operation = left.pop()
        if operation.name in seen or operation.type in _OF_SHAPE:
            continue
        seen.add(operation.name)
        if operation.type == "Placeholder" and operation.outputs[0].dtype != tf.resource:
            found.add(operation.name)
        left.extend(given.op for given in operation.inputs)
    return found


def unread(sources: Sequence[Any], reading: Recording) -> list[int]:
    """The numbers of a graph's inputs that no embedding layer and no vectorizer depends on.

    Args:
        sources: the inputs, flattened.
        reading: what the graph's pass showed.
    """
    looked_at = [call.ids for call in [*reading.calls, *reading.lookups]]
    read = set().union(*(behind(one) for one in [*looked_at, *reading.texts]))
    return [number for number, source in enumerate(sources) if source.op.name not in read]
