"""The floor: forward and backward passes over the same rows, written by hand, and nothing else."""

from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.peers.base import Array, fastest, gauss_legendre
from benchmarks.work import Work

#: Rows a call, compiled by XLA or not; 0 rows: all of them.
_CHOICES = [(rows, xla) for xla in (False, True) for rows in (16, 32, 64)] + [(0, False)]


class Bare:
    """Chunks of rows through one compiled function; the chunks are the fastest of some."""

    def __init__(self, work: Work) -> None:
        self.notes: list[str] = []
        self.facts: dict[str, Any] = {}
        self._work = work
        self._model = work.model()
        self._embeddings = np.asarray(self._model.embed(work.ids))
        self._choice = (32, False)
        self._compiled = cache(lambda xla: tf.function(self._trace, jit_compile=xla or None))

    def __call__(self, examples: Array, steps: int) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        return self._run(examples, steps, self._choice)

    def tune(self, examples: Array, steps: int) -> None:
        """Tries chunks of several sizes, with XLA and without."""
        self._choice = fastest(_CHOICES, lambda choice: self._run(examples, steps, choice))
        rows, xla = self._choice
        self.notes = [f"{rows or 'all'} rows a call, {'XLA' if xla else 'tf.function'}"]

    def _run(self, examples: Array, steps: int, choice: tuple[int, bool]) -> Array:
        chunk, xla = choice
        nodes, weights = (part.astype(np.float32) for part in gauss_legendre(steps))
        example, node = np.divmod(np.arange(len(examples) * steps), steps)
        chunk = chunk or len(example)
        scores = np.zeros((len(examples), self._work.ids.shape[1]))
        for start in range(0, len(example), chunk):
            # XLA compiles for each shape: the last chunk is filled up with rows of no weight.
            rows = np.arange(start, start + chunk) % len(example)
            fresh = np.arange(start, start + chunk) < len(example)
            owner = examples[example[rows]]
            found = self._compiled(xla)(
                self._embeddings[owner],
                self._work.mask[owner],
                self._work.target[owner],
                nodes[node[rows]],
            )
            weighted = found.numpy() * (weights[node[rows]] * fresh)[:, None]
            np.add.at(scores, example[rows], weighted)
        return scores

    def _trace(self, embeddings: Any, mask: Any, target: Any, nodes: Any) -> Any:
        points = nodes[:, None, None] * embeddings
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            logits = self._model.head(self._model.pooled(points, mask, False))
            total = tf.reduce_sum(tf.gather(logits, target, batch_dims=1))
        return tf.reduce_sum(tape.gradient(total, points) * embeddings, axis=-1)


def make(work: Work) -> Bare:
    """The tool for one piece of work."""
    return Bare(work)
