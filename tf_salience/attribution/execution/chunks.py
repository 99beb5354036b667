"""Chunks of rows, examples x nodes, through one compiled function.

The compiled function interpolates, takes the gradients, and sums the weighted scores of each
example: its results have no `dim` axis and no `steps` axis. It is called once when all rows fit
into `max_rows`, and in a loop with running sums when they do not, so that peak memory depends on
`max_rows` and never on `steps`.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.compilation import AutoJit, TracedFunction
from tf_salience.attribution.execution.memory import power_of_two_rows
from tf_salience.attribution.execution.replicas import on_replicas
from tf_salience.attribution.path import PathGradients, PathInputs
from tf_salience.utils import arrays, validation, warnings

Array = npt.NDArray[Any]


class ChunkRunner:
    """Runs the rows of one model, one target and one reduction.

    Made inside the scope of a `tf.distribute` strategy it spreads the rows over its replicas.

    Args:
        gradients: the computation of a chunk.
        batch_size: examples in one forward pass.
        max_rows: rows in one compiled call on each device, or "auto": as many as suit the device's
            caches and memory. A device that runs out of memory halves it.
        jit_compile: whether XLA compiles the rows, or "auto": where it pays; see `AutoJit`.
        model_name: for warnings.
    """

    def __init__(
        self,
        gradients: PathGradients,
        *,
        batch_size: int,
        max_rows: int | str,
        jit_compile: bool | str,
        model_name: str,
    ) -> None:
        self._batch_size = batch_size
        self._max_rows = max_rows
        strategy = tf.distribute.get_strategy()
        self.replicas = strategy.num_replicas_in_sync
        if self.replicas > 1 and jit_compile == "auto":
            jit_compile = False  # One XLA program belongs to one device.
        self._integrate = AutoJit(
            on_replicas(gradients.integrate, strategy),
            jit_compile=jit_compile,
            model_name=model_name,
        )
        self._target_at = TracedFunction(gradients.target_at)
        self._target_with = TracedFunction(gradients.target_with)
        self._suitable_rows: dict[Any, int] = {}
        self._most_tokens = math.inf

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        functions = (self._integrate, self._target_at, self._target_with)
        return sum(function.trace_count for function in functions)

    def integrate(
        self,
        inputs: PathInputs,
        nodes: Array,
        weights: Array,
        *,
        widths: tuple[int, ...],
        numbers: Array,
    ) -> tuple[Array, Array]:
        """Sums token scores over nodes of the path, for each example.

        Args:
            inputs: the examples.
            nodes: (steps,), in [0, 1].
            weights: (levels, steps).
            widths: the tokens of each segment, padding included.
            numbers: (batch,), the examples' numbers in the user's batch, for messages.

        Returns:
            Weighted sums, (batch, levels, tokens), all segments side by side, and the target at
            each node, (batch, steps). float64, summed in the precision that the model calls for.

        Raises:
            ValueError: for a layer without gradient, or gradients that are not finite.
        """
        batch, steps = len(numbers), len(nodes)
        sums = np.zeros((batch, len(weights), sum(widths)))
        outputs = np.zeros(batch * steps)
        start = 0
        while start < batch * steps:
            size = self._rows_per_device(inputs, widths, len(weights)) * self.replicas
            # Examples stay together: a chunk then holds few of them, however many nodes each has.
            rows = np.arange(start, min(start + size, batch * steps))
            shares = [share for share in np.array_split(rows, self.replicas) if len(share)]
            padded = min(self._integrate.padded_rows(len(shares[0])), size // self.replicas)
            results = self._run([_chunk(inputs, share, nodes, weights, padded) for share in shares])
            if results is None:
                self._halve(len(shares[0]), max(widths))
                continue
            for share, (share_sums, targets, finite) in zip(shares, results, strict=True):
                example = share // steps
                outputs[share] = _check_targets(targets, padded)[: len(share)]
                _check_finite(
                    "The target and its gradients", finite[: len(share)], numbers[example]
                )
                sums[example[0] : example[-1] + 1] += share_sums[: example[-1] + 1 - example[0]]
            start += len(rows)
        return sums, outputs.reshape(batch, steps)

    def target_at(self, inputs: PathInputs, node: float, *, numbers: Array) -> Array:
        """Computes the target of each example at one node, (batch,), by forward passes alone."""

        def batch_targets(examples: Array) -> Array:
            nodes = np.full(len(examples), node)
            rows = np.arange(len(examples), dtype=np.int32)
            return self._target_at(inputs.take(examples), rows, nodes)

        return self._in_batches(batch_targets, numbers)

    def target_with(
        self, inputs: PathInputs, embeddings: tuple[Any, ...], *, numbers: Array
    ) -> Array:
        """Computes the target of each example, (batch,), with other embeddings.

        Args:
            inputs: the examples.
            embeddings: one for each segment, (batch, tokens, dim).
            numbers: (batch,), the examples' numbers in the user's batch, for messages.
        """

        def batch_targets(examples: Array) -> Array:
            return self._target_with(inputs.take(examples), arrays.take(embeddings, examples))

        return self._in_batches(batch_targets, numbers)

    def _in_batches(self, batch_targets: Any, numbers: Array) -> Array:
        """Computes targets, `batch_size` examples at a time."""
        targets = np.zeros(len(numbers))
        for start in range(0, len(numbers), self._batch_size):
            examples = np.arange(start, min(start + self._batch_size, len(numbers)))
            targets[examples] = _check_targets(batch_targets(examples), len(examples))
        _check_finite("The target", np.isfinite(targets), numbers)
        return targets

    def _rows_per_device(self, inputs: PathInputs, widths: tuple[int, ...], levels: int) -> int:
        """Returns the number of rows that each device takes in the next call."""
        rows = self._max_rows
        if rows == "auto":
            shape = (widths, levels)
            if shape not in self._suitable_rows:
                row = _chunk(inputs, np.zeros(1, np.int64), np.ones(1), np.ones((levels, 1)), 1)
                row_bytes = self._integrate.bytes_per_row(*[row] * self.replicas) / self.replicas
                self._suitable_rows[shape] = power_of_two_rows(max(widths), row_bytes)
            rows = self._suitable_rows[shape]
        return max(1, int(min(rows, self._most_tokens // max(widths))))

    def _run(self, chunks: list[Any]) -> Any:
        """Runs one chunk on each replica; None where memory was not enough."""
        idle = self.replicas - len(chunks)
        try:
            # A replica without rows of its own repeats the first ones.
            return self._integrate(*chunks, *chunks[:1] * idle)[: len(chunks)]
        except tf.errors.ResourceExhaustedError:
            if len(chunks[0][1]) == 1:
                raise
            return None

    def _halve(self, rows: int, width: int) -> None:
        """Halves the rows from now on; warns the first time."""
        if self._most_tokens == math.inf:
            warnings.warn(
                f"The device ran out of memory with {rows} rows of {width} tokens; half of them "
                f"are run from now on. Pass `max_rows={rows // 2}` to start there.",
                warnings.SmallerChunksWarning,
            )
        self._most_tokens = rows // 2 * width


def _chunk(inputs: PathInputs, rows: Array, nodes: Array, weights: Array, padded: int) -> Any:
    """Returns the arguments of `PathGradients.integrate` for some rows, examples x nodes.

    The rows are padded with copies of the last, without weight; the examples to one a row, with
    copies that no row uses. So the shapes depend on the number of rows alone.
    """
    missing = padded - len(rows)
    example, node = np.divmod(np.pad(rows, (0, missing), mode="edge"), len(nodes))
    members = np.minimum(example[0] + np.arange(padded), example[-1])
    return (
        inputs.take(members),
        (example - example[0]).astype(np.int32),
        nodes[node],
        np.pad(weights.T[node[: len(rows)]], [(0, missing), (0, 0)]),
    )


def _check_targets(targets: Any, rows: int) -> Any:
    if len(targets) != rows:
        raise ValueError(
            "A callable `target` must return one number for each row, and look at that row alone. "
            f"Received: {len(targets)} numbers for {rows} rows"
        )
    return targets


def _check_finite(name: str, finite: Any, numbers: Array) -> None:
    validation.check_finite(
        f"{name} along the path",
        np.where(finite, 0.0, np.nan),
        mend="Check the weights, the target, and where the path starts (the baseline).",
        examples=numbers.tolist(),
    )
