"""The path from the baseline to the input, and the rows of which it is made.

A row is one example at one node of its path: one forward and one backward pass with respect to the
embeddings alone.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from tf_salience.utils import arrays

Array = Any
#: Gradient and difference, (batch, tokens, dim) both, to token scores, (batch, tokens).
Reduction = Callable[[Any, Any], Any]
#: Outputs of the model and target indices, (batch, columns), to the target, (batch,).
Score = Callable[[Any, Any], Any]


class Path(Protocol):
    """The target and its gradients along the path of some examples, as a method may ask for them.

    Arrays are numpy arrays; while a SavedModel is traced they are tensors.
    """

    @property
    def outputs(self) -> Array:
        """The target at the input, (batch,)."""

    @property
    def examples(self) -> Array:
        """The indices of all examples, (batch,)."""

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Sums token scores over nodes of the path.

        Args:
            examples: (examples,), the indices of the examples.
            nodes: (steps,), or (examples, steps) for nodes of each example's own, in [0, 1]: 0 is
                the baseline, 1 the input.
            weights: (levels, steps), or (examples, levels, steps).

        Returns:
            Weighted sums, (examples, levels, tokens), and the target at each node,
            (examples, steps).
        """

    def target_at(self, node: float) -> Array:
        """Computes the target of every example at one node, (batch,), by a forward pass alone."""

    @property
    def units(self) -> Sequence[Array]:
        """The units that are erased together, one array for each segment, (batch, tokens).

        Each token has the number of its unit, from 0 in each segment; padding has -1. A unit is a
        token, or a word where the method has `unit = "word"`.
        """

    def target_without(self, example: Array, erased: Array) -> Array:
        """Computes the target with some tokens at their baseline, by forward passes alone.

        Args:
            example: (rows,), the index of each row's example.
            erased: (rows, tokens), true for the tokens to erase, all segments side by side.

        Returns:
            (rows,), in the target's units.
        """


class EmbeddingModel(Protocol):
    """A model whose embeddings can be replaced; see `models.embeddings.hooked_model`."""

    @property
    def uses_float16(self) -> bool:
        """True if a part of it computes in float16, where gradients may underflow."""

    def run_with(
        self, inputs: Any, vectorized: Sequence[Any], replacement: Callable[[Any, Any], Any]
    ) -> Any:
        """Runs the model with `replacement(layer, embeddings)` in place of the embeddings."""

    def check_graph(self) -> None:
        """Raises a ValueError if the graph, gradients included, changes state of the model's."""


class PathInputs(NamedTuple):
    """The arrays of which rows are made, each with a batch axis.

    Attributes:
        nest: the model's inputs, a nest of (batch, ...).
        vectorized: the ids that the model makes of texts, (batch, tokens) each.
        target_indices: (batch, columns), the outputs that the target reads.
        baselines: one for each segment, (1 or batch, 1 or tokens, dim).
    """

    nest: Any
    vectorized: tuple[Array, ...]
    target_indices: Array
    baselines: tuple[Array, ...]

    def take(self, examples: Array) -> "PathInputs":
        """Takes some of the examples; a baseline that broadcasts stays as it is."""
        nest, vectorized, target_indices = arrays.take(self[:3], examples)
        baselines = tuple(
            baseline if baseline.shape[0] == 1 else tf.gather(baseline, examples)
            for baseline in self.baselines
        )
        return PathInputs(nest, vectorized, target_indices, baselines)


class RowResults(NamedTuple):
    """The results of some rows.

    Attributes:
        sums: weighted sums of token scores, (batch, levels, tokens), all segments side by side.
        targets: (rows,), the target of each row.
        finite: (rows,), whether the target is finite, and its gradient where the row has weight.
        largest: (rows,), the largest |gradient| where the model computes in float16; else 0.
    """

    sums: Any
    targets: Any
    finite: Any
    largest: Any


class PathGradients:
    """Computes rows of one model, one target and one reduction, in the graph that calls it.

    Args:
        model: the model.
        score: outputs and target indices to the target of each row.
        reduction: gradient and difference to token scores; see `methods.Method`.
    """

    def __init__(self, model: EmbeddingModel, score: Score, reduction: Reduction) -> None:
        self._model = model
        self._score = score
        self._reduction = reduction
        self.uses_float16 = model.uses_float16

    def integrate(
        self, inputs: PathInputs, example: Array, nodes: Array, weights: Array, scale: Array
    ) -> RowResults:
        """Sums token scores over rows.

        Args:
            inputs: the examples.
            example: (rows,), the index of each row's example.
            nodes: (rows,), the place of each row on its path.
            weights: (rows, levels).
            scale: (rows,), float32, powers of two by which the targets are multiplied while the
                gradient is taken; used where the model computes in float16.

        Raises:
            ValueError: for a layer without gradient.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            targets, points, differences, layers = self._interpolate(inputs, example, nodes, tape)
            scaled = targets * tf.cast(scale, targets.dtype) if self.uses_float16 else targets
            total = tf.reduce_sum(scaled)
        gradients = tape.gradient(total, points)
        self._model.check_graph()
        _check_gradients(gradients, layers)
        gradients = [
            tf.cast(gradient, difference.dtype)
            for gradient, difference in zip(gradients, differences, strict=True)
        ]
        finite, largest = tf.math.is_finite(targets), tf.zeros_like(targets)
        if self.uses_float16:
            gradients = [
                gradient / tf.cast(scale, gradient.dtype)[:, None, None] for gradient in gradients
            ]
            finite, largest = _finite_and_largest(finite, gradients)
        scores = tf.concat(list(map(self._reduction, gradients, differences)), axis=1)
        # A row without weight is run for its target: its gradient need not exist.
        has_weight = tf.reduce_any(tf.not_equal(weights, 0.0), axis=1)
        finite &= tf.reduce_all(tf.math.is_finite(scores), axis=1) | ~has_weight
        # A row that is not finite is reported for itself; it must not reach the sums of others.
        scores = tf.where(finite[:, None], scores, tf.zeros_like(scores))
        batch = tf.shape(inputs.target_indices)[0]
        weighted = tf.cast(weights, scores.dtype)[:, :, None] * scores[:, None, :]
        row_to_example = tf.one_hot(example, batch, dtype=scores.dtype)
        sums = tf.tensordot(row_to_example, weighted, axes=[[0], [0]])
        return RowResults(sums, targets, finite, largest)

    def target_at(self, inputs: PathInputs, example: Array, nodes: Array) -> Array:
        """Computes the target of each row, (rows,), by a forward pass alone; see `integrate`."""
        return self._interpolate(inputs, example, nodes, tape=None)[0]

    def target_with(self, inputs: PathInputs, embeddings: Sequence[Array]) -> Array:
        """Computes the target of each example, (batch,), with other embeddings.

        Args:
            inputs: the examples; their baselines are not used.
            embeddings: one for each segment, (batch, tokens, dim).
        """
        segments = iter(embeddings)
        return self._run(inputs, lambda layer, true: tf.cast(next(segments), true.dtype))

    def target_without(self, inputs: PathInputs, erased: Array) -> Array:
        """Computes the target of each example, (batch,), with some tokens at their baseline.

        Args:
            inputs: the examples.
            erased: (batch, tokens), true for the tokens to erase, all segments side by side in the
                order of the calls.
        """
        baselines = iter(inputs.baselines)
        start: Any = 0

        def erase(layer: Any, true: Any) -> Any:
            nonlocal start
            del layer
            stop = start + (true.shape[1] or tf.shape(true)[1])
            mask = erased[:, start:stop, None]
            start = stop
            return tf.where(mask, tf.cast(next(baselines), true.dtype), true)

        targets = self._run(inputs, erase)
        self._model.check_graph()
        return targets

    def _interpolate(self, inputs: PathInputs, example: Array, nodes: Array, tape: Any) -> Any:
        """Runs the model at the rows' nodes: targets of the rows; points, differences, layers."""
        points: list[Any] = []
        differences: list[Any] = []
        layers: list[Any] = []

        def interpolate(layer: Any, true: Any) -> Any:
            # float32: half precision loses the difference of neighbouring nodes.
            wide = tf.float64 if true.dtype == tf.float64 else tf.float32
            baseline = tf.cast(inputs.baselines[len(points)], wide)
            if baseline.shape[0] != 1:
                baseline = tf.gather(baseline, example)
            difference = tf.cast(true, wide) - baseline
            point = baseline + tf.cast(nodes, wide)[:, None, None] * difference
            point = tf.cast(point, true.dtype)
            if tape is not None:
                tape.watch(point)
            points.append(point)
            differences.append(difference)
            layers.append(layer)
            return point

        examples = PathInputs(inputs.nest, inputs.vectorized, inputs.target_indices, ())
        return self._run(examples.take(example), interpolate), points, differences, layers

    def _run(self, inputs: PathInputs, replacement: Callable[[Any, Any], Any]) -> Any:
        """Runs the model with other embeddings: the target of each row, (rows,)."""
        outputs = self._model.run_with(inputs.nest, inputs.vectorized, replacement)
        targets = self._score(outputs, inputs.target_indices)
        wide = tf.float64 if targets.dtype == tf.float64 else tf.float32
        return tf.cast(targets, wide)


def _finite_and_largest(finite: Any, gradients: Sequence[Any]) -> tuple[Any, Any]:
    """Returns which rows are finite with their gradients, and their largest |gradient|, or 0."""
    for gradient in gradients:
        finite &= tf.reduce_all(tf.math.is_finite(gradient), axis=(1, 2))
    largest = [tf.reduce_max(tf.abs(gradient), axis=(1, 2)) for gradient in gradients]
    row_largest = tf.reduce_max([tf.cast(values, tf.float32) for values in largest], axis=0)
    return finite, tf.where(finite, row_largest, tf.zeros_like(row_largest))


def _check_gradients(gradients: list[Any], layers: list[Any]) -> None:
    for gradient, layer in zip(gradients, layers, strict=True):
        if gradient is None:
            raise ValueError(
                f"There is no gradient of the target with respect to layer {layer.name!r}. "
                "Received: a model, or a target, that does not depend on it in a "
                "differentiable way (a rounding, an argmax, `stop_gradient`, numpy code, or a "
                "layer whose output is not used). Choose another target or other `embeddings`."
            )


def check_targets(targets: Any, rows: int) -> Any:
    """Returns the targets of rows, checked: one number for each.

    Raises:
        ValueError: for a target that mixes rows.
    """
    if len(targets) != rows:
        raise ValueError(
            "A callable `target` must return one number for each row, and use that row alone. "
            f"Received: {len(targets)} numbers for {rows} rows"
        )
    return targets
