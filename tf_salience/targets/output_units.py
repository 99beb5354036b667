"""Output units by class: column numbers from class indices, class names and labels.

A single output unit with two class names has two classes: the unit scores the second (column 0),
minus the unit the first (column `OPPOSITE`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets.class_labels import class_labels
from tf_salience.targets.context import Context, IntArray
from tf_salience.utils import validation
from tf_salience.utils.validation import format_value

#: The column that stands for minus the single unit, which scores the first of its two classes.
OPPOSITE = -1


def as_matrix(outputs: Any) -> Any:
    """Returns outputs as (batch, classes).

    Raises:
        ValueError: for several outputs, or an output of another rank.
    """
    if isinstance(outputs, dict | list | tuple):
        names = list(outputs) if isinstance(outputs, dict) else list(range(len(outputs)))
        raise ValueError(
            "A class can be explained only in a single output of shape (batch, classes). Received: "
            f"a model with {len(outputs)} outputs. Select one with `output=`, its name or number: "
            f"{format_value(names)}; or pass a callable `outputs -> (batch,)` as `target`."
        )
    rank = len(outputs.shape)
    if rank not in (1, 2):
        raise ValueError(
            "A class can be explained only in outputs of shape (batch, classes). Received: outputs "
            f"of shape {tuple(outputs.shape)}. For a tagger explain one token, `targets.Position`; "
            "for a language model a stretch of text, `targets.Span`; or pass a callable "
            "`outputs -> (batch,)` as `target`, for instance `lambda outputs: outputs[:, 0, 1]`."
        )
    return outputs[:, None] if rank == 1 else outputs


def select(outputs: Any, columns: Any) -> Any:
    """Returns a column of each row, (batch,); minus the single unit for `OPPOSITE`.

    Args:
        outputs: (batch, classes), (batch, 1) or (batch,).
        columns: (batch,).
    """
    selected = tf.gather(as_matrix(outputs), tf.maximum(columns, 0), axis=1, batch_dims=1)
    return tf.where(columns < 0, -selected, selected)


def in_full_precision(outputs: Any) -> Any:
    """Returns outputs in float32, or float64 if they are: half precision is too coarse for sums."""
    return tf.cast(outputs, tf.float64 if outputs.dtype == tf.float64 else tf.float32)


def check_logits(
    target: str, outputs: Any, context: Context, fix: str, *, converted: Sequence[str] = ()
) -> None:
    """Raises a ValueError for probabilities, which would be squashed twice without a sign of it.

    Args:
        target: the name of the target, for the message.
        outputs: the model's outputs as an array, (batch, ..., classes).
        context: the examples.
        fix: the last sentence of the message: how to fix it.
        converted: the activations whose logits the outputs are by now.
    """
    if context.activation in converted:
        return
    classes = outputs.shape[-1]
    # Some rows are enough: those of a language model are as wide as its vocabulary.
    rows = outputs.reshape(-1, classes)[:64].astype(np.float64)
    sums_to_one = (rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3)
    if context.activation is not None or (classes > 1 and sums_to_one):
        source = context.activation or "softmax that is not the model's last operation"
        raise ValueError(
            f"`{target}` takes logits, but the model's outputs are probabilities already: they "
            f"come from a {source}. Received: outputs of shape {outputs.shape}. {fix}"
        )


def class_count(units: int, class_names: Sequence[str] | None) -> int:
    """Returns the number of classes: 2 for a single unit with two names, else one for each unit."""
    has_two_names = class_names is not None and len(class_names) == 2
    return 2 if units == 1 and has_two_names else units


def first_class(units: int, class_names: Sequence[str] | None) -> int:
    """Returns the class of column 0: 1 where a single unit scores the second of two classes."""
    return class_count(units, class_names) - units


def unit_count(outputs: Any) -> int:
    """Returns the number of output units of outputs (batch, ..., units) or (batch,)."""
    return int(outputs.shape[-1]) if len(outputs.shape) > 1 else 1


def class_indices(target_indices: IntArray, context: Context) -> Any:
    """Returns the class of each example, (batch,), from its column, (batch, 1).

    None for target indices of a target that is not a single class, (batch, columns).
    """
    if target_indices.shape[1] != 1:
        return None
    columns = target_indices[:, 0].astype(np.int64)
    is_nest = isinstance(context.outputs, dict | list | tuple)
    if is_nest:
        return columns
    return columns + first_class(unit_count(context.outputs), context.class_names)


def class_columns(classes: Any, argument: str, context: Context, units: int) -> IntArray:
    """Returns the column of each example's class, (batch,).

    Args:
        classes: a class index or name, or (total,), one for each example that the user passed.
        argument: the name of the user's argument, for messages.
        context: the examples.
        units: the number of output units.

    Raises:
        TypeError: for a class that is neither an integer nor a string.
        ValueError: for another number of classes than examples, or a class that does not exist.
    """
    if isinstance(classes, Sequence | np.ndarray) and not isinstance(classes, str):
        array = np.asarray(classes)
        if array.ndim != 1 or len(array) != context.total:
            raise ValueError(
                f"`{argument}` must hold one class per example. Received: {argument} of shape "
                f"{array.shape} for {context.total} examples"
            )
        values = array[context.examples].tolist()
    else:
        values = [classes] * len(context.examples)
    count = class_count(units, context.class_names)
    indices = [_class_index(value, count, context.class_names, argument) for value in values]
    return np.array(indices, np.int32) - first_class(units, context.class_names)


def _class_index(which: Any, classes: int, class_names: Sequence[str] | None, argument: str) -> int:
    """Returns the index of a class, given by index or name."""
    if isinstance(which, str):
        if class_names is None:
            raise ValueError(
                f"`{argument}` names a class, so `class_names` must be given. "
                f"Received: {argument}={format_value(which)}, class_names=None"
            )
        validation.check_one_of(argument, which, class_names)
        return list(class_names).index(which)
    if not validation.is_integer(which):
        raise TypeError(
            f"`{argument}` must be a class index or a class name. "
            f"Received: {argument}={format_value(which)} (of type {type(which).__name__})"
        )
    if not 0 <= which < classes:
        raise ValueError(
            f"`{argument}` must be a class index from 0 to {classes - 1}: the model has {classes} "
            f"{'class' if classes == 1 else 'classes'}. Received: {argument}={which}"
            + (_NAMES_OF_TWO if classes == 1 else "")
        )
    return int(which)


_NAMES_OF_TWO = (
    ". The two classes of a single unit need names: "
    "`class_names=[<name of class 0>, <name of class 1>]`."
)


def label_columns(context: Context, units: int) -> IntArray:
    """Returns the columns of the labels, (batch,).

    Raises:
        TypeError: for a label that is neither an integer nor a string.
        ValueError: without labels, or for a label that is not a class.
    """
    if context.labels is None:
        raise ValueError(
            "`target='label'` explains the labels, so they must be given: pass `labels=`, one for "
            "each example, or `label_column=` to `explain_dataset`. Received: labels=None"
        )
    classes = class_count(units, context.class_names)
    labels = class_labels(context.labels, classes)
    # Without names of its two classes, a single unit is explained for either label.
    columns = class_columns(labels, "labels", context, 2 if classes == 1 else units)
    return np.minimum(columns, units - 1)


def class_name(column: Any, context: Context) -> str:
    """Returns the name of a column's class; without names `class 1`, or `output` of one unit."""
    units = unit_count(context.outputs)
    if context.class_names is not None:
        return context.class_names[int(column) + first_class(units, context.class_names)]
    return "output" if units == 1 else f"class {column}"


def check_class_names(class_names: Sequence[str] | None, units: int) -> None:
    """Raises a ValueError unless every output has a name; a single unit may have two."""
    sizes = (1, 2) if units == 1 else (units,)
    if class_names is not None and len(class_names) not in sizes:
        raise ValueError(
            f"`class_names` must name each of the model's {units} outputs"
            f"{' (one name, or two for a single unit)' if units == 1 else ''}. "
            f"Received: class_names={format_value(list(class_names))}"
        )
