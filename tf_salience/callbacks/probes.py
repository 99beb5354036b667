"""The examples that are watched, with what the user knows of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience import inputs

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
        nest, found = _of_data_set(examples, max_examples, pad_id)
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
        labels = _plain(np.asarray(labels))
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


def _plain(labels: Array) -> Array:
    """Labels as `fit` takes them, (batch,) or (batch, 1), also floats, as class indices."""
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    whole = flat.dtype.kind == "f" and bool((flat == np.round(flat)).all())
    return flat.astype(np.int64) if whole else flat


def _of_data_set(
    examples: tf.data.Dataset, most: int, pad_id: int | None
) -> tuple[Any, Array | None]:
    """The inputs and the labels of a data set's first examples."""
    for spec in tf.nest.flatten(examples.element_spec):
        if spec.shape.rank == 0:
            raise TypeError(
                "`examples` must be a data set of batches, as `fit` takes it: "
                f"`examples.batch(32)`. Received: single elements, {examples.element_spec}"
            )
    batches, labels, found = [], [], 0
    for element in examples:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(element)
        batches.append(tf.nest.map_structure(_array, x))
        # Labels of several heads, or of each token, are no one class.
        one_each = tf.is_tensor(y) and (y.shape.rank == 1 or y.shape[1:].num_elements() == 1)
        labels.append(np.asarray(y) if one_each else None)
        found += inputs.size(batches[-1])
        if found >= most:
            break
    if not batches:
        raise ValueError("`examples` must hold at least one example. Received: an empty data set")
    nest = tf.nest.map_structure(lambda *leaves: _joined(leaves, pad_id)[:most], *batches)
    given = [one for one in labels if one is not None]
    return nest, np.concatenate(given)[:most] if given else None


def _array(value: Any) -> Array:
    dense = value.to_tensor() if isinstance(value, tf.RaggedTensor) else value
    return np.asarray(dense)


def _joined(leaves: Sequence[Array], pad_id: int | None) -> Array:
    """Batches one after the other, padded with zeros to the widest, as `padded_batch` pads."""
    widths = [leaf.shape[1] for leaf in leaves if leaf.ndim > 1]
    if len(set(widths)) < 2:
        return np.concatenate(leaves)
    if pad_id:
        raise ValueError(
            "The batches of `examples` have different widths, and only zeros can be told to be "
            f"padding in all of their arrays. Received: widths {sorted(set(widths))}, "
            f"pad_id={pad_id}. Pad the data set to one width: `padded_batch(..., padded_shapes=, "
            "padding_values=)`."
        )

    def pads(leaf: Array) -> list[tuple[int, int]]:
        return [(0, 0), (0, max(widths) - leaf.shape[1]), *[(0, 0)] * (leaf.ndim - 2)]

    return np.concatenate([np.pad(leaf, pads(leaf)) for leaf in leaves])
