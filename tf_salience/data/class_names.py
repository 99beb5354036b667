"""Class names, in the containers in which users hold them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_salience.utils import validation
from tf_salience.utils.validation import format_value

#: Names in the order of the classes, class index to name, or name to class index.
ClassNames = Sequence[str] | Mapping[int, str] | Mapping[str, int]


def check_class_names(class_names: Any) -> list[str] | None:
    """Returns the name of each class, in the order of the classes.

    Args:
        class_names: a list, tuple or array of strings; a dict, class index to name or name to
            class index; or None.

    Raises:
        TypeError: for anything else.
        ValueError: for names that occur twice, or a dict whose indices are not 0, 1, 2, ...
    """
    if class_names is None:
        return None
    names = _in_order(class_names) if isinstance(class_names, Mapping) else class_names
    if isinstance(names, np.ndarray) and names.ndim == 1:
        names = names.tolist()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(
            "`class_names` must be a list of strings, in the order of the model's outputs. "
            f"Received: class_names={format_value(class_names)} "
            f"(of type {type(class_names).__name__})"
        )
    if len(set(names)) != len(names):
        raise ValueError(
            f"`class_names` must differ. Received: class_names={format_value(class_names)}"
        )
    return list(names)


def _in_order(class_names: Mapping[Any, Any]) -> list[Any]:
    """Returns the names of a dict by their class indices."""
    keys, values = list(class_names), list(class_names.values())
    if all(isinstance(key, str) for key in keys):
        keys, values = values, keys
    has_indices = all(validation.is_integer(key) for key in keys)
    if not has_indices or sorted(keys) != list(range(len(keys))):
        raise ValueError(
            "`class_names` as a dict must have each class index from 0 on once, as its keys or as "
            f"its values. Received: class_names={format_value(class_names)}. Pass a list in the "
            "order of the model's outputs, for instance `[class_names[key] for key in "
            "sorted(class_names, key=int)]` where the keys are indices, or "
            "`sorted(class_names, key=class_names.get)` where the values are."
        )
    by_index = dict(zip(keys, values, strict=True))
    return [by_index[index] for index in range(len(by_index))]
