"""What is computed of a chunk of rows, inside whatever graph it becomes a part of.

A row is one example at one node of its path: one forward and one backward pass with respect to the
embeddings alone.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_salience.models.embeddings import HookedModel

#: Under `max_rows="auto"`: the most tokens in flight, and the most memory they may take. On a CPU
#: larger chunks leave its caches: measured on transformers, an LSTM and a CNN on two cores, these
#: are within 8 % of the best size of each.
_ON_CPU = (8192, 2**28 + 2**27)
_ON_GPU = (16384, 2**31)
#: The share of all that a graph computes that is alive at once. Measured on two cores: 0.12 to 0.14
#: on transformers of 4 and 12 layers, 0.22 with 512 tokens, 0.25 on a CNN.
_ALIVE = 0.25


def suited(tokens: int, bytes_per_row: float) -> tuple[float, float]:
    """How many rows of so many tokens suit this machine's device: by its caches, by its memory.

    Args:
        tokens: of a row, its longest segment.
        bytes_per_row: what the graph computes for it, as `TracedFunction.bytes_per_row` tells.
    """
    most_tokens, most_bytes = _ON_GPU if tf.config.list_logical_devices("GPU") else _ON_CPU
    return most_tokens / tokens, most_bytes / max(_ALIVE * bytes_per_row, 1)


class PathGradients:
    """Rows of one model, one target and one reduction.

    What it takes of the examples, `arrays`, are four things: the model's inputs, a nest of
    (batch, ...); the ids that the model makes of texts, (batch, tokens) each; what the target
    holds, (batch, columns); and a baseline a segment, (1 or batch, 1 or tokens, dim).

    Args:
        tap: the tapped model.
        score: outputs and held columns to the scalar of each row, (batch,).
        reduction: gradient and difference, (batch, tokens, dim), to token scores (batch, tokens).
    """

    def __init__(
        self,
        tap: HookedModel,
        score: Callable[[Any, Any], Any],
        reduction: Callable[[Any, Any], Any],
    ) -> None:
        self._tap = tap
        self._score = score
        self._reduction = reduction

    def integrate(self, arrays: Any, example: Any, nodes: Any, weights: Any) -> Any:
        """Weighted sums of token scores.

        Args:
            arrays: the examples.
            example: (rows,), the number of each row's example.
            nodes: (rows,), where on its path the row is.
            weights: (rows, levels).

        Returns:
            Sums, (batch, levels, tokens), all segments side by side; the target of each row,
            (rows,); and whether it and its gradient are finite, (rows,).

        Raises:
            ValueError: for a layer without gradient.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            scores, points, differences, layers = self._interpolated(arrays, example, nodes, tape)
            total = tf.reduce_sum(scores)
        gradients = tape.gradient(total, points)
        _check_gradients(gradients, layers)
        values = tf.concat(
            [
                self._reduction(tf.cast(gradient, difference.dtype), difference)
                for gradient, difference in zip(gradients, differences, strict=True)
            ],
            axis=1,
        )
        finite = tf.reduce_all(tf.math.is_finite(values), axis=1) & tf.math.is_finite(scores)
        # What is not finite is reported for its own row; it must not reach the sums of others.
        values = tf.where(finite[:, None], values, tf.zeros_like(values))
        batch = tf.shape(arrays[2])[0]
        weighted = tf.cast(weights, values.dtype)[:, :, None] * values[:, None, :]
        owner = tf.one_hot(example, batch, dtype=values.dtype)
        return tf.tensordot(owner, weighted, axes=[[0], [0]]), scores, finite

    def target(self, arrays: Any, example: Any, nodes: Any) -> Any:
        """The target of each row, (rows,), by a forward pass alone."""
        return self._interpolated(arrays, example, nodes, tape=None)[0]

    def _interpolated(self, arrays: Any, example: Any, nodes: Any, tape: Any) -> Any:
        """Runs the interpolation batch: scores of the rows; points, differences, layers."""
        nest, vectorized, target_indices, baselines = arrays
        nest, vectorized, target_indices = tf.nest.map_structure(
            lambda leaf: tf.gather(leaf, example), (nest, vectorized, target_indices)
        )
        points: list[Any] = []
        differences: list[Any] = []
        layers: list[Any] = []

        def interpolate(layer: Any, true: Any) -> Any:
            # Half precision would lose the difference of neighbouring nodes.
            wide = tf.float64 if true.dtype == tf.float64 else tf.float32
            start = tf.cast(baselines[len(points)], wide)
            if start.shape[0] != 1:
                start = tf.gather(start, example)
            difference = tf.cast(true, wide) - start
            point = start + tf.cast(nodes, wide)[:, None, None] * difference
            point = tf.cast(point, true.dtype)
            if tape is not None:
                tape.watch(point)
            points.append(point)
            differences.append(difference)
            layers.append(layer)
            return point

        outputs = self._tap.replace(nest, vectorized, interpolate)
        scores = self._score(outputs, target_indices)
        wide = tf.float64 if scores.dtype == tf.float64 else tf.float32
        return tf.cast(scores, wide), points, differences, layers


def _check_gradients(gradients: list[Any], layers: list[Any]) -> None:
    for gradient, layer in zip(gradients, layers, strict=True):
        if gradient is None:
            raise ValueError(
                f"There is no gradient of the target with respect to layer {layer.name!r}. "
                "Received: a model, or a target, that does not depend on it in a "
                "differentiable way (a rounding, an argmax, `stop_gradient`, numpy code, or a "
                "layer whose output is not used). Choose another target or other `embeddings`."
            )
