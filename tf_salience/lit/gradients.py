"""Gradients of the target with respect to embeddings, for LIT, whose components reduce them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution.execution.compilation import TracedFunction
from tf_salience.attribution.path import PathInputs
from tf_salience.models.text_model import TextModel
from tf_salience.targets import Target
from tf_salience.utils import arrays
from tf_salience.utils.arrays import Array


class EmbeddingGradients:
    """Outputs of a model at embeddings, and the gradients of a target there.

    Args:
        model: the model.
        target: the target.
        batch_size: examples in one compiled call.
    """

    def __init__(self, model: TextModel, target: Target, batch_size: int) -> None:
        self.model = model
        self._score = model.score(target)
        self._batch_size = batch_size
        self._compute = TracedFunction(self._trace)

    def __call__(
        self, inputs: PathInputs, embeddings: Sequence[Array]
    ) -> tuple[Array, tuple[Array, ...]]:
        """Computes outputs and gradients.

        Args:
            inputs: the examples.
            embeddings: one for each segment, (batch, tokens, dim).

        Returns:
            The explained output, (batch, ...), and a gradient for each segment, (batch, tokens,
            dim), float32.
        """
        examples = np.arange(len(inputs.target_indices))
        outputs, gradients = [], []
        for start in range(0, len(examples), self._batch_size):
            batch = examples[start : start + self._batch_size]
            nest, points = arrays.take((inputs[:3], tuple(embeddings)), batch)
            # A fourth axis: (1, tokens, dim) is taken for what broadcasts over the batch.
            points = [point[..., None] for point in points]
            batch_outputs, *batch_gradients = self._compute(nest, points)
            outputs.append(np.asarray(batch_outputs))
            gradients.append([np.asarray(gradient) for gradient in batch_gradients])
        return (
            np.concatenate(outputs),
            tuple(np.concatenate(columns) for columns in zip(*gradients, strict=True)),
        )

    def _trace(self, inputs: Any, embeddings: Any) -> Any:
        nest, vectorized, target_indices = inputs
        points: list[Any] = []
        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def replace(layer: Any, true: Any) -> Any:
                del layer
                point = tf.cast(embeddings[len(points)][..., 0], true.dtype)
                tape.watch(point)
                points.append(point)
                return point

            outputs = self.model.hooked.run_with(nest, vectorized, replace)
            targets = self._score(outputs, target_indices)
        gradients = tape.gradient(
            targets, points, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        self.model.hooked.check_graph()
        selected = tf.cast(self.model.select_output(outputs), tf.float32)
        return selected, *[tf.cast(gradient, tf.float32) for gradient in gradients]
