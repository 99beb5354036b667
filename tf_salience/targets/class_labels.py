"""Class labels: class indices or names, or the one-hot rows that stand for them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.utils import validation


def class_labels(labels: Any, classes: int) -> npt.NDArray[Any]:
    """Returns labels as class indices or names, (batch,).

    Args:
        labels: (batch,) class indices or names, or one-hot rows, (batch, classes).
        classes: the number of output units.

    Raises:
        ValueError: for labels of several outputs, or rows that are not one-hot.
    """
    if isinstance(labels, dict | tuple) and any(np.ndim(column) for column in _columns(labels)):
        names = list(labels) if isinstance(labels, dict) else list(range(len(labels)))
        raise ValueError(
            "`target='label'` explains the labels of one output, but it is not known which output "
            f"they belong to. Received: labels of {validation.format_value(names)}. Choose one "
            "with `output=`, its name or number, or pass its labels: `labels=`."
        )
    array = np.asarray(labels)
    if array.ndim != 2 or array.dtype.kind not in "iufb":
        return array
    if array.shape[1] != classes:
        raise ValueError(
            f"`labels` must be one class per example, or one-hot rows of {classes} classes. "
            f"Received: labels of shape {array.shape}. Pass class indices, `labels=` of shape "
            "(batch,)."
        )
    is_bit = (array == 0) | (array == 1)
    wrong = np.flatnonzero(~is_bit.all(axis=1) | (array.sum(axis=1) != 1)).tolist()
    if wrong:
        raise ValueError(
            "`labels` must be one class per example, or rows with a single 1. Received: "
            f"{validation.format_value(array[wrong[0]])} in {validation.format_examples(wrong)}. "
            "Choose a class for each: `labels=np.argmax(labels, axis=1)` is the likeliest of soft "
            "labels; of a multi-label model explain one class at a time, `target=0`."
        )
    return array.argmax(axis=1)


def _columns(labels: Any) -> list[Any]:
    return list(labels.values()) if isinstance(labels, dict) else list(labels)
