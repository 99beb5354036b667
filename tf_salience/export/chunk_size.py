"""The rows that a server runs at once, decided where the model is exported."""

from typing import Any

import tensorflow as tf

from tf_salience.attribution.execution.compilation import TracedFunction
from tf_salience.attribution.execution.memory import suitable_rows
from tf_salience.attribution.path import PathGradients, PathInputs
from tf_salience.export.erased_loop import ChunkSize
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.utils import validation

#: Widths at which the memory of a model of any width is estimated. The second is for models whose
#: positions end before the first.
_WIDTHS = (64, 8)


def chunk_size(
    gradients: PathGradients, specs: Any, signature: ForwardPass, columns: int, max_rows: int | str
) -> ChunkSize:
    """Returns the function from the tokens of a row to the rows that are run at once.

    Under "auto" they suit the caches and the memory of a device like the one of this machine.

    Args:
        gradients: the computation of a chunk.
        specs: the model's inputs, a nest of tensor specs.
        signature: the model's, of these specs.
        columns: the number of target indices of an example.
        max_rows: "auto" or a number.
    """
    if max_rows != "auto":
        return lambda width: tf.constant(int(max_rows))
    width, row_bytes = _bytes_per_row(gradients, specs, signature, columns)
    by_tokens, by_memory = suitable_rows(width, row_bytes)

    def suitable(tokens: Any) -> Any:
        longer = tf.cast(tokens, tf.float32) / width
        # Attention grows with the square; a shorter row is not trusted to need less than its share.
        rows = tf.minimum(by_tokens / longer, by_memory / tf.maximum(longer, longer * longer))
        return tf.maximum(tf.cast(rows, tf.int32), 1)

    return suitable


def _bytes_per_row(
    gradients: PathGradients, specs: Any, signature: ForwardPass, columns: int
) -> tuple[int, int]:
    """Returns the tokens of a row and the bytes that the graph computes for it."""
    integrate = TracedFunction(gradients.integrate)
    widths = [segment.embeddings.shape[1] for segment in signature.segments]
    errors: list[Exception] = []
    for width in _WIDTHS if None in widths else [max(widths)]:

        def zeros(spec: tf.TensorSpec, width: int = width) -> Any:
            shape = [1, *(size or width for size in spec.shape[1:])]
            return tf.fill(shape, "") if spec.dtype == tf.string else tf.zeros(shape, spec.dtype)

        inputs = PathInputs(
            nest=tf.nest.map_structure(zeros, specs),
            vectorized=tuple(zeros(spec) for spec in signature.vectorized),
            target_indices=tf.zeros((1, columns), tf.int32),
            baselines=tuple(
                tf.zeros((1, 1, segment.embeddings.shape[2])) for segment in signature.segments
            ),
        )
        row = (inputs, tf.zeros(1, tf.int32), tf.ones(1), tf.ones((1, 1)), tf.ones(1))
        try:
            return width * len(signature.segments), integrate.bytes_per_row(row)
        except (ValueError, TypeError, tf.errors.OpError) as error:
            errors.append(error)
    raise ValueError(
        f"The model could not be tried on {_WIDTHS[-1]} tokens to see how much memory it takes. "
        "Received: max_rows='auto'. Pass `max_rows`, a number. The model said: "
        f"{validation.format_error(errors[-1])}"
    ) from errors[-1]
