"""Checks of the arguments of a `SalienceLogger`."""

from collections.abc import Collection
from typing import Any

import numpy as np

from tf_salience import targets
from tf_salience.utils.validation import format_value


def resolve_labels(labels: Any, target: Any) -> tuple[Any, targets.Target]:
    """Turns units of a target, one per example, into labels, which are taken with their probes.

    Raises:
        TypeError: for a target of another kind.
        ValueError: for labels beside such units.
    """
    resolved = targets.get(target)
    if not isinstance(resolved, targets.Unit) or np.ndim(resolved.which) == 0:
        return labels, resolved
    if labels is not None:
        raise ValueError(
            "`labels` must be None where `target` is a sequence, one entry per example. "
            f"Received: labels={format_value(labels)}, target={format_value(target)}. "
            "Pass one of the two."
        )
    return resolved.which, targets.Unit("label")


def is_per_example(method: Any, target: targets.Target) -> bool:
    """True if the method's baseline or the target has one entry per example of a batch."""
    baseline: Any = getattr(method, "baseline", None)
    return np.ndim(baseline) == 3 or any(np.ndim(unit) for unit in target.units)


def string_set(name: str, value: Collection[str]) -> frozenset[str]:
    """Converts a collection of strings to a set."""
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(
            f"`{name}` must be a collection of strings. Received: {name}={format_value(value)}"
        )
    return frozenset(value)
