"""Integrals along the path, as loops of the graph: chunks of rows, levels of nodes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution import methods, quadrature
from tf_salience.attribution.path import PathGradients

Chunk = Callable[[Any], Any]


class Integral:
    """Integrals of token scores over the examples of a request.

    The examples are `PathGradients`' four arrays. Sums are float64: chunks are added up in any number.

    Args:
        rows: what is computed of a chunk.
        chunk: from the tokens of a row, a scalar, to how many rows are run at once, a scalar.
        jit_compile: whether XLA compiles the rows; never the loop around them, which it runs ten
            times slower on a CPU.
    """

    def __init__(self, rows: PathGradients, chunk: Chunk, *, jit_compile: bool) -> None:
        # A function of its own: its nodes do not bear the names of the loops around it, which make
        # the file a twelfth larger (measured with a bidirectional LSTM).
        self._integrate = tf.function(
            rows.integrate, autograph=False, jit_compile=jit_compile or None
        )
        self._jit_compile = jit_compile
        self._chunk = chunk

    def fixed(self, arrays: Any, nodes: Any, weights: Any, width: Any) -> tuple[Any, Any]:
        """Weighted sums of token scores over nodes of the path.

        A Python loop would be a graph as long as the request; this is a loop of the graph, and it
        holds one chunk of rows at a time.

        Args:
            arrays: the examples.
            nodes: (steps,).
            weights: (levels, steps).
            width: the tokens of a row, all segments together, a scalar.

        Returns:
            Sums, (batch, levels, tokens), and the target at each node, (batch, steps).
        """
        batch, steps = tf.shape(arrays[2])[0], tf.shape(nodes)[0]
        levels = tf.shape(weights)[0]
        total, size = batch * steps, self._chunk(width)
        by_node = tf.transpose(weights)

        def body(start: Any, sums: Any, outputs: Any, lost: Any) -> Any:
            filled = self._filled(tf.minimum(size, total - start), size)
            place = tf.range(start, start + filled)
            # What fills a chunk up are copies of the last row, without weight.
            row = tf.minimum(place, total - 1)
            example, node = row // steps, row % steps
            weight = tf.where((place < total)[:, None], tf.gather(by_node, node), 0.0)
            # Each row brings its own example: the shapes depend on the number of rows alone.
            parts, scores, finite = self._integrate(
                _members(arrays, example), tf.range(filled), tf.gather(nodes, node), weight
            )
            part = tf.math.unsorted_segment_sum(tf.cast(parts, tf.float64), example, batch)
            return (
                start + filled,
                sums + part,
                tf.tensor_scatter_nd_update(outputs, row[:, None], tf.cast(scores, tf.float64)),
                lost + tf.math.count_nonzero(~finite, dtype=tf.int32),
            )

        open_sums = tf.TensorShape([None, weights.shape[0], None])
        _, sums, outputs, lost = tf.while_loop(
            lambda start, *_: start < total,
            body,
            (
                tf.constant(0),
                tf.zeros([batch, levels, width], tf.float64),
                tf.zeros([total], tf.float64),
                tf.constant(0),
            ),
            shape_invariants=(
                tf.TensorShape([]),
                open_sums,
                tf.TensorShape([None]),
                tf.TensorShape([]),
            ),
            parallel_iterations=1,
        )
        seen = tf.debugging.Assert(
            tf.equal(lost, 0),
            ["The target or its gradients are not finite along the path. Received, of rows:", lost],
        )
        with tf.control_dependencies([seen]):
            return tf.identity(sums), tf.reshape(outputs, [batch, steps])

    def _filled(self, rows: Any, most: Any) -> Any:
        """How many rows are run for so many: under XLA, which compiles each number anew, few kinds.

        A whole chunk, `most`, or 2ⁿ rows.
        """
        if not self._jit_compile:
            return rows
        power = tf.math.ceil(tf.math.log(tf.cast(rows, tf.float64)) / np.log(2.0) - 1e-9)
        return tf.minimum(tf.cast(2.0**power, tf.int32), most)

    def adaptive(
        self, arrays: Any, output: Any, width: Any, *, tolerance: float, max_steps: int
    ) -> dict[str, Any]:
        """Nested levels until every example is done; see `methods.adaptive`, whose twin it is.

        Args:
            arrays: the examples.
            output: (batch,), float64, the target at the input.
            width: the tokens of a row, a scalar.
            tolerance: what both the error estimate and |delta| / sum |scores| must reach.
            max_steps: the most intervals.

        Returns:
            float64 "scores" (batch, tokens), "baseline_output", "convergence_delta",
            "error_estimate", "converged", "evaluations", (batch,) each.
        """
        rule = quadrature.clenshaw_curtis(max_steps)
        ends = tf.constant([0, *rule.sizes[1:]], tf.int32)
        nodes, weights = tf.constant(rule.nodes), tf.constant(rule.weights)
        batch, levels = tf.shape(output)[0], len(rule.sizes)

        def body(level: Any, left: Any, sums: Any, found: Any) -> Any:
            begin, end = ends[level - 1], ends[level]
            added, outputs = self.fixed(
                _members(arrays, left), nodes[begin:end], weights[:, begin:end], width
            )
            place = left[:, None]
            sums = tf.tensor_scatter_nd_add(sums, place, added)
            mine = tf.gather(sums, left)
            new, old = tf.gather(mine, level, axis=1), tf.gather(mine, level - 1, axis=1)
            first = tf.where(level > 1, tf.gather(found["baseline_output"], left), outputs[:, 0])
            here = _judged(new, old, tf.gather(output, left), first, tolerance)
            here["evaluations"] = tf.fill([tf.size(left)], end)
            found = {
                name: tf.tensor_scatter_nd_update(found[name], place, value)
                for name, value in here.items()
            }
            return level + 1, tf.boolean_mask(left, ~here["converged"]), sums, found

        zeros = tf.zeros([batch], tf.float64)
        vector, matrix = tf.TensorShape([None]), tf.TensorShape([None, None])
        found = {
            "scores": tf.zeros([batch, width], tf.float64),
            "baseline_output": zeros,
            "convergence_delta": zeros,
            "error_estimate": zeros,
            "converged": tf.zeros([batch], tf.bool),
            "evaluations": tf.zeros([batch], tf.int32),
        }
        state = tf.while_loop(
            lambda level, left, *_: (level < levels) & (tf.size(left) > 0),
            body,
            (tf.constant(1), tf.range(batch), tf.zeros([batch, levels, width], tf.float64), found),
            shape_invariants=(
                tf.TensorShape([]),
                vector,
                tf.TensorShape([None, levels, None]),
                {name: matrix if name == "scores" else vector for name in found},
            ),
            parallel_iterations=1,
        )
        return dict(state[3])


def _judged(new: Any, old: Any, output: Any, first: Any, tolerance: float) -> dict[str, Any]:
    """What one level says of some examples, and whether they are done.

    Args:
        new: (batch, tokens), the scores of this level.
        old: (batch, tokens), those of the level below.
        output: (batch,), the target at the input.
        first: (batch,), the target at the baseline.
        tolerance: as `Integral.adaptive` takes it.
    """
    delta = tf.reduce_sum(new, axis=1) - (output - first)
    error = tf.maximum(methods.ERROR_SHARE * relative(new, old), _share(tf.abs(delta), new))
    return {
        "scores": new,
        "baseline_output": first,
        "convergence_delta": delta,
        "error_estimate": error,
        "converged": error <= tolerance,
    }


def relative(new: Any, old: Any) -> Any:
    """Sum |new - old| / sum |new| of each row; 0 where both are all zeros."""
    return _share(tf.reduce_sum(tf.abs(new - old), axis=1), new)


def _share(amount: Any, scores: Any) -> Any:
    """What part of sum |scores| an amount of each row is; 0 where both are."""
    total = tf.reduce_sum(tf.abs(scores), axis=1)
    amount = tf.cast(amount, total.dtype)
    nothing = tf.where(amount > 0, tf.constant(np.inf, total.dtype), tf.zeros_like(total))
    return tf.where(total > 0, tf.math.divide_no_nan(amount, total), nothing)


def _members(arrays: Any, which: Any) -> Any:
    """Some of the examples; a baseline that broadcasts stays as it is."""
    nest, vectorized, target_indices, baselines = arrays

    def take(leaf: Any) -> Any:
        return tf.gather(leaf, which)

    return (
        *tf.nest.map_structure(take, (nest, vectorized, target_indices)),
        [one if one.shape[0] == 1 else take(one) for one in baselines],
    )
