"""Functions of tensors as graphs, traced once a shape: by XLA where that pays."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.utils import warnings

Axes = tuple[int | None, ...]

_graph_numbers = itertools.count()

#: XLA's compiling time over the plain graph's tracing time (3), over the share of the time that it
#: saves (a quarter).
_TRIAL_AFTER = 3.0 / 0.25
#: Calls in turn, XLA's and the plain graph's, before the fastest of each are compared.
_TRIALS = 6


class TracedFunction:
    """A Python function of tensors, called as a graph.

    It is traced once a shape. The leading axis of every tensor is left open, all others are static:
    layers may read them while they are traced. One exception: a floating tensor of rank 3 with a
    leading 1 is left as it is, since it broadcasts over the batch.

    Threads may call it at once. TensorFlow sums large gradients in temporary variables that are
    named after their nodes alone, so two runs of equal names would share them and fail: the nodes
    have a scope of their own, and one thread runs at a time.

    Args:
        function: from nests of tensors to a nest of tensors.
        jit_compile: whether XLA compiles it.

    Attributes:
        tracing_seconds: how long the last trace took.
    """

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool = False) -> None:
        def scoped(*arguments: Any) -> Any:
            with tf.name_scope(f"tf_salience_{next(_graph_numbers)}"):
                return function(*arguments)

        self._function = tf.function(scoped, autograph=False, jit_compile=jit_compile or None)
        self._traces: dict[Any, Any] = {}
        self._bytes: dict[Any, int] = {}
        self._lock = threading.Lock()
        # A function that calls itself by way of Python code must not wait for itself.
        self._running = threading.RLock()
        self.tracing_seconds = 0.0

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        return len(self._traces)

    def __call__(self, *arguments: Any) -> Any:
        """Computes the function at arrays or tensors."""
        tensors = _as_tensors(arguments)
        graph = self.graph(tensors)
        with self._running:
            return graph(*tensors)

    def bytes_per_row(self, tensors: Any) -> int:
        """Sums the sizes of all that the graph computes for one row, as far as shapes are known.

        This is more than a row needs at once, since much of it is freed on the way. What is inside
        a loop does not count.
        """
        key = _key(tensors)
        if key not in self._bytes:
            operations = self.graph(tensors).graph.get_operations()
            outputs = [output for operation in operations for output in operation.outputs]
            self._bytes[key] = sum(_row_bytes(output.shape, output.dtype) for output in outputs)
        return self._bytes[key]

    def graph_at(self, *arguments: Any) -> Any:
        """Returns the graph that arrays or tensors of these shapes are given to."""
        return self.graph(_as_tensors(arguments)).graph

    def graph(self, tensors: Any) -> Any:
        """Returns the concrete function for tensors of these shapes, and traces it if it is new."""
        key = _key(tensors)
        if key not in self._traces:
            # One thread traces; the others wait for its graph.
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


@dataclass
class _ShapeTimings:
    """The timings of one shape, batch axes included.

    Attributes:
        stage: "plain graph first"; then "trial" of both in turn; then "plain" or "xla" for good.
        seconds: the time that the plain graph has taken.
        trials: seconds of the calls of the trial: XLA's, whose first one compiles, and the plain
            graph's, in turn.
    """

    stage: str = "plain graph first"
    seconds: float = 0.0
    trials: list[float] = field(default_factory=list)

    @property
    def next_is_xla(self) -> bool:
        """True if the next call goes to XLA."""
        return self.stage == "xla" or (self.stage == "trial" and len(self.trials) % 2 == 0)

    def add(self, seconds: float) -> None:
        """Adds the time of one call."""
        if self.stage == "plain graph first":
            self.seconds += seconds
        elif self.stage == "trial":
            self.trials.append(seconds)
            if len(self.trials) >= _TRIALS:
                self.stage = "xla" if min(self.trials[::2]) < min(self.trials[1::2]) else "plain"


class AutoJit:
    """A function of tensors that XLA compiles where that pays.

    XLA saves some models a quarter of the time and others nothing, and compiling takes about three
    times as long as tracing. So a shape runs as a plain graph until the time that XLA would have
    saved pays for compiling it; then both run in turn, and the faster one stays. A function that
    XLA cannot compile is run without it; one warning says so.

    Args:
        function: from nests of tensors to a nest of tensors.
        jit_compile: True: XLA at once; False: never; "auto": at once where there is a GPU, else
            shape by shape, as soon as it pays.
        model_name: for the warning.
    """

    def __init__(
        self, function: Callable[..., Any], *, jit_compile: bool | str, model_name: str
    ) -> None:
        if jit_compile == "auto" and tf.config.list_logical_devices("GPU"):
            jit_compile = True
        self._mode = jit_compile
        self._model_name = model_name
        self._plain = TracedFunction(function)
        self._xla = TracedFunction(function, jit_compile=True)
        self._timings: dict[Any, _ShapeTimings] = {}

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        return self._plain.trace_count + self._xla.trace_count

    def bytes_per_row(self, *arguments: Any) -> int:
        """Sums the sizes of all that is computed; see `TracedFunction.bytes_per_row`."""
        function = self._xla if self._mode is True else self._plain
        return function.bytes_per_row(_as_tensors(arguments))

    def padded_rows(self, rows: int) -> int:
        """Rounds a number of rows up to one that is compiled often.

        XLA compiles each number anew. Where it runs all of them, these are 2ⁿ and 1.5 · 2ⁿ.
        """
        if self._mode is not True:
            return rows
        power = 1 << (rows - 1).bit_length()
        return power * 3 // 4 if power >= 4 and rows <= power * 3 // 4 else power

    def __call__(self, *arguments: Any) -> Any:
        """Computes the function at arrays or tensors."""
        tensors = _as_tensors(arguments)
        if self._mode is False:
            return self._plain(*tensors)
        if self._mode is True:
            return self._run_xla(tensors)
        key = tuple((tensor.dtype, tuple(tensor.shape)) for tensor in tf.nest.flatten(tensors))
        timings = self._timings.setdefault(key, _ShapeTimings())
        graph = self._plain.graph(tensors)
        trial_after = _TRIAL_AFTER * self._plain.tracing_seconds
        if timings.stage == "plain graph first" and timings.seconds > trial_after:
            timings.stage = "trial" if _suits_xla(graph) else "plain"
        start = time.perf_counter()
        result = self._run_xla(tensors) if timings.next_is_xla else self._plain(*tensors)
        timings.add(time.perf_counter() - start)
        return result

    def _run_xla(self, tensors: Any) -> Any:
        try:
            return self._xla(*tensors)
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.OpError as error:
            self._mode = False
            warnings.warn(
                f"XLA could not compile the model {self._model_name!r}, so it runs without XLA: "
                f"{error.message.splitlines()[0]} Pass `jit_compile=False` to skip this.",
                warnings.NotCompiledWarning,
            )
            return self._plain(*tensors)


def _suits_xla(graph: Any) -> bool:
    """True if no argument is a string, which XLA cannot take, and there is no loop.

    XLA's loops on a CPU are ten times slower than TensorFlow's.
    """
    loops = {"While", "StatelessWhile"}
    return not any(tensor.dtype == tf.string for tensor in graph.inputs) and not any(
        operation.type in loops for operation in graph.graph.get_operations()
    )


def _as_tensors(arguments: Any) -> Any:
    return tf.nest.map_structure(tf.convert_to_tensor, arguments)


def _key(tensors: Any) -> Any:
    # The inputs of a model may come as a dict or as a tuple, and a graph takes those of its trace.
    structure = repr(tf.nest.map_structure(lambda _: None, tensors))
    return structure, *((tensor.dtype, _open(tensor)) for tensor in tf.nest.flatten(tensors))


def _row_bytes(shape: Any, dtype: Any) -> int:
    if shape.rank is None or shape.rank == 0 or shape[0] is not None or None in shape[1:]:
        return 0
    return int(np.prod(shape[1:], dtype=np.int64)) * int(dtype.size)


def _open(tensor: Any) -> Axes:
    """Returns the shape with its leading axis open, unless rank 3 with a leading 1 broadcasts."""
    shape = tuple(tensor.shape)
    if len(shape) == 3 and shape[0] == 1 and tensor.dtype.is_floating:
        return shape
    return (None, *shape[1:])
