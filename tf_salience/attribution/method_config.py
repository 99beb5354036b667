"""What methods with a baseline share: the checks of their start, and their config."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from tf_salience.attribution import baselines
from tf_salience.utils import validation


def set_start(method: Any) -> None:
    """Checks `baseline` and `keep_ids` of a frozen method, and sets them as they are kept.

    Raises:
        TypeError: for a baseline or ids of another kind.
        ValueError: for an array that can be no baseline.
    """
    object.__setattr__(method, "baseline", baselines.validate(method.baseline))
    keep_ids = method.keep_ids
    if not isinstance(keep_ids, Sequence | np.ndarray) or not all(
        validation.is_integer(token_id) for token_id in keep_ids
    ):
        raise TypeError(
            "`keep_ids` must be a sequence of integers. "
            f"Received: keep_ids={validation.format_value(keep_ids)} "
            f"(of type {type(keep_ids).__name__})"
        )
    object.__setattr__(method, "keep_ids", tuple(int(token_id) for token_id in keep_ids))


def get_config(method: Any) -> dict[str, Any]:
    """Returns the arguments that make this method again; of a callable baseline its name."""
    config = {field.name: getattr(method, field.name) for field in fields(method)}
    config["keep_ids"] = list(method.keep_ids)
    if callable(method.baseline):
        config["baseline"] = getattr(method.baseline, "__name__", "callable")
    elif isinstance(method.baseline, np.ndarray):
        config["baseline"] = method.baseline.tolist()
    return config


def from_config(method_class: Any, config: dict[str, Any]) -> Any:
    """Makes the method that `get_config` describes."""
    return method_class(**config)
