"""What can be explained: a unit, a margin, a probability, the user's own function.

A target first decides what it explains at the input (`resolve`): the predicted class, the label. That
decision is a small row of column numbers, held for the whole path, so that the class cannot change
half-way. Then it reads the scalar from the outputs inside the graph (`score`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import tensorflow as tf

from tf_salience.targets import columns
from tf_salience.targets.columns import Context, IntArray
from tf_salience.utils import validation


@runtime_checkable
class Target(Protocol):
    """What is explained; see `Unit`, `Margin`, `Probability`, `LogProbability`, `Custom`."""

    @property
    def units(self) -> tuple[Any, ...]:
        """Which output units are held, as `Unit.which` says it: one a column of `resolve`."""
        ...

    def resolve(self, context: Context) -> IntArray:
        """What is decided at the input and held: (batch, columns), int32."""
        ...

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """The scalar of each row, inside the graph: (batch,)."""
        ...

    def name(self, target_indices: IntArray, context: Context) -> str:
        """What was explained for one example; `target_indices` is its (columns,)."""
        ...

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
        ...


@dataclass(frozen=True)
class Unit:
    """One output unit: the predicted class, the label, a class index or name, or one an example.

    Attributes:
        which: "predicted" (the largest output at the input; a single-unit output explains that
            unit), "label", a class index, a class name, or a sequence of one index or name an
            example.
    """

    which: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """Which output units are held."""
        return (self.which,)

    def resolve(self, context: Context) -> IntArray:
        """The explained column of each example: (batch, 1)."""
        outputs = np.asarray(columns.matrix(context.outputs))
        size, classes = outputs.shape
        columns.check_class_names(context.class_names, classes)
        if isinstance(self.which, str) and self.which == "predicted":
            target_indices = outputs.argmax(axis=1)
        elif isinstance(self.which, str) and self.which == "label":
            target_indices = columns.labels(context, classes)
        elif isinstance(self.which, Sequence | np.ndarray) and not isinstance(self.which, str):
            each = columns.one_each(self.which, "target", context).tolist()
            names = context.class_names
            target_indices = np.array(
                [columns.index(one, classes, names, "target") for one in each]
            )
        else:
            column = columns.index(self.which, classes, context.class_names, "target")
            target_indices = np.full(size, column)
        return target_indices.astype(np.int32)[:, None]

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """The held column of each row: (batch,)."""
        return tf.gather(columns.matrix(outputs), target_indices[:, 0], axis=1, batch_dims=1)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """The class' name, or `class 1` where names are not known."""
        return columns.class_name(target_indices[0], context)

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
        return {"class_name": "Unit", "which": _plain(self.which)}


@dataclass(frozen=True)
class Margin:
    """Why `a` rather than `b`: the difference of two output units.

    Attributes:
        a: as `Unit.which`.
        b: as `Unit.which`.
    """

    a: Any
    b: Any

    @property
    def units(self) -> tuple[Any, ...]:
        """Which output units are held."""
        return (self.a, self.b)

    def resolve(self, context: Context) -> IntArray:
        """The two columns of each example: (batch, 2)."""
        classes = columns.matrix(context.outputs).shape[1]
        if classes < 2:
            raise ValueError(
                "`Margin` needs a model with two or more output units. Received: outputs of shape "
                f"(batch, {classes}). Use `target='predicted'`, which explains the unit itself."
            )
        return np.concatenate(
            [Unit(self.a).resolve(context), Unit(self.b).resolve(context)], axis=1
        )

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Output a minus output b of each row: (batch,)."""
        both = tf.gather(columns.matrix(outputs), target_indices, axis=1, batch_dims=1)
        return both[:, 0] - both[:, 1]

    def name(self, target_indices: IntArray, context: Context) -> str:
        """`positive − negative`."""
        return f"{columns.class_name(held[0], context)} − {columns.class_name(held[1], context)}"

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
        return {"class_name": "Margin", "a": _plain(self.a), "b": _plain(self.b)}


@dataclass(frozen=True)
class Probability:
    """The probability of a class, for a model whose outputs are logits.

    Softmax over the classes, or sigmoid of a single unit. A model that ends in a softmax gives
    probabilities as they are: explain those with `Unit`.

    Attributes:
        of: as `Unit.which`.
    """

    of: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """Which output units are held."""
        return (self.of,)

    def resolve(self, context: Context) -> IntArray:
        """The column of each example: (batch, 1)."""
        _check_logits(context, type(self).__name__)
        return Unit(self.of).resolve(context)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """The probability of each row: (batch,)."""
        return tf.exp(LogProbability(self.of).score(outputs, target_indices))

    def name(self, target_indices: IntArray, context: Context) -> str:
        """`P(positive)`."""
        return f"P({columns.class_name(held[0], context)})"

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
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
        """Which output units are held."""
        return (self.of,)

    def resolve(self, context: Context) -> IntArray:
        """The column of each example: (batch, 1)."""
        _check_logits(context, type(self).__name__)
        return Unit(self.of).resolve(context)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """The log probability of each row: (batch,)."""
        logits = columns.matrix(outputs)
        if logits.shape[1] == 1:
            return tf.math.log_sigmoid(logits[:, 0])
        return tf.gather(tf.nn.log_softmax(logits), target_indices[:, 0], axis=1, batch_dims=1)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """`log P(positive)`."""
        return f"log P({columns.class_name(held[0], context)})"

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
        return {"class_name": "LogProbability", "of": _plain(self.of)}


@dataclass(frozen=True)
class Custom:
    """A callable of the user's own.

    Attributes:
        function: outputs, as the model gives them, to (batch,). Row by row: rows are regrouped, so
            it may hold nothing about one example.
    """

    function: Callable[[Any], Any]

    @property
    def units(self) -> tuple[Any, ...]:
        """None are held."""
        return ()

    def resolve(self, context: Context) -> IntArray:
        """Nothing is held: (batch, 0)."""
        return np.zeros((len(context.examples), 0), np.int32)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """What the callable returns: (batch,)."""
        del target_indices
        scores = tf.convert_to_tensor(self.function(outputs))
        if len(scores.shape) != 1 or not scores.dtype.is_floating:
            raise ValueError(
                "A callable `target` must return floats of shape (batch,), one number a row. "
                f"Received: shape {tuple(scores.shape)}, dtype {scores.dtype.name}"
            )
        return scores

    def name(self, target_indices: IntArray, context: Context) -> str:
        """The callable's own name."""
        del target_indices, context
        return getattr(self.function, "__name__", type(self.function).__name__)

    def get_config(self) -> dict[str, Any]:
        """The callable's name; its code cannot be kept."""
        return {"class_name": "Custom", "function": getattr(self.function, "__name__", "callable")}


def get(target: Any) -> Target:
    """A `Target` from what a user passes.

    Raises:
        TypeError: if it is none of the things a target can be.
    """
    if isinstance(target, Unit | Margin | Probability | LogProbability | Custom):
        return target
    if isinstance(target, str | Sequence | np.ndarray) or validation.is_integer(target):
        return Unit(target)
    if callable(target) and not isinstance(target, type):
        return Custom(target)
    raise TypeError(
        "`target` must be 'predicted', 'label', a class index, a class name, one of these for each "
        "example, a `tf_salience.targets` object, or a callable `outputs -> (batch,)`. "
        f"Received: target={target!r} (of type {type(target).__name__})"
    )


def _check_logits(context: Context, kind: str) -> None:
    """Outputs that are probabilities already would be squashed twice, in silence."""
    outputs = np.asarray(columns.matrix(context.outputs), dtype=np.float64)
    sums_to_one = (outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=1e-3)
    if context.activated or (outputs.shape[1] > 1 and sums_to_one):
        raise ValueError(
            f"`{kind}` takes logits, but the model's outputs are probabilities already: they come "
            f"from a sigmoid or softmax. Received: outputs of shape {outputs.shape}. Use "
            "`target='predicted'` to explain the probability, or a callable such as "
            "`lambda outputs: tf.math.log(outputs[:, 0])`."
        )


def _plain(which: Any) -> Any:
    """An index, a name, or a list of them, as JSON takes it."""
    return np.asarray(which).tolist()
