"""The probes: examples that are explained at every evaluation, with their labels and rationales."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.evaluation import rationales as rationale_masks
from tf_salience.evaluation.rationales import Rationale
from tf_salience.models import datasets, nests
from tf_salience.models import labels as model_labels
from tf_salience.utils import arrays
from tf_salience.utils.arrays import Array, Nest


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
        return rationale_masks.mask_of(self.rationales[probe], tokens)


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
    checked = (
        None
        if rationales is None
        else rationale_masks.check(rationales, size, takes_characters=False)
    )
    return Probes(nest, labels, checked)
