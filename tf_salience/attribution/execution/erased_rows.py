"""Rows of which some tokens are erased, run in chunks by one compiled forward function."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.compilation import AutoJit
from tf_salience.attribution.execution.memory import RowLimit
from tf_salience.attribution.path import PathInputs, check_targets

Array = npt.NDArray[Any]


class ErasedRows:
    """Computes targets of rows with some tokens at their baseline, in full chunks.

    Rows of all examples are run side by side: a chunk does not end where an example does.

    Args:
        function: the compiled `PathGradients.target_without`, on every replica.
        limit: the most rows of a chunk on each device.
        replicas: the number of devices.
        fixed_rows: the number of rows that the model takes; None for any.
    """

    def __init__(
        self, function: AutoJit, limit: RowLimit, *, replicas: int, fixed_rows: int | None
    ) -> None:
        self._function = function
        self._limit = limit
        self._replicas = replicas
        self._fixed_rows = fixed_rows
        self._row_bytes: dict[tuple[int, ...], float] = {}

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        return self._function.trace_count

    def __call__(
        self, inputs: PathInputs, widths: Sequence[int], example: Array, erased: Array
    ) -> Array:
        """Computes the target of each row, (rows,), float64.

        Args:
            inputs: the examples.
            widths: the tokens of each segment, padding included.
            example: (rows,), the index of each row's example.
            erased: (rows, tokens), true for the tokens to erase.
        """
        targets = np.zeros(len(example))
        start = 0
        while start < len(example):
            size = self._replicas * self._rows_per_replica(inputs, tuple(widths), erased)
            rows = np.arange(start, min(start + size, len(example)))
            shares = [share for share in np.array_split(rows, self._replicas) if len(share)]
            try:
                results = self._run(inputs, shares, example, erased, size // self._replicas)
            except tf.errors.ResourceExhaustedError:
                if len(shares[0]) == 1 or self._fixed_rows is not None:
                    raise
                self._limit.halve(len(shares[0]), max(widths))
                continue
            for share, result in zip(shares, results, strict=False):
                targets[share] = np.asarray(result)[: len(share)]
            start = int(rows[-1]) + 1
        return targets

    def _run(
        self, inputs: PathInputs, shares: Sequence[Array], example: Array, erased: Array, most: int
    ) -> list[Any]:
        """Runs one chunk on each replica; one without rows of its own repeats the first ones."""
        padded = min(self._function.padded_rows(len(shares[0])), most)
        padded = self._fixed_rows or padded
        chunks = []
        for share in shares:
            filled = np.pad(share, (0, padded - len(share)), mode="edge")
            chunks.append((inputs.take(example[filled]), erased[filled]))
        idle = chunks[:1] * (self._replicas - len(chunks))
        return [check_targets(result, padded) for result in self._function(*chunks, *idle)]

    def _rows_per_replica(self, inputs: PathInputs, widths: tuple[int, ...], erased: Array) -> int:
        if self._fixed_rows is not None:
            return self._fixed_rows
        if not self._limit.is_automatic:
            return self._limit.rows(max(widths), 0.0)
        if widths not in self._row_bytes:
            row = (inputs.take(np.zeros(1, np.int64)), erased[:1])
            total = self._function.bytes_per_row(*[row] * self._replicas)
            self._row_bytes[widths] = total / self._replicas
        return self._limit.rows(max(widths), self._row_bytes[widths])
