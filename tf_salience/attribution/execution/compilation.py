"""A `tf.function` that is traced once a shape, with the batch axis left open."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Axes = tuple[int | None, ...]

_numbers = itertools.count()


class TracedFunction:
    """Calls a Python function of tensors as one graph.

    The leading axis of every tensor is left open, all others are static: layers may read them while
    they are traced. One exception: a floating tensor of rank 3 with a leading 1 is left as it is,
    since it broadcasts over the batch.

    Threads may call it at once. TensorFlow adds up many large gradients in temporary variables that
    bear the names of their nodes and no more, so two runs of equal names would meet in them
    and fail: the nodes have a scope of their own, and one thread runs at a time.

    Args:
        function: from nests of tensors to a nest of tensors.
        jit_compile: whether XLA compiles it.
    """

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool = False) -> None:
        def scoped(*arguments: Any) -> Any:
            with tf.name_scope(f"tf_salience_{next(_numbers)}"):
                return function(*arguments)

        self._function = tf.function(scoped, autograph=False, jit_compile=jit_compile or None)
        self._traces: dict[Any, Any] = {}
        self._bytes: dict[Any, int] = {}
        self._lock = threading.Lock()
        # A function that calls itself by way of Python code must not wait for itself.
        self._running = threading.RLock()
        self.tracing_seconds = 0.0

    @property
    def traces(self) -> int:
        """How many graphs there are."""
        return len(self._traces)

    def __call__(self, *arguments: Any) -> Any:
        """The function's value at arrays or tensors."""
        tensors = tensors_of(arguments)
        graph = self.graph(tensors)
        with self._running:
            return graph(*tensors)

    def bytes_per_row(self, tensors: Any) -> int:
        """The size of everything the graph computes for one row, as far as shapes are known.

        More than a row ever needs at once, since much of it is freed on the way; nothing of what is
        inside a loop.
        """
        key = _key(tensors)
        if key not in self._bytes:
            operations = self.graph(tensors).graph.get_operations()
            outputs = [output for operation in operations for output in operation.outputs]
            self._bytes[key] = sum(_row_bytes(output.shape, output.dtype) for output in outputs)
        return self._bytes[key]

    def graph(self, tensors: Any) -> Any:
        """The concrete function for tensors of these shapes, traced if it is the first time."""
        key = _key(tensors)
        if key not in self._traces:
            # One thread traces; the others wait for what it finds.
            with self._lock:
                if key not in self._traces:
                    start = time.perf_counter()
                    self._traces[key] = self._trace(tensors)
                    self.tracing_seconds = time.perf_counter() - start
        return self._traces[key]

    def _trace(self, tensors: Any) -> Any:
        specs = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec(_open(tensor), tensor.dtype), tensors
        )
        return self._function.get_concrete_function(*specs)


def tensors_of(arguments: Any) -> Any:
    """A nest of arrays as tensors."""
    return tf.nest.map_structure(tf.convert_to_tensor, arguments)


def _key(tensors: Any) -> Any:
    return tuple((tensor.dtype, _open(tensor)) for tensor in tf.nest.flatten(tensors))


def _row_bytes(shape: Any, dtype: Any) -> int:
    if shape.rank is None or shape.rank == 0 or shape[0] is not None or None in shape[1:]:
        return 0
    return int(np.prod(shape[1:], dtype=np.int64)) * int(dtype.size)


def _open(tensor: Any) -> Axes:
    """The shape with the leading axis open, but for rank 3 with a leading 1: that broadcasts."""
    shape = tuple(tensor.shape)
    if len(shape) == 3 and shape[0] == 1 and tensor.dtype.is_floating:
        return shape
    return (None, *shape[1:])
