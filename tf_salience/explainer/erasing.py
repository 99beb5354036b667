"""The target with tokens erased: for sets of tokens at once, or for any number of rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_salience.attribution.execution.path_batch import PathBatch
from tf_salience.explainer import removal
from tf_salience.explainer.pipeline import Pipeline
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.inputs import Inputs
from tf_salience.targets import Target
from tf_salience.utils.arrays import Array


@dataclass
class Erasing:
    """Some examples of a call, kept for any number of rows of which tokens are erased.

    Attributes:
        pipeline: what the explainer has compiled.
        forward: the forward pass of the examples.
        batch: their path batch.
        removes: True: the tokens are cut out of the sequence, and padding follows at its end;
            False: they have the baseline's embeddings.
    """

    pipeline: Pipeline
    forward: ForwardPass
    batch: PathBatch
    removes: bool = False

    def __post_init__(self) -> None:
        if self.removes:
            removal.check_removes(self.forward, self.batch)

    @property
    def numbers(self) -> Array:
        """The examples' numbers in the user's inputs, (batch,)."""
        return self.batch.numbers

    @property
    def widths(self) -> list[int]:
        """The tokens of each segment, padding included, in the order in which a user sees them."""
        return [segment.width for segment in self.forward.shown]

    def __call__(self, example: Array, erased: Array) -> Array:
        """Computes the target of each row, (rows,), float64, by forward passes in full chunks.

        Args:
            example: (rows,), the index of each row's example among these.
            erased: (rows, tokens), true for tokens to erase, all segments side by side as a user
                sees them.
        """
        widths = [segment.width for segment in self.forward.segments]
        segments = self.forward.split_shown(erased, widths)
        if self.removes:
            return removal.targets(self.forward, self.batch, example, segments)
        columns = np.concatenate(segments, axis=1)
        return self.pipeline.target_without(self.forward, self.batch, example, columns)


def targets_without(
    pipeline: Pipeline, inputs: Inputs, labels: Any, target: Target, erased: Array
) -> Array:
    """Computes the target of every example with sets of tokens erased, (sets, batch).

    Args:
        pipeline: what the explainer has compiled.
        inputs: of all examples.
        labels: (batch,), or None.
        target: the target.
        erased: (sets, batch, tokens), true for tokens to erase.

    Raises:
        ValueError: for another shape of `erased`.
    """
    batches: Iterable[Any] = pipeline.batches(inputs, labels, target)
    if len(pipeline.batches.ranges(inputs)) == 1:
        batches = list(batches)
        widths = batches[0][-1].widths
    else:
        # Texts may be wider in one range than in another, so all are run once for their width.
        widths = pipeline.batches.widest(inputs)
    expected = (inputs.total, sum(widths))
    if erased.ndim != 3 or erased.shape[1:] != expected:
        raise ValueError(
            "`erased` must be of shape (sets, batch, tokens), with the last two as in "
            f"`Explanation.mask`: (sets, {expected[0]}, {expected[1]}). "
            f"Received: shape {erased.shape}"
        )
    outputs = np.zeros(erased.shape[:2])
    for forward, _, batch in batches:
        rows = erased[:, batch.numbers].reshape(-1, erased.shape[2])
        example = np.tile(np.arange(len(batch.numbers)), len(erased))
        columns = np.concatenate(forward.split_shown(rows, widths), axis=1)
        targets = pipeline.target_without(forward, batch, example, columns)
        outputs[:, batch.numbers] = targets.reshape(len(erased), -1)
    return outputs
