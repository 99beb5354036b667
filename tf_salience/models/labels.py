"""Labels: from what `fit` takes to those of the explained output."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.models import nests
from tf_salience.utils.arrays import Array, Nest


def to_arrays(labels: Any) -> Nest:
    """Converts labels to an array, (batch, ...), or a dict or tuple of one for each output.

    Labels (batch, 1) become (batch,), and whole floats integers.

    Args:
        labels: class indices or names, (batch,); one-hot rows, (batch, classes); or a dict or
            tuple of such arrays.
    """
    if isinstance(labels, dict):
        return {name: to_arrays(column) for name, column in labels.items()}
    if isinstance(labels, tuple) and labels and all(np.ndim(column) for column in labels):
        return tuple(to_arrays(column) for column in labels)
    if isinstance(labels, tf.RaggedTensor):
        labels = labels.to_tensor()
    return _flat(np.asarray(labels))


def of_output(labels: Nest, outputs: Any, selected: Any, names: Sequence[str]) -> Nest:
    """Returns the labels of one output, or all as they are where it is not plain which they are.

    Args:
        labels: as `to_arrays` gives them, or None.
        outputs: all outputs of the model, a nest.
        selected: the one that is explained.
        names: of the outputs in order, as the model has them; () where it has none.
    """
    if not isinstance(labels, dict | tuple):
        return labels
    columns, heads = nests.paths(labels), nests.paths(outputs)
    if len(columns) == len(heads) == 1:
        return columns[0][1]
    keys = {path for path, head in heads if head is selected}
    if len(names) == len(heads):
        keys |= {name for name, (_, head) in zip(names, heads, strict=True) if head is selected}
    matches = [column for path, column in columns if path in keys]
    return matches[0] if len(matches) == 1 else labels


def _flat(labels: Array) -> Array:
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.dtype.kind in "OS" and flat.ndim == 1:
        names = [label.decode() if isinstance(label, bytes) else label for label in flat]
        return np.array(names, object)
    is_integral = flat.dtype.kind == "f" and bool((flat == np.round(flat)).all())
    return flat.astype(np.int64) if is_integral else flat
