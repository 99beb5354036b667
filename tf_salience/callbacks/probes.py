"""The probes: examples that are explained at every evaluation, with their labels and rationales."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.models import datasets, nests
from tf_salience.models import labels as model_labels
from tf_salience.utils import arrays
from tf_salience.utils.arrays import Array, Nest
from tf_salience.utils.validation import format_value

#: Words as the tokens read, or positions among the real tokens of the example.
Rationale = Collection[str | int]


@dataclass(frozen=True)
class Probes:
    """A batch of examples.

    Attributes:
        inputs: a nest of arrays or texts, (batch, ...).
        labels: (batch, ...), or a dict or tuple of one array for each output; or None.
        rationales: one per example, or None.
    """

    inputs: Nest
    labels: Nest
    rationales: list[Rationale] | None

    def __len__(self) -> int:
        return nests.batch_size(self.inputs)

    def take(self, batch: Sequence[int]) -> tuple[Nest, Nest]:
        """Selects the inputs and the labels of some probes by their numbers."""
        rows = np.asarray(batch, np.int64)
        labels = None if self.labels is None else arrays.take(self.labels, rows)
        return arrays.take(self.inputs, rows), labels

    def rationale_mask(self, probe: int, tokens: Sequence[str]) -> Array | None:
        """Builds the mask of a probe's rationale words, (tokens,); None without rationales."""
        if self.rationales is None:
            return None
        rationale = self.rationales[probe]
        return np.array(
            [token in rationale or position in rationale for position, token in enumerate(tokens)]
        )


def collect_probes(
    examples: Any, labels: Any, rationales: Any, *, max_examples: int, pad_id: int | None = None
) -> Probes:
    """Converts the arguments of a `SalienceLogger` to probes.

    Args:
        examples: texts, arrays, a dict or tuple of them, or a `tf.data.Dataset` whose elements are
            batches as `fit` takes them, with or without labels.
        labels: as `Explainer` takes them, or None: those of the data set.
        rationales: one per example, words or positions among its tokens; or None.
        max_examples: the most examples to take from a data set.
        pad_id: the id of padding, or None.

    Raises:
        TypeError: for a data set that is not batched, or rationales of another kind.
        ValueError: for no examples, arrays of different lengths, another number of labels or
            rationales than of examples, or batches of different widths where `pad_id` is not 0.
    """
    if isinstance(examples, tf.data.Dataset):
        nest, own_labels = datasets.read(
            examples, "examples", max_examples=max_examples, pad_id=pad_id
        )
        labels = own_labels if labels is None else labels
    else:
        nest = nests.to_arrays(examples)
    size = nests.batch_size(nest)
    if not size:
        raise ValueError("`examples` must hold at least one example. Received: none")
    if any(len(leaf) != size for leaf in tf.nest.flatten(nest)):
        raise ValueError(
            "All arrays of `examples` must have the same number of examples. "
            f"Received: {nests.describe(nest)}"
        )
    if labels is not None:
        labels = model_labels.to_arrays(labels)
        if any(column.shape[:1] != (size,) for column in tf.nest.flatten(labels)):
            raise ValueError(
                f"`labels` must hold one label for each of the {size} examples. Received: labels: "
                f"{nests.describe(labels)}"
            )
    return Probes(nest, labels, _check_rationales(rationales, size))


def _check_rationales(rationales: Any, size: int) -> list[Rationale] | None:
    if rationales is None:
        return None
    checked: list[Rationale] = []
    for rationale in rationales:
        if isinstance(rationale, str) or not isinstance(rationale, Iterable):
            raise TypeError(
                "`rationales` must hold, for each example, a list of words or of positions among "
                f"its tokens. Received: {format_value(rationale)} "
                f"(of type {type(rationale).__name__})"
            )
        checked.append(
            frozenset(item if isinstance(item, str) else int(item) for item in rationale)
        )
    if len(checked) != size:
        raise ValueError(
            f"`rationales` must hold one rationale for each of the {size} examples. "
            f"Received: {len(checked)}"
        )
    return checked
