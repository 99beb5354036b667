"""Chunks of rows, examples x nodes, as a live explanation runs them.

A chunk is one call of a compiled function, which interpolates, takes the gradients, and sums the
weighted scores of each example: its results have no `dim` axis and no `steps` axis. Peak memory
depends on the rows of a chunk and never on the steps.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.compilation import AutoJit, TracedFunction
from tf_salience.attribution.execution.erased_rows import ErasedRows
from tf_salience.attribution.execution.gradient_scale import ScaledRuns
from tf_salience.attribution.execution.memory import RowLimit
from tf_salience.attribution.execution.replicas import local_replicas, on_replicas
from tf_salience.attribution.path import PathGradients, PathInputs, RowResults, check_targets

Array = npt.NDArray[Any]


class ChunkRunner:
    """Compiles and runs the chunks of one model, one target and one reduction.

    Made inside the scope of a `tf.distribute` strategy it spreads the rows over the strategy's
    replicas in this process.

    Args:
        gradients: the computation of a chunk.
        batch_size: examples in one forward pass.
        max_rows: rows in one compiled call on each device, or "auto": as many as suit the device's
            caches and memory. A device that runs out of memory halves it.
        jit_compile: whether XLA compiles the rows, or "auto": where it pays; see `AutoJit`.
        model_name: for warnings.
        fixed_rows: the number of rows that the model takes; None for any.
    """

    def __init__(
        self,
        gradients: PathGradients,
        *,
        batch_size: int,
        max_rows: int | str,
        jit_compile: bool | str,
        model_name: str,
        fixed_rows: int | None = None,
    ) -> None:
        self._fixed_rows = fixed_rows
        self.batch_size = batch_size
        self._limit = RowLimit(max_rows)
        self._row_bytes: dict[Any, float] = {}
        strategy = tf.distribute.get_strategy()
        self._replicas = local_replicas(strategy)
        if self._replicas > 1 and jit_compile == "auto":
            jit_compile = False  # One XLA program belongs to one device.
        self._integrate = AutoJit(
            on_replicas(gradients.integrate, strategy),
            jit_compile=jit_compile,
            model_name=model_name,
        )
        self.uses_float16 = gradients.uses_float16
        self._run = ScaledRuns(self._on_all_replicas, uses_float16=self.uses_float16)
        self.target_at = TracedFunction(gradients.target_at)
        self.target_with = TracedFunction(gradients.target_with)
        self.target_without = ErasedRows(
            AutoJit(
                on_replicas(gradients.target_without, strategy),
                jit_compile=jit_compile,
                model_name=model_name,
            ),
            RowLimit(max_rows),
            replicas=self._replicas,
            fixed_rows=fixed_rows,
        )

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        functions = (self._integrate, self.target_at, self.target_with, self.target_without)
        return sum(function.trace_count for function in functions)

    def run_chunk(
        self,
        inputs: PathInputs,
        widths: Sequence[int],
        examples: Array,
        rows: Array,
        nodes: Array,
        weights: Array,
    ) -> list[tuple[Array, RowResults, Array]]:
        """Runs one chunk.

        Args:
            inputs: of all examples.
            widths: the tokens of each segment, padding included.
            examples: (examples,), the indices of those to run.
            rows: the numbers of the rows that are left, examples x nodes; as many of them as one
                chunk takes are run.
            nodes: (examples, steps), in [0, 1].
            weights: (examples, levels, steps).

        Returns:
            For each device its rows, their results, and the resolution of their gradients: 0, or
            with float16 what is lost below it; see `gradient_scale.RowScales`.
        """
        levels = weights.shape[1]
        shape = (tuple(widths), levels)
        if shape not in self._row_bytes:
            self._row_bytes[shape] = self._bytes_per_row(inputs, levels)
        while True:
            per_replica = self._fixed_rows or self._limit.rows(max(widths), self._row_bytes[shape])
            size = self._replicas * per_replica
            shares = np.array_split(rows[:size], self._replicas)
            shares = [share for share in shares if len(share)]
            padded = min(self._integrate.padded_rows(len(shares[0])), per_replica)
            padded = self._fixed_rows or padded
            chunks = [_chunk(inputs, examples, share, nodes, weights, padded) for share in shares]
            try:
                results = self._run(chunks)
            except tf.errors.ResourceExhaustedError:
                if padded == 1 or self._fixed_rows is not None:
                    raise
                self._limit.halve(len(shares[0]), max(widths))
                continue
            for result, _ in results:
                check_targets(result.targets, padded)
            return [(share, *result) for share, result in zip(shares, results, strict=True)]

    def _on_all_replicas(self, *chunks: Any) -> list[Any]:
        """Runs one chunk on each replica; one without rows of its own repeats the first ones."""
        idle = chunks[:1] * (self._replicas - len(chunks))
        return list(self._integrate(*chunks, *idle)[: len(chunks)])

    def filled(self, examples: Array) -> Array:
        """Fills indices of examples up to the number of rows that the model takes, by the last."""
        missing = (self._fixed_rows or 0) - len(examples)
        return np.pad(examples, (0, max(0, missing)), mode="edge")

    def _bytes_per_row(self, inputs: PathInputs, levels: int) -> float:
        if not self._limit.is_automatic:
            return 0.0
        first = np.zeros(1, np.int64)
        row = _chunk(inputs, first, first, np.ones((1, 1)), np.ones((1, levels, 1)), 1)
        row = (*row, np.ones(1, np.float32))
        return self._integrate.bytes_per_row(*[row] * self._replicas) / self._replicas


def _chunk(
    inputs: PathInputs, examples: Array, rows: Array, nodes: Array, weights: Array, padded: int
) -> Any:
    """Returns the arguments of `PathGradients.integrate` for some rows, without their scales.

    The rows are padded with copies of the last, without weight; the examples to one a row, with
    copies that no row uses. So the shapes depend on the number of rows alone.
    """
    missing = padded - len(rows)
    example, node = np.divmod(np.pad(rows, (0, missing), mode="edge"), nodes.shape[1])
    row_weights = weights[example, :, node]
    row_weights[len(rows) :] = 0.0
    members = np.minimum(example[0] + np.arange(padded), example[-1])
    return (
        inputs.take(examples[members]),
        (example - example[0]).astype(np.int32),
        nodes[example, node],
        row_weights,
    )
