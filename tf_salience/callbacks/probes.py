"""The examples that are watched, with what the user knows of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.data import tf_data
from tf_salience.models import inputs

Array = npt.NDArray[Any]
#: Words as the tokens read, or their places among the real tokens of the example.
Rationale = Collection[str | int]


@dataclass(frozen=True)
class Probes:
    """Some examples.

    Attributes:
        inputs: a nest of arrays or texts, (batch, ...).
        labels: (batch,), or None.
        rationales: one an example, or None.
    """

    inputs: Any
    labels: Array | None
    rationales: list[Rationale] | None

    def __len__(self) -> int:
        return inputs.size(self.inputs)

    def take(self, which: Sequence[int]) -> tuple[Any, Array | None]:
        """The inputs and the labels of some of them."""
        numbers = np.asarray(which, np.int64)
        labels = None if self.labels is None else self.labels[numbers]
        return inputs.take(self.inputs, numbers), labels

    def is_rationale(self, number: int, tokens: Sequence[str]) -> npt.NDArray[np.bool_] | None:
        """Which of a probe's tokens are rationale words, (tokens,); None if nobody said."""
        if self.rationales is None:
            return None
        known = self.rationales[number]
        return np.array([token in known or place in known for place, token in enumerate(tokens)])


def collect(
    examples: Any, labels: Any, rationales: Any, *, max_examples: int, pad_id: int | None = None
) -> Probes:
    """Probes from what a user passes.

    Args:
        examples: texts, arrays, a dict or tuple of them, or a `tf.data.Dataset` whose elements are
            batches as `fit` takes them, with or without labels.
        labels: (batch,), or None: those of the data set.
        rationales: for each example its rationale: words, or places among its tokens; or None.
        max_examples: how many of a data set are taken.
        pad_id: the id of padding, or None.

    Raises:
        TypeError: for a data set that is not batched, or rationales of another kind.
        ValueError: for no examples, arrays of different lengths, labels or rationales that are not
            one an example, or batches of different widths where `pad_id` is not 0.
    """
    if isinstance(examples, tf.data.Dataset):
        nest, found = tf_data.read(examples, "examples", most=max_examples, pad_id=pad_id)
        labels = found if labels is None else labels
    else:
        nest = inputs.arrays(examples)
    size = inputs.size(nest)
    if not size:
        raise ValueError("`examples` must hold at least one example. Received: none")
    if any(len(leaf) != size for leaf in tf.nest.flatten(nest)):
        raise ValueError(
            "All arrays of `examples` must have the same number of examples. "
            f"Received: {inputs.describe(nest)}"
        )
    if labels is not None:
        labels = tf_data.plain_labels(np.asarray(labels))
        if labels.shape[:1] != (size,):
            raise ValueError(
                f"`labels` must hold one label for each of the {size} examples. Received: labels "
                f"of shape {labels.shape}"
            )
    return Probes(nest, labels, _rationales(rationales, size))


def _rationales(rationales: Any, size: int) -> list[Rationale] | None:
    if rationales is None:
        return None
    checked: list[Rationale] = []
    for one in rationales:
        if isinstance(one, str) or not isinstance(one, Iterable):
            raise TypeError(
                "`rationales` must hold, for each example, a list of words or of places among its "
                f"tokens. Received: {one!r} (of type {type(one).__name__})"
            )
        checked.append(frozenset(item if isinstance(item, str) else int(item) for item in one))
    if len(checked) != size:
        raise ValueError(
            f"`rationales` must hold one rationale for each of the {size} examples. "
            f"Received: {len(checked)}"
        )
    return checked
