"""Arguments of a `SalienceLogger` that need more than a look."""

from collections.abc import Collection
from typing import Any

import numpy as np

from tf_salience import targets


def each_by_label(labels: Any, target: Any) -> tuple[Any, Any]:
    """One target an example as a label each: some of the probes then keep their own."""
    targets.get(target)
    if not isinstance(target, list | tuple | np.ndarray):
        return labels, target
    if labels is not None:
        raise ValueError(
            "`labels` and a `target` for each example say the same thing twice. "
            f"Received: labels={labels!r}, target={target!r}"
        )
    return target, "label"


def hold_one_each(method: Any, target: Any) -> bool:
    """Whether the baseline or the target holds something for each example of one batch."""
    target_indices: list[Any] = [getattr(target, name, None) for name in ("which", "of", "a", "b")]
    baseline: Any = getattr(method, "baseline", None)
    return np.ndim(baseline) == 3 or any(np.ndim(one) for one in target_indices)


def strings(name: str, given: Any, usual: Collection[str]) -> frozenset[str]:
    """A collection of strings, the usual one for None."""
    if given is None:
        return frozenset(usual)
    if isinstance(given, str) or not all(isinstance(one, str) for one in given):
        raise TypeError(f"`{name}` must be a collection of strings. Received: {name}={given!r}")
    return frozenset(given)
