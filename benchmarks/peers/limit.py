"""The arithmetic limit: the FLOPs of the matrix products, at the rate this machine multiplies."""

import statistics
from time import perf_counter
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import flops
from benchmarks.peers.base import Array
from benchmarks.work import Work

#: Matrices (rows, inner) x (inner, columns): square ones, and one as a transformer has them.
_SIZES = [(2048, 2048, 2048), (3072, 3072, 3072), (2048, 256, 1024)]
_SECONDS = 0.5


class Limit:
    """Measures the rate of matrix products anew each time it is run, and divides."""

    def __init__(self, work: Work) -> None:
        self.facts: dict[str, Any] = {}
        self._work = work
        difference = self._counted() / flops.of_row(work.shape, work.shape.tokens) - 1
        self.notes = [
            f"FLOPs in a traced row differ by {abs(difference):.2%} from those reckoned here"
        ]
        self._operands = [
            tuple(
                tf.constant(np.random.default_rng(0).standard_normal(size), tf.float32)
                for size in ((rows, inner), (inner, columns))
            )
            for rows, inner, columns in _SIZES
        ]

    def __call__(self, examples: Array, steps: Any) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        rate = max(self._rate(left, right) for left, right in self._operands)
        lengths = self._work.mask[examples].sum(axis=1)
        needed = flops.of_rows(self._work.shape, lengths.tolist(), steps)
        self.facts = {"seconds": needed / rate, "gflops_a_second": rate / 1e9, "flops": needed}
        return np.zeros(self._work.ids[examples].shape)

    def tune(self, examples: Array, steps: Any) -> None:
        """The largest rate of some sizes is taken each time."""

    def _rate(self, left: Any, right: Any) -> float:
        each = 2.0 * left.shape[0] * left.shape[1] * right.shape[1]
        seconds, until = [], perf_counter() + _SECONDS
        while perf_counter() < until:
            start = perf_counter()
            tf.matmul(left, right)
            seconds.append(perf_counter() - start)
        # A median, as of all rows: no program has the machine at its best moment all the time.
        return each / statistics.median(seconds)

    def _counted(self) -> float:
        """The FLOPs of one traced row of full length."""
        model, shape = self._work.model(), self._work.shape

        def row(embeddings: Any, mask: Any) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(embeddings)
                output = model.head(model.pooled(embeddings, mask, False))[:, 0]
            return tape.gradient(output, embeddings)

        traced = tf.function(row).get_concrete_function(
            tf.TensorSpec((1, shape.tokens, shape.dim)), tf.TensorSpec((1, shape.tokens), tf.bool)
        )
        return flops.counted(traced.graph)


def make(work: Work) -> Limit:
    """The limit of one piece of work."""
    return Limit(work)
