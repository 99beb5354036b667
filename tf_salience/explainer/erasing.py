"""`Erasing`: the examples of a call, kept for any number of rows of which tokens are erased."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tf_salience.attribution.execution.path_batch import PathBatch
from tf_salience.explainer import removal
from tf_salience.explainer.pipeline import Pipeline
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.utils.arrays import Array


@dataclass
class Erasing:
    """The examples of a call, kept for any number of rows of which tokens are erased.

    Attributes:
        pipeline: what the explainer has compiled.
        parts: the forward passes of the examples and their path batches, in order.
        removes: True: the tokens are cut out of the sequence, and padding follows at its end;
            False: they have the baseline's embeddings.
    """

    pipeline: Pipeline
    parts: Sequence[tuple[ForwardPass, PathBatch]]
    removes: bool = False

    def __post_init__(self) -> None:
        #: The most tokens of each segment, in the order of the calls.
        self._widths = tuple(np.max([batch.widths for _, batch in self.parts], axis=0).tolist())
        if self.removes:
            for forward, batch in self.parts:
                removal.check_removes(forward, batch)

    @property
    def outputs(self) -> Array:
        """The target at the input, (batch,)."""
        return np.concatenate([batch.outputs for _, batch in self.parts])

    @property
    def shape(self) -> tuple[int, int]:
        """The number of examples and of tokens, as in `Explanation.scores`."""
        return sum(len(batch.numbers) for _, batch in self.parts), sum(self._widths)

    def __call__(self, example: Array, erased: Array) -> Array:
        """Computes the target of each row, (rows,), float64, by forward passes in full chunks.

        Args:
            example: (rows,), the index of each row's example in the call.
            erased: (rows, tokens), true for tokens to erase; `tokens` as in `Explanation.scores`.
        """
        targets = np.zeros(len(example))
        start = 0
        for forward, batch in self.parts:
            stop = start + len(batch.numbers)
            rows = np.flatnonzero((example >= start) & (example < stop))
            segments = forward.split_shown(erased[rows], self._widths)
            if self.removes:
                targets[rows] = removal.targets(forward, batch, example[rows] - start, segments)
            else:
                columns = np.concatenate(segments, axis=1)
                targets[rows] = self.pipeline.target_without(
                    forward, batch, example[rows] - start, columns
                )
            start = stop
        return targets
