"""How many rows a server runs at once, decided where the model is exported."""

from typing import Any

import tensorflow as tf

from tf_salience.attribution.execution.compilation import TracedFunction
from tf_salience.attribution.path import PathGradients, suited
from tf_salience.export.graph_path import Chunk
from tf_salience.models.signature import Survey
from tf_salience.models.text_model import TextModel

#: Widths at which the model's memory is looked at, where it does not have one of its own. The
#: second is for models whose positions end before the first.
_WIDTHS = (64, 8)


def chunk(question: TextModel, specs: Any, seen: Survey, max_rows: int | str) -> Chunk:
    """From the tokens of a row to how many rows are run at once, scalars of the graph.

    Under "auto" they suit the caches and the memory of a device like the one of this machine.
    """
    if max_rows != "auto":
        return lambda width: tf.constant(int(max_rows))
    width, one = _bytes_per_row(question, specs, seen)
    by_tokens, by_memory = suited(width, one)

    def fitting(tokens: Any) -> Any:
        longer = tf.cast(tokens, tf.float32) / width
        # Attention grows with the square; a shorter row is not trusted to need less than its share.
        rows = tf.minimum(by_tokens / longer, by_memory / tf.maximum(longer, longer * longer))
        return tf.maximum(tf.cast(rows, tf.int32), 1)

    return fitting


def _bytes_per_row(question: TextModel, specs: Any, seen: Survey) -> tuple[int, int]:
    """The tokens of a row, and what the graph computes for it."""
    compiled = TracedFunction(
        PathGradients(question.tap, question.score, type(question.method).reduction).integrate
    )
    fixed = {size for spec in tf.nest.flatten(specs) for size in spec.shape[1:] if size}
    refused: Exception | None = None
    for width in [max(fixed)] if fixed else _WIDTHS:

        def zeros(spec: tf.TensorSpec, width: int = width) -> Any:
            shape = [1, *(size or width for size in spec.shape[1:])]
            return tf.fill(shape, "") if spec.dtype == tf.string else tf.zeros(shape, spec.dtype)

        arrays = (
            tf.nest.map_structure(zeros, specs),
            tuple(zeros(spec) for spec in seen.vectorized),
            tf.zeros((1, len(question.target.units)), tf.int32),
            tuple(tf.zeros((1, 1, dim)) for dim in seen.dims),
        )
        row = (arrays, tf.zeros(1, tf.int32), tf.ones(1), tf.ones((1, 1)))
        try:
            return width * len(seen.dims), compiled.bytes_per_row(row)
        except (ValueError, TypeError, tf.errors.OpError) as error:
            refused = error
    raise ValueError(
        f"The model {question.model.name!r} could not be tried on {_WIDTHS[-1]} tokens to see how "
        f"much memory it takes. Pass `max_rows`, a number. The model said: {refused}"
    ) from refused
