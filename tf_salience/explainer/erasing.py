"""`Erasing`: some examples of a call, kept for any number of rows of which tokens are erased."""

from dataclasses import dataclass

import numpy as np

from tf_salience.attribution.execution.path_batch import PathBatch
from tf_salience.explainer import removal
from tf_salience.explainer.pipeline import Pipeline
from tf_salience.models.embeddings.forward_pass import ForwardPass
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
