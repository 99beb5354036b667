"""Output units by class: column numbers from class indices, class names and labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_salience.targets.context import Context, IntArray
from tf_salience.utils import validation


def as_matrix(outputs: Any) -> Any:
    """Returns outputs as (batch, classes).

    Raises:
        ValueError: for several outputs, or an output of another rank.
    """
    if isinstance(outputs, dict | list | tuple):
        raise ValueError(
            "A class can be explained only in a single output of shape (batch, classes). Received: "
            f"a model with {len(outputs)} outputs. Select one with `output=`, its name or number: "
            f"{list(outputs) if isinstance(outputs, dict) else list(range(len(outputs)))}; or pass "
            "a callable `outputs -> (batch,)` as `target`."
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


def check_logits(target: str, outputs: Any, ends_in_probabilities: bool, mend: str) -> None:
    """Raises a ValueError for probabilities, which would be squashed twice without a sign of it.

    Args:
        target: the name of the target, for the message.
        outputs: the model's outputs as an array, (batch, ..., classes).
        ends_in_probabilities: True if the model is known to end in a sigmoid or softmax.
        mend: the last sentence of the message: how to mend it.
    """
    classes = outputs.shape[-1]
    # Some rows are enough: those of a language model are as wide as its vocabulary.
    rows = outputs.reshape(-1, classes)[:64].astype(np.float64)
    sums_to_one = (rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3)
    if ends_in_probabilities or (classes > 1 and sums_to_one):
        raise ValueError(
            f"`{target}` takes logits, but the model's outputs are probabilities already: they "
            f"come from a sigmoid or softmax. Received: outputs of shape {outputs.shape}. {mend}"
        )


def class_columns(classes: Any, argument: str, context: Context, size: int) -> IntArray:
    """Returns the column of each example's class, (batch,).

    Args:
        classes: a class index or name, or (total,), one for each example that the user passed.
        argument: the name of the user's argument, for messages.
        context: the examples.
        size: the number of output units.

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
    columns = [_class_index(value, size, context.class_names, argument) for value in values]
    return np.array(columns, np.int32)


def _class_index(which: Any, classes: int, class_names: Sequence[str] | None, argument: str) -> int:
    """Returns the column of a class, given by index or name."""
    if isinstance(which, str):
        return _named_index(which, classes, class_names, argument)
    if not validation.is_integer(which):
        raise TypeError(
            f"`{argument}` must be a class index or a class name. "
            f"Received: {argument}={which!r} (of type {type(which).__name__})"
        )
    if not 0 <= which < classes:
        raise ValueError(
            f"`{argument}` must be a class index from 0 to {classes - 1}: the model's outputs have "
            f"shape (batch, {classes}). Received: {argument}={which}"
        )
    return int(which)


def _named_index(name: str, classes: int, class_names: Sequence[str] | None, argument: str) -> int:
    if class_names is None:
        raise ValueError(
            f"`{argument}` names a class, so `class_names` must be given. "
            f"Received: {argument}={name!r}, class_names=None"
        )
    validation.check_one_of(argument, name, class_names)
    index = list(class_names).index(name)
    # A single unit scores the last name: the second class of two.
    if classes == 1 and index != len(class_names) - 1:
        raise ValueError(
            f"The model has a single output unit, which scores {class_names[-1]!r}. "
            f"Received: {argument}={name!r}. For the opposite pass a callable: "
            "`target=lambda outputs: -outputs[:, 0]`."
        )
    return index if classes > 1 else 0


def label_columns(context: Context, classes: int) -> IntArray:
    """Returns the columns of the labels, (batch,).

    Raises:
        TypeError: for a label that is neither an integer nor a string.
        ValueError: without labels, or for a label that is not a class.
    """
    if context.labels is None:
        raise ValueError(
            "`target='label'` explains the labels, so they must be given: pass `labels=`, one for "
            "each example. Received: labels=None"
        )
    # A single unit scores the second of two classes; it is explained for either label.
    columns = class_columns(np.asarray(context.labels), "labels", context, max(classes, 2))
    return np.minimum(columns, classes - 1)


def class_name(column: Any, context: Context) -> str:
    """Returns the name of a column; a single unit with two names scores the second."""
    single = as_matrix(context.outputs).shape[1] == 1
    names = context.class_names
    if names is None:
        return "output" if single else f"class {column}"
    return names[-1] if single else names[int(column)]


def check_class_names(class_names: Sequence[str] | None, classes: int) -> None:
    """Raises a ValueError unless every output has a name; a single unit may have two."""
    sizes = (1, 2) if classes == 1 else (classes,)
    if class_names is not None and len(class_names) not in sizes:
        raise ValueError(
            f"`class_names` must name each of the model's {classes} outputs"
            f"{' (one name, or two for a single unit)' if classes == 1 else ''}. "
            f"Received: class_names={list(class_names)!r}"
        )
