"""The path of a live explanation, run in chunks of rows, examples x nodes.

A chunk is one call of a compiled function, which interpolates, takes the gradients, and sums the
weighted scores of each example: its results have no `dim` axis and no `steps` axis. Peak memory
depends on the rows of a chunk and never on the steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.compilation import AutoJit, TracedFunction, on_replicas
from tf_salience.attribution.execution.memory import RowLimit
from tf_salience.attribution.path import PathGradients, PathInputs
from tf_salience.utils import arrays, validation

Array = npt.NDArray[Any]


class ChunkRunner:
    """Compiles and runs the chunks of one model, one target and one reduction.

    Made inside the scope of a `tf.distribute` strategy it spreads the rows over its replicas.

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
        self._replicas = strategy.num_replicas_in_sync
        if self._replicas > 1 and jit_compile == "auto":
            jit_compile = False  # One XLA program belongs to one device.
        self._integrate = AutoJit(
            on_replicas(gradients.integrate, strategy),
            jit_compile=jit_compile,
            model_name=model_name,
        )
        self.target_at = TracedFunction(gradients.target_at)
        self.target_with = TracedFunction(gradients.target_with)

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        functions = (self._integrate, self.target_at, self.target_with)
        return sum(function.trace_count for function in functions)

    def run_chunk(
        self, inputs: PathInputs, widths: Sequence[int], rows: Array, nodes: Array, weights: Array
    ) -> list[tuple[Array, Any]]:
        """Runs one chunk.

        Args:
            inputs: the examples.
            widths: the tokens of each segment, padding included.
            rows: the numbers of the rows that are left, examples x nodes; as many of them as one
                chunk takes are run.
            nodes: (examples, steps), in [0, 1].
            weights: (examples, levels, steps).

        Returns:
            For each device its rows and their results; see `PathGradients.integrate`.
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
            chunks = [_chunk(inputs, share, nodes, weights, padded) for share in shares]
            # A replica without rows of its own repeats the first ones.
            idle = chunks[:1] * (self._replicas - len(chunks))
            try:
                results = self._integrate(*chunks, *idle)[: len(chunks)]
            except tf.errors.ResourceExhaustedError:
                if padded == 1 or self._fixed_rows is not None:
                    raise
                self._limit.halve(len(shares[0]), max(widths))
                continue
            for _, targets, _ in results:
                _check_targets(targets, padded)
            return list(zip(shares, results, strict=True))

    def filled(self, examples: Array) -> Array:
        """Fills indices of examples up to the number of rows that the model takes, by the last."""
        missing = (self._fixed_rows or 0) - len(examples)
        return np.pad(examples, (0, max(0, missing)), mode="edge")

    def _bytes_per_row(self, inputs: PathInputs, levels: int) -> float:
        if not self._limit.is_automatic:
            return 0.0
        row = _chunk(inputs, np.zeros(1, np.int64), np.ones((1, 1)), np.ones((1, levels, 1)), 1)
        return self._integrate.bytes_per_row(*[row] * self._replicas) / self._replicas


def _chunk(inputs: PathInputs, rows: Array, nodes: Array, weights: Array, padded: int) -> Any:
    """Returns the arguments of `PathGradients.integrate` for some rows.

    The rows are padded with copies of the last, without weight; the examples to one a row, with
    copies that no row uses. So the shapes depend on the number of rows alone.
    """
    missing = padded - len(rows)
    example, node = np.divmod(np.pad(rows, (0, missing), mode="edge"), nodes.shape[1])
    row_weights = weights[example, :, node]
    row_weights[len(rows) :] = 0.0
    members = np.minimum(example[0] + np.arange(padded), example[-1])
    return (
        inputs.take(members),
        (example - example[0]).astype(np.int32),
        nodes[example, node],
        row_weights,
    )


@dataclass
class PathBatch:
    """The path of some examples; see `path.Path`.

    Attributes:
        runner: runs the chunks.
        inputs: the arrays of which rows are made.
        embeddings: one for each segment, (batch, tokens, dim), at the input.
        masks: one for each segment, (batch, tokens), true for real tokens.
        outputs: (batch,), the target at the input.
        numbers: (batch,), the examples' numbers in the user's batch.
        end_tolerance: how far the target at the end of the path may be from that at the input,
            relative to the largest of the batch; infinite where tokens are cut off.
    """

    runner: ChunkRunner
    inputs: PathInputs
    embeddings: tuple[Any, ...]
    masks: tuple[Array, ...]
    outputs: Array
    numbers: Array
    end_tolerance: float = np.inf

    def __post_init__(self) -> None:
        self._end_targets = np.full(len(self.numbers), np.nan)

    @property
    def examples(self) -> Array:
        """The indices of all examples, (batch,)."""
        return np.arange(len(self.numbers))

    @property
    def widths(self) -> tuple[int, ...]:
        """The tokens of each segment, padding included."""
        return tuple(mask.shape[1] for mask in self.masks)

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Sums token scores over nodes of the path; see `path.Path`.

        The sums are float64, of rows in the precision that the model calls for.

        Raises:
            ValueError: for a layer without gradient, or gradients that are not finite.
        """
        inputs, (levels, steps) = self.inputs.take(examples), weights.shape[-2:]
        nodes = np.broadcast_to(nodes, (len(examples), steps))
        weights = np.broadcast_to(weights, (len(examples), levels, steps))
        sums = np.zeros((len(examples), levels, sum(self.widths)))
        outputs = np.zeros(len(examples) * steps)
        start = 0
        while start < len(outputs):
            # Examples stay together: a chunk then holds few of them, however many nodes each has.
            rows = np.arange(start, len(outputs))
            for share, results in self.runner.run_chunk(inputs, self.widths, rows, nodes, weights):
                row_sums, targets, finite = results
                example = share // steps
                self._check_finite(
                    "The target and its gradients",
                    finite[: len(share)],
                    self.numbers[examples[example]],
                )
                outputs[share] = targets[: len(share)]
                first, last = example[0], example[-1] + 1
                sums[first:last] += row_sums[: last - first]
                start = int(share[-1]) + 1
        targets_at_nodes = outputs.reshape(len(examples), steps)
        at_end = np.flatnonzero((nodes == 1.0).all(axis=0))
        if at_end.size:
            self._end_targets[examples] = targets_at_nodes[:, at_end[0]]
            self._check_end(examples)
        return sums, targets_at_nodes

    def target_at(self, node: float) -> Array:
        """Computes the target of every example at one node; see `path.Path`."""

        def targets(batch: Array) -> Any:
            rows = np.arange(len(batch), dtype=np.int32)
            return self.runner.target_at(self.inputs.take(batch), rows, np.full(len(batch), node))

        return self._in_batches(targets)

    def end_targets(self) -> Array:
        """Returns the target of every example at the end of its path, (batch,).

        A forward pass is spent on it only where no row was at the end.
        """
        unseen = np.isnan(self._end_targets)
        if unseen.any():
            self._end_targets[unseen] = self.target_at(1.0)[unseen]
        return self._end_targets

    def target_with(self, embeddings: Sequence[Any]) -> Array:
        """Computes the target of every example, (batch,), with other embeddings.

        Args:
            embeddings: one for each segment, (batch, tokens, dim).
        """

        def targets(batch: Array) -> Any:
            return self.runner.target_with(
                self.inputs.take(batch), arrays.take(tuple(embeddings), batch)
            )

        return self._in_batches(targets)

    def ablate(self, erased: Sequence[Array]) -> Array:
        """Computes the target of every example, (batch,), with some tokens at their baseline.

        Args:
            erased: one for each segment, (batch, tokens), true for the tokens to erase.
        """
        return self.target_with(
            [
                tf.where(mask[:, :, None], tf.cast(baseline, embeddings.dtype), embeddings)
                for mask, baseline, embeddings in zip(
                    erased, self.inputs.baselines, self.embeddings, strict=True
                )
            ]
        )

    def take(self, examples: Array) -> "PathBatch":
        """Takes some of the examples, in the order of their indices."""
        return replace(
            self,
            inputs=self.inputs.take(examples),
            embeddings=arrays.take(self.embeddings, examples),
            masks=arrays.take(self.masks, examples),
            outputs=self.outputs[examples],
            numbers=self.numbers[examples],
        )

    def cut(self, width: int) -> "PathBatch":
        """Cuts every segment to its first `width` tokens; all segments must be of one width."""
        (full,) = set(self.widths)
        if width == full:
            return self
        nest, vectorized = arrays.cut((self.inputs.nest, self.inputs.vectorized), full, width)
        baselines = tuple(
            baseline if baseline.shape[1] == 1 else baseline[:, :width]
            for baseline in self.inputs.baselines
        )
        return replace(
            self,
            inputs=PathInputs(nest, vectorized, self.inputs.target_indices, baselines),
            embeddings=tuple(embeddings[:, :width] for embeddings in self.embeddings),
            masks=tuple(mask[:, :width] for mask in self.masks),
            end_tolerance=np.inf,
        )

    def _in_batches(self, targets: Callable[[Array], Any]) -> Array:
        """Computes targets by forward passes alone, `batch_size` examples at a time."""
        outputs = np.zeros(len(self.numbers))
        for start in range(0, len(outputs), self.runner.batch_size):
            batch = self.examples[start : start + self.runner.batch_size]
            filled = self.runner.filled(batch)
            outputs[batch] = _check_targets(targets(filled), len(filled))[: len(batch)]
        self._check_finite("The target", np.isfinite(outputs), self.numbers)
        return outputs

    def _check_end(self, examples: Array) -> None:
        """Raises a ValueError where the rows give another target than the examples by themselves.

        Other rows run beside them, and the embeddings are set; neither may matter.
        """
        difference = np.abs(self._end_targets[examples] - self.outputs[examples])
        wrong = examples[difference > self.end_tolerance * np.abs(self.outputs).max()]
        if len(wrong):
            raise ValueError(
                "The target at the input must not depend on what is run beside it. Received: "
                f"{self._end_targets[wrong[0]]:.6g} in a batch of rows and "
                f"{self.outputs[wrong[0]]:.6g} by itself, in "
                f"{validation.format_examples(self.numbers[wrong].tolist())}. Check the model for "
                "random numbers, and for layers that mix the examples of a batch, as "
                "`BatchNormalization` called with `training=True` does."
            )

    def _check_finite(self, name: str, finite: Any, numbers: Array) -> None:
        validation.check_finite(
            f"{name} along the path",
            np.where(finite, 0.0, np.nan),
            mend="Check the weights, the target, and where the path starts (the baseline).",
            examples=numbers.tolist(),
        )


def _check_targets(targets: Any, rows: int) -> Any:
    if len(targets) != rows:
        raise ValueError(
            "A callable `target` must return one number for each row, and look at that row alone. "
            f"Received: {len(targets)} numbers for {rows} rows"
        )
    return targets
