"""The path of a live explanation, run in chunks of rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.attribution.execution.chunks import ChunkRunner
from tf_salience.attribution.execution.gradient_scale import warn_of_underflow
from tf_salience.attribution.path import PathInputs, check_targets
from tf_salience.utils import arrays, validation

Array = npt.NDArray[Any]


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
        units: as `path.Path` has them.
    """

    runner: ChunkRunner
    inputs: PathInputs
    embeddings: tuple[Any, ...]
    masks: tuple[Array, ...]
    outputs: Array
    numbers: Array
    end_tolerance: float = np.inf
    units: tuple[Array, ...] = ()

    def __post_init__(self) -> None:
        self._end_targets = np.full(len(self.numbers), np.nan)
        #: The largest gradient of each example, and the largest that may have been lost.
        self._largest, self._lost = np.zeros((2, len(self.numbers)))

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
        levels, steps = weights.shape[-2:]
        nodes = np.broadcast_to(nodes, (len(examples), steps))
        weights = np.broadcast_to(weights, (len(examples), levels, steps))
        sums = np.zeros((len(examples), levels, sum(self.widths)))
        outputs = np.zeros(len(examples) * steps)
        start = 0
        while start < len(outputs):
            # Examples stay together: a chunk then holds few of them, however many nodes each has.
            rows = np.arange(start, len(outputs))
            chunks = self.runner.run_chunk(self.inputs, self.widths, examples, rows, nodes, weights)
            for share, results, resolution in chunks:
                example = share // steps
                self._check_finite(
                    "The target and its gradients",
                    results.finite[: len(share)],
                    self.numbers[examples[example]],
                )
                outputs[share] = results.targets[: len(share)]
                first, last = example[0], example[-1] + 1
                sums[first:last] += results.sums[: last - first]
                np.maximum.at(self._largest, examples[example], results.largest[: len(share)])
                np.maximum.at(self._lost, examples[example], resolution[: len(share)])
                start = int(share[-1]) + 1
        if self.runner.uses_float16:
            self._warn_of_underflow(examples)
        targets_at_nodes = outputs.reshape(len(examples), steps)
        at_end, node = np.nonzero(nodes == 1.0)
        if at_end.size:
            self._end_targets[examples[at_end]] = targets_at_nodes[at_end, node]
            self._check_end(examples[at_end])
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

    def target_without(self, example: Array, erased: Array) -> Array:
        """Computes the target with some tokens at their baseline; see `path.Path`."""
        targets = self.runner.target_without(self.inputs, self.widths, example, erased)
        self._check_finite("The target", np.isfinite(targets), self.numbers[example])
        whole = np.flatnonzero(~erased.any(axis=1))
        self._end_targets[example[whole]] = targets[whole]
        self._check_end(example[whole])
        return targets

    def take(self, examples: Array) -> "PathBatch":
        """Takes some of the examples, in the order of their indices."""
        return replace(
            self,
            inputs=self.inputs.take(examples),
            embeddings=arrays.take(self.embeddings, examples),
            masks=arrays.take(self.masks, examples),
            units=arrays.take(self.units, examples),
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
            units=tuple(units[:, :width] for units in self.units),
            end_tolerance=np.inf,
        )

    def _in_batches(self, targets: Callable[[Array], Any]) -> Array:
        """Computes targets by forward passes alone, `batch_size` examples at a time."""
        outputs = np.zeros(len(self.numbers))
        for start in range(0, len(outputs), self.runner.batch_size):
            batch = self.examples[start : start + self.runner.batch_size]
            filled = self.runner.filled(batch)
            outputs[batch] = check_targets(targets(filled), len(filled))[: len(batch)]
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
                "The target of an example must not depend on the other rows of its batch. "
                f"Received: {self._end_targets[wrong[0]]:.6g} in a batch of rows and "
                f"{self.outputs[wrong[0]]:.6g} alone, in "
                f"{validation.format_examples(self.numbers[wrong].tolist())}. Check the model for "
                "random numbers, and for layers that mix the examples of a batch, as "
                "`BatchNormalization` called with `training=True` does."
            )

    def _warn_of_underflow(self, examples: Array) -> None:
        """Warns once of examples, of those with a real token, whose gradients are lost."""
        has_token = np.any([mask[examples].any(axis=1) for mask in self.masks], axis=0)
        lost = np.unique(examples[has_token & (self._lost[examples] > self._largest[examples])])
        if len(lost):
            warn_of_underflow(self.numbers[lost].tolist())
            self._largest[lost] = np.inf

    def _check_finite(self, name: str, finite: Any, numbers: Array) -> None:
        validation.check_finite(
            f"{name} along the path",
            np.where(finite, 0.0, np.nan),
            fix="Check the weights, the target, and where the path starts (the baseline).",
            examples=numbers.tolist(),
        )
