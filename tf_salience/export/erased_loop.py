"""`ErasedLoop`: rows of which some tokens are erased, run in chunks by a loop of the graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution.path import PathGradients, PathInputs

#: From the tokens of a row, a scalar, to the number of rows that are run at once, a scalar.
ChunkSize = Callable[[Any], Any]


class ErasedLoop:
    """Computes targets of rows with some tokens at their baseline, one chunk after the other.

    Args:
        gradients: the computation of a row.
        chunk_size: the rows of a chunk.
        jit_compile: whether XLA compiles the rows; never the loop around them.
    """

    def __init__(
        self, gradients: PathGradients, chunk_size: ChunkSize, *, jit_compile: bool
    ) -> None:
        self._target_without = tf.function(
            gradients.target_without, autograph=False, jit_compile=jit_compile or None
        )
        self._chunk_size = chunk_size
        self._jit_compile = jit_compile

    def __call__(self, inputs: PathInputs, example: Any, erased: Any) -> Any:
        """Computes the target of each row, (rows,), float64.

        Args:
            inputs: of all examples.
            example: (rows,), the index of each row's example.
            erased: (rows, tokens), true for the tokens to erase.
        """
        total, width = tf.unstack(tf.shape(erased))
        size = self._chunk_size(width)

        def run_chunk(start: Any, targets: Any) -> Any:
            rows = tf.minimum(size, total - start)
            if self._jit_compile:
                rows = padded_rows(rows, size)
            # A chunk is padded with copies of the last row.
            row = tf.minimum(tf.range(start, start + rows), total - 1)
            results = self._target_without(
                inputs.take(tf.gather(example, row)), tf.gather(erased, row)
            )
            results = tf.cast(results, tf.float64)
            return start + rows, tf.tensor_scatter_nd_update(targets, row[:, None], results)

        _, targets = tf.while_loop(
            lambda start, _: start < total,
            run_chunk,
            (tf.constant(0), tf.zeros([total], tf.float64)),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
            parallel_iterations=1,
        )
        not_finite = tf.math.count_nonzero(~tf.math.is_finite(targets))
        message = "The target is not finite where tokens are erased. Received, of rows:"
        with tf.control_dependencies(
            [tf.debugging.Assert(tf.equal(not_finite, 0), [message, not_finite])]
        ):
            return tf.identity(targets)


def padded_rows(rows: Any, size: Any) -> Any:
    """Rounds a number of rows up, for XLA, which compiles each number anew.

    To a whole chunk, `size`, or to 2ⁿ rows.
    """
    power = tf.math.ceil(tf.math.log(tf.cast(rows, tf.float64)) / np.log(2.0) - 1e-9)
    return tf.minimum(tf.cast(2.0**power, tf.int32), size)
