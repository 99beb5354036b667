"""Targets in outputs of shape (batch, classes): a unit, a margin, a probability."""

from dataclasses import dataclass
from typing import Any, ClassVar

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


@dataclass(frozen=True)
class Unit:
    """One output unit: the predicted class, the label, or a class by index or name.

    A single unit (a sigmoid, say) with two class names has two classes: the second is scored by the
    unit, the first by minus the unit. "predicted" is the unit, whichever class the model predicts.

    Attributes:
        which: "predicted" (the largest output at the input; of a single-unit output that unit),
            "label", a class index, a class name, or a sequence of one index or name per example.

    Example:
        >>> tfs.explain(model, ["good fun"], target=tfs.targets.Unit(1)).target_name
        ['class 1']
    """

    which: Any = "predicted"

    units = property(field_values)
    get_config = field_config

    def resolve(self, context: Context) -> IntArray:
        """Returns the column of each example's class, (batch, 1)."""
        outputs = np.asarray(output_units.as_matrix(context.outputs))
        units = outputs.shape[1]
        output_units.check_class_names(context.class_names, units)
        if isinstance(self.which, str) and self.which == "predicted":
            columns = outputs.argmax(axis=1)
        elif isinstance(self.which, str) and self.which == "label":
            columns = output_units.label_columns(context, units)
        else:
            columns = output_units.class_columns(self.which, "target", context, units)
        return columns.astype(np.int32)[:, None]

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the selected column of each row, (batch,)."""
        return output_units.select(outputs, target_indices[:, 0])

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns the name of the class, or `class 1` without class names.

        The first class of a single unit is `negative (−positive)`.
        """
        name = output_units.class_name(target_indices[0], context)
        if target_indices[0] != output_units.OPPOSITE:
            return name
        return f"{name} (−{output_units.class_name(0, context)})"


@dataclass(frozen=True)
class Margin:
    """The difference of two output units: why `a` rather than `b`.

    For a model that ends in a softmax it is the difference of the log-probabilities, which is that
    of the logits; for one that ends in a sigmoid, the difference of the logits.

    Attributes:
        a: as `Unit.which`.
        b: as `Unit.which`.

    Example:
        >>> tfs.explain(model, ["good fun"], target=tfs.targets.Margin(1, 0)).target_name
        ['class 1 − class 0']
    """

    a: Any
    b: Any

    units = property(field_values)
    reads_logits: ClassVar[bool] = True
    get_config = field_config

    def resolve(self, context: Context) -> IntArray:
        """Returns the two columns of each example, (batch, 2)."""
        units = output_units.as_matrix(context.outputs).shape[1]
        if output_units.class_count(units, context.class_names) < 2:
            raise ValueError(
                "`Margin` needs a model with two or more output units. Received: outputs of shape "
                f"(batch, {units}). Use `target='predicted'`, which explains the unit itself, or "
                "name its two classes: `class_names=[<name of class 0>, <name of class 1>]`."
            )
        return np.concatenate([Unit(unit).resolve(context) for unit in self.units], axis=1)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns output a minus output b of each row, (batch,)."""
        outputs = output_units.in_full_precision(outputs)
        a, b = tf.unstack(target_indices, axis=1)
        difference = output_units.select(outputs, a) - output_units.select(outputs, b)
        # The logit of a single unit is the margin of its classes, and not half of it.
        is_of_one_unit = tf.minimum(a, b) < 0
        return tf.where(is_of_one_unit, 0.5 * difference, difference)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns both names, `positive − negative`, and how they were read from probabilities."""
        a, b = (output_units.class_name(column, context) for column in target_indices)
        if context.activation is None:
            return f"{a} − {b}"
        is_single = output_units.unit_count(context.outputs) == 1
        if context.activation == "softmax" or is_single:
            return f"log P({a}) − log P({b})"
        return f"logit({a}) − logit({b})"


@dataclass(frozen=True)
class Probability:
    """The probability of a class, for a model whose outputs are logits.

    Softmax over the classes, or sigmoid of a single unit. The outputs of a model that ends in a
    softmax are probabilities already: explain those with `Unit`.

    Attributes:
        of: as `Unit.which`.

    Example:
        >>> explanation = tfs.explain(model, ["good fun"], target=tfs.targets.Probability(1))
        >>> bool(0 <= explanation.output[0] <= 1)
        True
    """

    of: Any = "predicted"

    units = property(field_values)
    get_config = field_config

    def resolve(self, context: Context) -> IntArray:
        """Returns the column of each example's class, (batch, 1).

        Raises:
            ValueError: for outputs that are probabilities already.
        """
        outputs = np.asarray(output_units.as_matrix(context.outputs))
        output_units.check_logits(
            "Probability",
            outputs,
            context,
            "Use `target='predicted'`, or a class, to explain the probability.",
        )
        return Unit(self.of).resolve(context)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the probability of each row, (batch,)."""
        return tf.exp(LogProbability(self.of).score(outputs, target_indices))

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns `P(positive)`."""
        return f"P({output_units.class_name(target_indices[0], context)})"


@dataclass(frozen=True)
class LogProbability:
    """The natural logarithm of a class' probability.

    For a model whose outputs are logits, or whose graph shows that it ends in a softmax over its
    classes or in the sigmoid of a single unit.

    Attributes:
        of: as `Unit.which`.

    Example:
        >>> explanation = tfs.explain(model, ["good fun"], target=tfs.targets.LogProbability(1))
        >>> bool(explanation.output[0] <= 0)
        True
    """

    of: Any = "predicted"

    units = property(field_values)
    reads_logits: ClassVar[bool] = True
    get_config = field_config

    def resolve(self, context: Context) -> IntArray:
        """Returns the column of each example's class, (batch, 1).

        Raises:
            ValueError: for probabilities that are independent, or whose softmax is not seen.
        """
        outputs = np.asarray(output_units.as_matrix(context.outputs))
        is_single = outputs.shape[1] == 1
        output_units.check_logits(
            "LogProbability",
            outputs,
            context,
            "Pass a callable such as `target=lambda outputs: tf.math.log(outputs[:, 0])`.",
            converted=("softmax", "sigmoid") if is_single else ("softmax",),
        )
        return Unit(self.of).resolve(context)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the log-probability of each row in nats, (batch,)."""
        logits = output_units.in_full_precision(output_units.as_matrix(outputs))
        if logits.shape[1] == 1:
            return tf.math.log_sigmoid(Unit(self.of).score(logits, target_indices))
        return Unit(self.of).score(tf.nn.log_softmax(logits), target_indices)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns `log P(positive)`."""
        return f"log P({output_units.class_name(target_indices[0], context)})"
