"""`GraphPath`: the path of a request's examples, run in chunks by a loop of the graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution.execution.gradient_scale import run_in_graph
from tf_salience.attribution.path import PathGradients, PathInputs, RowResults
from tf_salience.export.erased_loop import ChunkSize, ErasedLoop, padded_rows


class ChunkLoop:
    """Runs the rows of a request in chunks, one at a time, by a loop of the graph.

    A Python loop would be a graph as long as the request. Sums are float64: chunks are added up in
    any number.

    Args:
        gradients: the computation of a chunk.
        chunk_size: the rows of a chunk.
        jit_compile: whether XLA compiles the rows; never the loop around them, which it runs ten
            times slower on a CPU.
    """

    def __init__(
        self, gradients: PathGradients, chunk_size: ChunkSize, *, jit_compile: bool
    ) -> None:
        # A function of its own: its nodes do not bear the names of the loops around it, which
        # would make the file larger.
        self._integrate = tf.function(
            gradients.integrate, autograph=False, jit_compile=jit_compile or None
        )
        # One function for all rounds of a rule: nodes and weights are of open length.
        self.run = tf.function(self._run, autograph=False)
        self._uses_float16 = gradients.uses_float16
        self._jit_compile = jit_compile
        self._chunk_size = chunk_size

    def _run(
        self, inputs: PathInputs, examples: Any, nodes: Any, weights: Any, width: Any
    ) -> tuple[Any, Any]:
        """Sums token scores over nodes of the path.

        Args:
            inputs: of all examples.
            examples: (examples,), the indices of those to run.
            nodes: (examples, steps).
            weights: (examples, levels, steps).
            width: the tokens of a row, all segments together, a scalar.

        Returns:
            Weighted sums, (examples, levels, tokens), and the target at each node,
            (examples, steps).
        """
        batch, steps = tf.unstack(tf.shape(nodes))
        total, size, levels = batch * steps, self._chunk_size(width), weights.shape[1]
        nodes_by_row = tf.reshape(nodes, [total])
        weights_by_row = tf.reshape(tf.transpose(weights, [0, 2, 1]), [total, levels])

        def run_chunk(start: Any, sums: Any, outputs: Any, not_finite: Any) -> Any:
            padded = tf.minimum(size, total - start)
            if self._jit_compile:
                padded = padded_rows(padded, size)
            index = tf.range(start, start + padded)
            # A chunk is padded with copies of the last row, without weight.
            row = tf.minimum(index, total - 1)
            example = row // steps
            weight = tf.where((index < total)[:, None], tf.gather(weights_by_row, row), 0.0)
            # Each row brings its own example: the shapes depend on the number of rows alone.
            row_nodes = tf.gather(nodes_by_row, row)
            row_inputs = inputs.take(tf.gather(examples, example))
            results = self._integrate_rows(
                (row_inputs, tf.range(padded), row_nodes, weight), example
            )
            row_sums, targets = (
                tf.cast(values, tf.float64) for values in (results.sums, results.targets)
            )
            added = tf.math.unsorted_segment_sum(row_sums, example, batch)
            return (
                start + padded,
                sums + added,
                tf.tensor_scatter_nd_update(outputs, row[:, None], targets),
                not_finite + tf.math.count_nonzero(~results.finite, dtype=tf.int32),
            )

        scalar, vector = tf.TensorShape([]), tf.TensorShape([None])
        _, sums, outputs, not_finite = tf.while_loop(
            lambda start, *_: start < total,
            run_chunk,
            (
                tf.constant(0),
                tf.zeros([batch, levels, width], tf.float64),
                tf.zeros([total], tf.float64),
                tf.constant(0),
            ),
            shape_invariants=(
                scalar,
                tf.TensorShape([None, levels, None]),
                vector,
                scalar,
            ),
            parallel_iterations=1,
        )
        message = "The target or its gradients are not finite along the path. Received, of rows:"
        checked = tf.debugging.Assert(tf.equal(not_finite, 0), [message, not_finite])
        with tf.control_dependencies([checked]):
            return tf.identity(sums), tf.reshape(outputs, [batch, steps])

    def _integrate_rows(self, arguments: Any, example: Any) -> RowResults:
        """Runs the rows of one chunk, scaled where the model computes in float16.

        Args:
            arguments: of `PathGradients.integrate`, without the scales.
            example: (rows,), the index of each row's example in the request.
        """
        if self._uses_float16:
            return run_in_graph(self._integrate, arguments, example)
        nodes = arguments[2]
        return RowResults(*self._integrate(*arguments, tf.ones_like(nodes, tf.float32)))


class GraphPath:
    """The path of a request's examples; see `path.Path`, of tensors here.

    Args:
        loop: runs the rows.
        inputs: the examples.
        outputs: (batch,), float64, the target at the input.
        width: the tokens of a row, all segments together, a scalar.
        erased_loop: runs the rows of which some tokens are erased.
        units: as `path.Path` has them.
    """

    def __init__(
        self,
        loop: ChunkLoop,
        inputs: PathInputs,
        outputs: Any,
        width: Any,
        *,
        erased_loop: ErasedLoop,
        units: Sequence[Any],
    ) -> None:
        self._loop = loop
        self._erased_loop = erased_loop
        self.units = units
        self._inputs = inputs
        self._width = width
        self.outputs = outputs
        self.examples = tf.range(tf.shape(outputs)[0])

    def integrate(self, examples: Any, nodes: Any, weights: Any) -> tuple[Any, Any]:
        """Sums token scores over nodes of the path; see `path.Path`."""
        batch, (levels, steps) = tf.shape(examples)[0], weights.shape[-2:]
        nodes = tf.broadcast_to(nodes, [batch, steps])
        weights = tf.broadcast_to(weights, [batch, levels, steps])
        # Of open length, so that every round of a rule calls the same function.
        nodes = tf.raw_ops.PlaceholderWithDefault(input=nodes, shape=[None, None])
        weights = tf.raw_ops.PlaceholderWithDefault(input=weights, shape=[None, levels, None])
        return self._loop.run(self._inputs, examples, nodes, weights, self._width)

    def target_without(self, example: Any, erased: Any) -> Any:
        """Computes the target with some tokens at their baseline; see `path.Path`."""
        return self._erased_loop(self._inputs, example, erased)

    def target_at(self, node: float) -> Any:
        """Computes the target of every example at one node, (batch,); see `path.Path`."""
        # A row without weight: a forward pass of its own would double the graph.
        return self.integrate(self.examples, np.array([node]), np.zeros((1, 1)))[1][:, 0]
