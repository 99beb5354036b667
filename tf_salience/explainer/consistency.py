"""Checks that a model gives an example the same outputs alone, beside others, and untraced.

Rows of many examples and nodes are run together, in graphs that are kept. What an example is given
must depend on nothing else; where it does, its scores would depend on the order of the batch.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings import structure
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array

#: Allowed differences, relative to the largest output: rounding in sums of another order.
_TOLERANCE = 1e-3
#: The same where a layer rounds to half precision or to integers.
_COARSE_TOLERANCE = 0.05


def tolerance(model: keras.Model) -> float:
    """Returns the allowed difference of two runs of a model, relative to the largest output."""
    return _COARSE_TOLERANCE if structure.is_coarse(model) else _TOLERANCE


def disagreeing(outputs: Any, expected: Any, allowed: float) -> Array:
    """Returns the indices of the examples whose outputs differ, (examples,).

    Args:
        outputs: a nest of floats, (batch, ...).
        expected: the same nest.
        allowed: the allowed difference, relative to the largest output of the batch.
    """
    differs: Any = False
    for leaf, expected_leaf in zip(
        tf.nest.flatten(outputs), tf.nest.flatten(expected), strict=True
    ):
        array, other = (np.asarray(tensor).astype(np.float64) for tensor in (leaf, expected_leaf))
        if array.ndim == 0 or array.shape != other.shape:
            continue
        largest = np.abs(other).max(initial=0.0)
        difference = np.abs(array - other).reshape(len(array), -1).max(axis=1, initial=0.0)
        differs |= difference > allowed * largest
    return np.flatnonzero(differs)


def check_alone(
    model: keras.Model, outputs: Any, expected: Any, examples: Array, graph: Any
) -> None:
    """Raises a ValueError if the outputs of examples depend on those beside them.

    Args:
        model: the model.
        outputs: of examples that were run in a smaller batch, a nest of (batch, ...).
        expected: the same of the whole batch.
        examples: (batch,), their numbers in the user's batch.
        graph: that of the pass, which tells whether it draws random numbers.
    """
    rows = disagreeing(outputs, expected, tolerance(model))
    if not len(rows):
        return
    numbers = validation.format_examples(examples[rows].tolist())
    if _draws_random_numbers(graph):
        raise ValueError(
            f"The outputs of the model {model.name!r} are random: those of {numbers} differ in "
            "another batch, and would differ at every step. Received: a model that draws "
            "random numbers while it predicts, as by `Dropout` called with `training=True`. Call "
            "such layers with the `training` that the model is called with."
        )
    raise ValueError(
        f"The outputs of the model {model.name!r} depend on the batch: those of {numbers} differ "
        "in another batch, so scores would depend on the order of the batch. Received: a "
        "model that mixes examples, as `BatchNormalization` called with `training=True` does, a "
        "softmax or a maximum over the batch axis, or a division by the longest text of the "
        "batch. Make each output depend on its own example alone."
    )


def check_untraced(model: keras.Model, traced: Any, untraced: Any) -> None:
    """Raises a ValueError if a graph gives other outputs than the model as it is now.

    Args:
        model: the model.
        traced: the outputs by the graph, a nest of (1, ...).
        untraced: those of the model itself.
    """
    if len(disagreeing(traced, untraced, tolerance(model))):
        raise ValueError(
            f"The model {model.name!r} has changed since it was traced: run untraced it gives "
            "other outputs than its graph. Received: a model that reads a value which is not "
            "among its layers, variables and attributes, such as one of another module, or whose "
            "outputs are random. Make a new `Explainer` after such a change."
        )


def _draws_random_numbers(graph: Any) -> bool:
    definition = graph.as_graph_def()
    nodes = [*definition.node]
    for function in definition.library.function:
        nodes.extend(function.node_def)
    return any("Random" in node.op for node in nodes)
