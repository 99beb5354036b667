"""A function of tensors that XLA compiles where that pays.

On two cores of a CPU XLA ran the rows of transformers in 0.65 to 0.75 of the plain graph's time,
those of an LSTM or a CNN in 0.9 to 1.6 of it, and took about three times as long as tracing did
before the first result. So a shape runs as a plain graph until the time that XLA would have saved
pays for compiling it; then both are compared, and the faster one stays.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from tf_salience.attribution.execution.compilation import TracedFunction, tensors_of
from tf_salience.utils import warnings

#: XLA's compiling time over the plain graph's tracing time, over the share of time that it saves.
_EARNED = 3.0 / 0.25
#: Calls in turn, XLA's and the plain graph's, before the fastest of each are compared.
_TRIALS = 6


@dataclass
class _Record:
    """What is known of one shape, batch axes included.

    Attributes:
        stage: "earning", as a plain graph; "trying" both in turn; then "plain" or "xla" for good.
        spent: seconds that the plain graph has taken.
        trials: seconds of the calls while trying: XLA's, whose first one compiles, and the plain
            graph's, in turn.
    """

    stage: str = "earning"
    spent: float = 0.0
    trials: list[float] = field(default_factory=list)

    @property
    def by_xla(self) -> bool:
        """Whether the next call goes to XLA."""
        return self.stage == "xla" or (self.stage == "trying" and len(self.trials) % 2 == 0)

    def note(self, seconds: float) -> None:
        """One call has taken so long."""
        if self.stage == "earning":
            self.spent += seconds
        elif self.stage == "trying":
            self.trials.append(seconds)
            if len(self.trials) >= _TRIALS:
                self.stage = "xla" if min(self.trials[::2]) < min(self.trials[1::2]) else "plain"


class AutoJit:
    """A plain graph, an XLA program, or the one until the other has earned its compiling time.

    Args:
        function: from nests of tensors to a nest of tensors.
        jit_compile: True: XLA at once; False: never; "auto": at once where there is a GPU, else
            shape by shape, as soon as it pays.
        name: the model's name, for the warning.

    A function that XLA cannot compile is run without it; one warning says so.
    """

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool | str, name: str) -> None:
        if jit_compile == "auto" and tf.config.list_logical_devices("GPU"):
            jit_compile = True
        self._mode = jit_compile
        self._name = name
        self._plain = TracedFunction(function)
        self._xla = TracedFunction(function, jit_compile=True)
        self._records: dict[Any, _Record] = {}

    @property
    def traces(self) -> int:
        """How many graphs there are."""
        return self._plain.traces + self._xla.traces

    def bytes_per_row(self, *arguments: Any) -> int:
        """See `TracedFunction.bytes_per_row`."""
        known = self._xla if self._mode is True else self._plain
        return known.bytes_per_row(tensors_of(arguments))

    def filled(self, rows: int) -> int:
        """How many rows a call of so many should have, the rest being there for their number.

        XLA compiles each number anew. Where it runs whatever comes, that is 2ⁿ or 1.5 · 2ⁿ rows.
        """
        if self._mode is not True:
            return rows
        power = 1 << (rows - 1).bit_length()
        return power * 3 // 4 if power >= 4 and rows <= power * 3 // 4 else power

    def __call__(self, *arguments: Any) -> Any:
        """The function's value at arrays or tensors."""
        tensors = tensors_of(arguments)
        if self._mode is False:
            return self._plain(*tensors)
        if self._mode is True:
            return self._by_xla(tensors)
        key = tuple((tensor.dtype, tuple(tensor.shape)) for tensor in tf.nest.flatten(tensors))
        record = self._records.setdefault(key, _Record())
        graph = self._plain.graph(tensors)
        if record.stage == "earning" and record.spent > _EARNED * self._plain.tracing_seconds:
            record.stage = "trying" if _may_pay(graph) else "plain"
        start = time.perf_counter()
        found = self._by_xla(tensors) if record.by_xla else self._plain(*tensors)
        record.note(time.perf_counter() - start)
        return found

    def _by_xla(self, tensors: Any) -> Any:
        try:
            return self._xla(*tensors)
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.OpError as error:
            self._mode = False
            warnings.warn(
                f"XLA could not compile the model {self._name!r}, so it is run without: "
                f"{error.message.splitlines()[0]} Pass `jit_compile=False` to go without at once.",
                warnings.NotCompiledWarning,
            )
            return self._plain(*tensors)


def _may_pay(graph: Any) -> bool:
    """Whether XLA can take the arguments, which may not be strings, and there is no loop.

    XLA's loops on a CPU were measured ten times slower than TensorFlow's.
    """
    loops = {"While", "StatelessWhile"}
    return not any(tensor.dtype == tf.string for tensor in graph.inputs) and not any(
        operation.type in loops for operation in graph.graph.get_operations()
    )
