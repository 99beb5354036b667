"""Targets in outputs of shape (batch, classes): a unit, a margin, a probability."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets import output_units
from tf_salience.targets.context import Context, IntArray


@dataclass(frozen=True)
class Unit:
    """One output unit: the predicted class, the label, or a class by index or name.

    Attributes:
        which: "predicted" (the largest output at the input; of a single-unit output that unit),
            "label", a class index, a class name, or a sequence of one index or name per example.
    """

    which: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """The unit, as `which`."""
        return (self.which,)

    def resolve(self, context: Context) -> IntArray:
        """Returns the column of each example's class, (batch, 1)."""
        outputs = np.asarray(output_units.as_matrix(context.outputs))
        batch, classes = outputs.shape
        output_units.check_class_names(context.class_names, classes)

        def class_index(which: Any) -> int:
            return output_units.class_index(which, classes, context.class_names, "target")

        if isinstance(self.which, str) and self.which == "predicted":
            columns = outputs.argmax(axis=1)
        elif isinstance(self.which, str) and self.which == "label":
            columns = output_units.label_columns(context, classes)
        elif isinstance(self.which, Sequence | np.ndarray) and not isinstance(self.which, str):
            values = output_units.values_of_examples(self.which, "target", context).tolist()
            columns = np.array([class_index(value) for value in values])
        else:
            columns = np.full(batch, class_index(self.which))
        return columns.astype(np.int32)[:, None]

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the selected column of each row, (batch,)."""
        matrix = output_units.as_matrix(outputs)
        return tf.gather(matrix, target_indices[:, 0], axis=1, batch_dims=1)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns the name of the class, or `class 1` without class names."""
        return output_units.class_name(target_indices[0], context)

    def get_config(self) -> dict[str, Any]:
        """Returns the target as plain values."""
        return {"class_name": "Unit", "which": _plain(self.which)}


@dataclass(frozen=True)
class Margin:
    """The difference of two output units: why `a` rather than `b`.

    Attributes:
        a: as `Unit.which`.
        b: as `Unit.which`.
    """

    a: Any
    b: Any

    @property
    def units(self) -> tuple[Any, ...]:
        """The two units, each as `Unit.which`."""
        return (self.a, self.b)

    def resolve(self, context: Context) -> IntArray:
        """Returns the two columns of each example, (batch, 2)."""
        classes = output_units.as_matrix(context.outputs).shape[1]
        if classes < 2:
            raise ValueError(
                "`Margin` needs a model with two or more output units. Received: outputs of shape "
                f"(batch, {classes}). Use `target='predicted'`, which explains the unit itself."
            )
        return np.concatenate(
            [Unit(self.a).resolve(context), Unit(self.b).resolve(context)], axis=1
        )

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns output a minus output b of each row, (batch,)."""
        pairs = tf.gather(output_units.as_matrix(outputs), target_indices, axis=1, batch_dims=1)
        return pairs[:, 0] - pairs[:, 1]

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns both names, `positive − negative`."""
        a, b = (output_units.class_name(column, context) for column in target_indices)
        return f"{a} − {b}"

    def get_config(self) -> dict[str, Any]:
        """Returns the target as plain values."""
        return {"class_name": "Margin", "a": _plain(self.a), "b": _plain(self.b)}


@dataclass(frozen=True)
class Probability:
    """The probability of a class, for a model whose outputs are logits.

    Softmax over the classes, or sigmoid of a single unit. The outputs of a model that ends in a
    softmax are probabilities already: explain those with `Unit`.

    Attributes:
        of: as `Unit.which`.
    """

    of: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """The class, as `Unit.which`."""
        return (self.of,)

    def resolve(self, context: Context) -> IntArray:
        """Returns the column of each example's class, (batch, 1)."""
        _check_logits(context, type(self).__name__)
        return Unit(self.of).resolve(context)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the probability of each row, (batch,)."""
        return tf.exp(LogProbability(self.of).score(outputs, target_indices))

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns `P(positive)`."""
        return f"P({output_units.class_name(target_indices[0], context)})"

    def get_config(self) -> dict[str, Any]:
        """Returns the target as plain values."""
        return {"class_name": "Probability", "of": _plain(self.of)}


@dataclass(frozen=True)
class LogProbability:
    """The natural logarithm of a class' probability, for a model whose outputs are logits.

    Attributes:
        of: as `Unit.which`.
    """

    of: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """The class, as `Unit.which`."""
        return (self.of,)

    def resolve(self, context: Context) -> IntArray:
        """Returns the column of each example's class, (batch, 1)."""
        _check_logits(context, type(self).__name__)
        return Unit(self.of).resolve(context)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the log-probability of each row in nats, (batch,)."""
        logits = output_units.as_matrix(outputs)
        if logits.shape[1] == 1:
            return tf.math.log_sigmoid(logits[:, 0])
        return tf.gather(tf.nn.log_softmax(logits), target_indices[:, 0], axis=1, batch_dims=1)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns `log P(positive)`."""
        return f"log P({output_units.class_name(target_indices[0], context)})"

    def get_config(self) -> dict[str, Any]:
        """Returns the target as plain values."""
        return {"class_name": "LogProbability", "of": _plain(self.of)}


def _check_logits(context: Context, target: str) -> None:
    """Raises a ValueError for probabilities, which would be squashed twice without a sign of it."""
    outputs = np.asarray(output_units.as_matrix(context.outputs), dtype=np.float64)
    sums_to_one = (outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=1e-3)
    if context.ends_in_probabilities or (outputs.shape[1] > 1 and sums_to_one):
        raise ValueError(
            f"`{target}` takes logits, but the model's outputs are probabilities already: they "
            f"come from a sigmoid or softmax. Received: outputs of shape {outputs.shape}. Use "
            "`target='predicted'` to explain the probability, or a callable such as "
            "`lambda outputs: tf.math.log(outputs[:, 0])`."
        )


def _plain(which: Any) -> Any:
    """Returns an index, a name, or a list of them, as JSON takes it."""
    return np.asarray(which).tolist()
