"""`Custom`: a callable of the user as a target."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets.context import Context, IntArray


@dataclass(frozen=True)
class Custom:
    """A callable of the user.

    Attributes:
        function: outputs, as the model gives them, to (batch,), row by row: rows of different
            examples are run together, so it must not depend on a particular example.

    Example:
        >>> target = tfs.targets.Custom(lambda outputs: outputs[:, 1] - outputs[:, 0])
        >>> tfs.explain(model, ["good fun"], target=target).output.shape
        (1,)
    """

    function: Callable[[Any], Any]

    @property
    def units(self) -> tuple[Any, ...]:
        """Empty: no unit is selected."""
        return ()

    def resolve(self, context: Context) -> IntArray:
        """Returns no column, (batch, 0)."""
        return np.zeros((len(context.examples), 0), np.int32)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the callable's value for each row, (batch,)."""
        del target_indices
        scores = tf.convert_to_tensor(self.function(outputs))
        if len(scores.shape) != 1 or not scores.dtype.is_floating:
            raise ValueError(
                "A callable `target` must return floats of shape (batch,), one number per row. "
                f"Received: shape {tuple(scores.shape)}, dtype {scores.dtype.name}"
            )
        return scores

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns the callable's name."""
        del target_indices, context
        return getattr(self.function, "__name__", type(self.function).__name__)

    def get_config(self) -> dict[str, Any]:
        """Returns the callable's name; its code cannot be saved."""
        return {"class_name": "Custom", "function": getattr(self.function, "__name__", "callable")}
