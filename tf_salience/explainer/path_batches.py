"""From the inputs of a call to path batches: forward pass, target and baselines."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.attribution import baselines
from tf_salience.attribution.execution.chunks import ChunkRunner
from tf_salience.attribution.execution.path_batch import PathBatch
from tf_salience.attribution.methods import Method
from tf_salience.attribution.path import PathInputs
from tf_salience.explainer import consistency
from tf_salience.explainer.forward import ForwardRunner
from tf_salience.models import outputs as model_outputs
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.inputs import Inputs
from tf_salience.models.text_model import TextModel
from tf_salience.targets import Context, Target, reads_logits
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array

#: Tokens of examples that are explained together; their embeddings are kept meanwhile.
_BATCH_TOKENS = 65536
#: The bytes that the outputs of these examples may take: a language model gives a vocabulary a
#: token.
_BATCH_BYTES = 2**28


class PathBatches:
    """Makes the path batches of a call, with as many examples as memory allows.

    Args:
        model: the model.
        method: the method, whose baseline starts the paths.
        forward: runs forward passes.
        runner: runs the chunks.
    """

    def __init__(
        self,
        model: TextModel,
        method: Method,
        forward: ForwardRunner,
        runner: ChunkRunner,
    ) -> None:
        self._model = model
        self._method = method
        self._forward = forward
        self._runner = runner

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far."""
        return self._forward.trace_count + self._runner.trace_count

    def ranges(self, inputs: Inputs) -> list[Array]:
        """Splits the examples into those that are explained together."""
        size = max(self._runner.batch_size, _BATCH_TOKENS // inputs.width)
        size = max(1, min(size, _BATCH_BYTES // self._model.output_bytes(inputs.width)))
        starts = range(0, inputs.total, size)
        return [np.arange(start, min(start + size, inputs.total)) for start in starts]

    def widest(self, inputs: Inputs) -> tuple[int, ...]:
        """Returns the most tokens of each segment over all ranges, in the order of the calls."""
        passes = (
            self._forward(inputs.take(numbers).nest, numbers) for numbers in self.ranges(inputs)
        )
        widths = [[segment.width for segment in forward.segments] for forward in passes]
        return tuple(np.max(widths, axis=0).tolist())

    def __call__(
        self, inputs: Inputs, labels: Any, target: Target
    ) -> Iterator[tuple[ForwardPass, Context, PathBatch]]:
        """Runs the forward pass over one range of examples after the other.

        Args:
            inputs: of all examples.
            labels: (batch,), or None: those of the inputs.
            target: the target.

        Yields:
            The forward pass, what the target read to resolve itself, and the path batch.

        Raises:
            ValueError: for inputs, a target or a baseline that do not fit the model.
        """
        labels = inputs.labels if labels is None else labels
        unit = getattr(self._method, "unit", "token")
        for numbers in self.ranges(inputs):
            batch = inputs.take(numbers)
            forward = self._forward(batch.nest, numbers)
            context = self._model.target_context(
                forward.outputs,
                numbers,
                inputs.total,
                logits=forward.logits if reads_logits(target) else None,
                activation=forward.activation,
                labels=labels,
                predicted_tokens=model_outputs.predicted_tokens(
                    self._model.model, batch.nest, forward.segments
                ),
                spans=batch.spans,
            )
            target_indices = target.resolve(context)
            path_inputs = PathInputs(
                nest=batch.nest,
                vectorized=forward.vectorized,
                target_indices=target_indices,
                baselines=tuple(
                    self._baseline(segment, numbers, inputs.total) for segment in forward.segments
                ),
            )
            yield (
                forward,
                context,
                PathBatch(
                    runner=self._runner,
                    inputs=path_inputs,
                    embeddings=tuple(segment.embeddings for segment in forward.segments),
                    masks=tuple(segment.mask for segment in forward.segments),
                    outputs=_targets(target, context, target_indices),
                    numbers=numbers,
                    end_tolerance=consistency.tolerance(self._model.model),
                    units=tuple(np.asarray(segment.units(unit)) for segment in forward.segments),
                ),
            )

    def _baseline(self, segment: Segment, numbers: Array, total: int) -> Any:
        """Computes the baseline of one segment, (1 or batch, 1 or tokens, dim)."""
        baseline = baselines.compute(
            self._method.baseline,
            self._method.keep_ids,
            embeddings=segment.embeddings,
            ids=segment.ids,
            vector_of=lambda baseline: self._model.baseline_vector(segment, baseline),
            examples=numbers.tolist(),
            total=total,
        )
        validation.check_finite(
            "The baseline embeddings",
            np.broadcast_to(baseline, (len(numbers), *baseline.shape[1:])),
            fix="Check `baseline`.",
            examples=numbers.tolist(),
        )
        return baseline


def _targets(target: Target, context: Context, target_indices: Array) -> Array:
    """Computes the target of each example at the input, (batch,), from what it reads there."""
    try:
        tensors = tf.nest.map_structure(tf.constant, context.outputs)
        values = np.asarray(target.score(tensors, tf.constant(target_indices)), np.float64)
    except (ValueError, TypeError, IndexError, AttributeError, tf.errors.OpError) as error:
        shapes = tf.nest.map_structure(lambda output: tuple(output.shape), context.outputs)
        raise ValueError(
            "The target cannot be taken from the model's outputs. Received: outputs of shape "
            f"{validation.format_value(shapes)}. It must be a callable to floats of shape "
            f"(batch,). It said: {validation.format_error(error)}"
        ) from error
    if len(values) != len(target_indices):
        raise ValueError(
            "A callable `target` must return one number for each row. Received: "
            f"{len(values)} numbers for {len(target_indices)} rows"
        )
    validation.check_finite(
        "The target",
        values,
        fix="Check the callable, or choose another target.",
        examples=context.examples.tolist(),
    )
    return values
