"""Which of a model's several outputs is explained."""

from collections.abc import Sequence
from typing import Any

from tf_salience import checks


def chosen(outputs: Any, which: str | int | None, names: Sequence[str]) -> Any:
    """One of the outputs, or all of them as they are.

    Args:
        outputs: what the model gives: a tensor, or a dict, list or tuple of them.
        which: a key of the dict, a number, or one of `names`; None for the outputs as they are.
        names: of the outputs in order, as the model has them; () where it has none.

    Raises:
        ValueError: for an output that the model does not have.
    """
    if which is None:
        return outputs
    if isinstance(outputs, dict):
        if which not in outputs:
            checks.one_of("output", which, list(outputs))
        return outputs[which]
    several = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if checks.is_integer(which):
        if not 0 <= int(which) < len(several):
            raise ValueError(
                f"`output` must be a number from 0 to {len(several) - 1}. Received: output={which}"
            )
        return several[int(which)]
    if len(names) != len(several):
        raise ValueError(
            f"The outputs of this model have no names, so `output` must be a number from 0 to "
            f"{len(several) - 1}. Received: output={which!r}"
        )
    checks.one_of("output", which, names)
    return several[list(names).index(str(which))]
