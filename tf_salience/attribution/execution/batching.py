"""`PathBatch`: the path of some examples, as a live explanation runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.chunks import ChunkRunner
from tf_salience.attribution.path import PathInputs
from tf_salience.utils import arrays

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class PathBatch:
    """The path of some examples; see `path.Path`.

    Attributes:
        runner: runs the rows.
        inputs: the arrays of which rows are made.
        embeddings: one for each segment, (batch, tokens, dim), at the input.
        masks: one for each segment, (batch, tokens), true for real tokens.
        outputs: (batch,), the target at the input.
        numbers: (batch,), the examples' numbers in the user's batch.
    """

    runner: ChunkRunner
    inputs: PathInputs
    embeddings: tuple[Any, ...]
    masks: tuple[Array, ...]
    outputs: Array
    numbers: Array

    @property
    def examples(self) -> Array:
        """The indices of all examples, (batch,)."""
        return np.arange(len(self.numbers))

    @property
    def widths(self) -> tuple[int, ...]:
        """The tokens of each segment, padding included."""
        return tuple(mask.shape[1] for mask in self.masks)

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Sums token scores over nodes of the path; see `path.Path`."""
        return self.runner.integrate(
            self.inputs.take(examples),
            nodes,
            weights,
            widths=self.widths,
            numbers=self.numbers[examples],
        )

    def target_at(self, node: float) -> Array:
        """Computes the target of every example at one node; see `path.Path`."""
        return self.runner.target_at(self.inputs, node, numbers=self.numbers)

    def target_with(self, embeddings: Sequence[Any]) -> Array:
        """Computes the target of every example, (batch,), with other embeddings.

        Args:
            embeddings: one for each segment, (batch, tokens, dim).
        """
        return self.runner.target_with(self.inputs, tuple(embeddings), numbers=self.numbers)

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
        return PathBatch(
            self.runner,
            self.inputs.take(examples),
            arrays.take(self.embeddings, examples),
            arrays.take(self.masks, examples),
            self.outputs[examples],
            self.numbers[examples],
        )

    def cut(self, width: int) -> "PathBatch":
        """Cuts every segment to its first `width` tokens; all segments must be of one width."""
        (full,) = set(self.widths)
        if width == full:
            return self
        inputs, vectorized = arrays.cut((self.inputs.inputs, self.inputs.vectorized), full, width)
        baselines = tuple(
            baseline if baseline.shape[1] == 1 else baseline[:, :width]
            for baseline in self.inputs.baselines
        )
        return PathBatch(
            self.runner,
            PathInputs(inputs, vectorized, self.inputs.target_indices, baselines),
            tuple(embeddings[:, :width] for embeddings in self.embeddings),
            tuple(mask[:, :width] for mask in self.masks),
            self.outputs,
            self.numbers,
        )
