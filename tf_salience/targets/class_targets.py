"""Targets in outputs of shape (batch, classes): a unit, a margin, a probability."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets import output_units
from tf_salience.targets.context import Context, IntArray


def field_values(target: Any) -> tuple[Any, ...]:
    """The output units that the target's fields name, each as `Unit.which`."""
    return tuple(vars(target).values())


def field_config(target: Any) -> dict[str, Any]:
    """Returns the target as plain values: its class name and its fields."""
    # As JSON takes them: `tolist` leaves None and strings as they are.
    fields = {name: np.asarray(value).tolist() for name, value in vars(target).items()}
    return {"class_name": type(target).__name__, **fields}


def _resolve_logits(target: Any, context: Context) -> IntArray:
    """Returns the column of each example's class, (batch, 1).

    Raises:
        ValueError: for outputs that are probabilities already.
    """
    output_units.check_logits(
        type(target).__name__,
        np.asarray(output_units.as_matrix(context.outputs)),
        context.ends_in_probabilities,
        "Use `target='predicted'` to explain the probability, or a callable such as "
        "`lambda outputs: tf.math.log(outputs[:, 0])`.",
    )
    return Unit(target.of).resolve(context)


@dataclass(frozen=True)
class Unit:
    """One output unit: the predicted class, the label, or a class by index or name.

    Attributes:
        which: "predicted" (the largest output at the input; of a single-unit output that unit),
            "label", a class index, a class name, or a sequence of one index or name per example.
    """

    which: Any = "predicted"

    units = property(field_values)
    get_config = field_config

    def resolve(self, context: Context) -> IntArray:
        """Returns the column of each example's class, (batch, 1)."""
        outputs = np.asarray(output_units.as_matrix(context.outputs))
        classes = outputs.shape[1]
        output_units.check_class_names(context.class_names, classes)
        if isinstance(self.which, str) and self.which == "predicted":
            columns = outputs.argmax(axis=1)
        elif isinstance(self.which, str) and self.which == "label":
            columns = output_units.label_columns(context, classes)
        else:
            columns = output_units.class_columns(self.which, "target", context, classes)
        return columns.astype(np.int32)[:, None]

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the selected column of each row, (batch,)."""
        matrix = output_units.as_matrix(outputs)
        return tf.gather(matrix, target_indices[:, 0], axis=1, batch_dims=1)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns the name of the class, or `class 1` without class names."""
        return output_units.class_name(target_indices[0], context)


@dataclass(frozen=True)
class Margin:
    """The difference of two output units: why `a` rather than `b`.

    Attributes:
        a: as `Unit.which`.
        b: as `Unit.which`.
    """

    a: Any
    b: Any

    units = property(field_values)
    get_config = field_config

    def resolve(self, context: Context) -> IntArray:
        """Returns the two columns of each example, (batch, 2)."""
        classes = output_units.as_matrix(context.outputs).shape[1]
        if classes < 2:
            raise ValueError(
                "`Margin` needs a model with two or more output units. Received: outputs of shape "
                f"(batch, {classes}). Use `target='predicted'`, which explains the unit itself."
            )
        return np.concatenate([Unit(unit).resolve(context) for unit in self.units], axis=1)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns output a minus output b of each row, (batch,)."""
        pairs = tf.gather(output_units.as_matrix(outputs), target_indices, axis=1, batch_dims=1)
        return pairs[:, 0] - pairs[:, 1]

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns both names, `positive − negative`."""
        a, b = (output_units.class_name(column, context) for column in target_indices)
        return f"{a} − {b}"


@dataclass(frozen=True)
class Probability:
    """The probability of a class, for a model whose outputs are logits.

    Softmax over the classes, or sigmoid of a single unit. The outputs of a model that ends in a
    softmax are probabilities already: explain those with `Unit`.

    Attributes:
        of: as `Unit.which`.
    """

    of: Any = "predicted"

    units = property(field_values)
    get_config = field_config
    resolve = _resolve_logits

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the probability of each row, (batch,)."""
        return tf.exp(LogProbability(self.of).score(outputs, target_indices))

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns `P(positive)`."""
        return f"P({output_units.class_name(target_indices[0], context)})"


@dataclass(frozen=True)
class LogProbability:
    """The natural logarithm of a class' probability, for a model whose outputs are logits.

    Attributes:
        of: as `Unit.which`.
    """

    of: Any = "predicted"

    units = property(field_values)
    get_config = field_config
    resolve = _resolve_logits

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the log-probability of each row in nats, (batch,)."""
        logits = output_units.as_matrix(outputs)
        if logits.shape[1] == 1:
            return tf.math.log_sigmoid(logits[:, 0])
        return Unit(self.of).score(tf.nn.log_softmax(logits), target_indices)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns `log P(positive)`."""
        return f"log P({output_units.class_name(target_indices[0], context)})"
