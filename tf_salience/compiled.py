"""A `tf.function` that is traced once a shape, with the batch axis left open."""

import threading
from collections.abc import Callable
from typing import Any

import tensorflow as tf

Axes = tuple[int | None, ...]


class Compiled:
    """Calls a Python function of tensors as one graph.

    The leading axis of every tensor is left open, all others are static: layers may read them while
    they are traced. One exception: a floating tensor of rank 3 with a leading 1 is left as it is,
    since it broadcasts over the batch.

    Args:
        function: from nests of tensors to a nest of tensors.
        jit_compile: whether XLA compiles it.
    """

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool = False) -> None:
        self._function = tf.function(function, autograph=False, jit_compile=jit_compile or None)
        self._traces: dict[Any, Any] = {}
        self._lock = threading.Lock()

    @property
    def traces(self) -> int:
        """How many graphs there are."""
        return len(self._traces)

    def __call__(self, *arguments: Any) -> Any:
        """The function's value at arrays or tensors."""
        tensors = tf.nest.map_structure(tf.convert_to_tensor, arguments)
        flat = tf.nest.flatten(tensors)
        key = tuple((tensor.dtype, _open(tensor)) for tensor in flat)
        concrete = self._traces.get(key)
        if concrete is None:
            # One thread traces; the others wait for what it found.
            with self._lock:
                concrete = self._traces.get(key) or self._trace(tensors, key)
        return concrete(*tensors)

    def _trace(self, tensors: Any, key: Any) -> Any:
        specs = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec(_open(tensor), tensor.dtype), tensors
        )
        concrete = self._function.get_concrete_function(*specs)
        self._traces[key] = concrete
        return concrete


def _open(tensor: Any) -> Axes:
    """The shape with the leading axis open, but for rank 3 with a leading 1: that broadcasts."""
    shape = tuple(tensor.shape)
    if len(shape) == 3 and shape[0] == 1 and tensor.dtype.is_floating:
        return shape
    return (None, *shape[1:])
