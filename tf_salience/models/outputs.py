"""Which of a model's several outputs is explained."""

from collections.abc import Sequence
from typing import Any

import keras

from tf_salience.utils import validation


def chosen(outputs: Any, which: str | int | None, names: Sequence[str]) -> Any:
    """One of the outputs, or all of them as they are.

    Args:
        outputs: what the model gives: a tensor, or a nest of them.
        which: the path of an output in the nest, `tags` or `heads/tags`; its number in a list or
            tuple; one of `names`; None for the outputs as they are.
        names: of the outputs in order, as the model has them; () where it has none.

    Raises:
        ValueError: for an output that the model does not have.
    """
    if which is None:
        return outputs
    paths = keras.tree.flatten_with_path(outputs)
    if validation.is_integer(which) and not isinstance(outputs, dict):
        several = len(outputs) if isinstance(outputs, list | tuple) else 1
        if not 0 <= int(which) < several:
            raise ValueError(
                f"`output` must be a number from 0 to {several - 1}. Received: output={which}"
            )
    known = {"/".join(str(key) for key in path): output for path, output in paths}
    known |= {} if known.keys() != {""} else {"0": outputs}
    if isinstance(outputs, list | tuple) and len(names) == len(paths):
        known |= {name: output for name, (_, output) in zip(names, paths, strict=True)}
    if str(which) in known:
        return known[str(which)]
    if isinstance(outputs, dict) and which in outputs:
        return outputs[which]
    validation.check_one_of("output", which, [name for name in known if name])
    return outputs
