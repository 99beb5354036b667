"""The softmax or sigmoid in which an output ends, and the logits before it."""

from typing import Any

import keras
import tensorflow as tf

#: Layers that apply their `activation` last.
_WITH_ACTIVATION = (
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
)
#: Operations of a graph that leave the rows of the last axis as they are.
_PASSED_ON = ("Identity", "Cast", "EnsureShape", "Reshape", "Squeeze", "ExpandDims")


def of_symbolic(tensor: Any) -> str | None:
    """Returns the activation in which a symbolic output of a Keras model ends.

    Args:
        tensor: one of `model.outputs`.

    Returns:
        "softmax" or "sigmoid"; None for neither, or where Keras does not tell: a layer of the
        user's own, say.
    """
    operation, node_index, tensor_index = tensor._keras_history
    if isinstance(operation, keras.Model):
        outputs = getattr(operation, "outputs", None)
        return of_symbolic(outputs[tensor_index]) if outputs else None
    if _is_passed_on(operation):
        return of_symbolic(operation._inbound_nodes[node_index].input_tensors[0])
    if isinstance(operation, keras.layers.TimeDistributed):
        operation = operation.layer
    kind = type(operation).__name__  # of layers and of `keras.ops`
    if kind in ("Softmax", "Sigmoid"):
        return kind.lower() if getattr(operation, "axis", -1) == -1 else None
    if not isinstance(operation, _WITH_ACTIVATION):
        return None
    return {keras.activations.softmax: "softmax", keras.activations.sigmoid: "sigmoid"}.get(
        operation.activation
    )


def _is_passed_on(operation: keras.Operation) -> bool:
    """True for what changes nothing at inference, or the dtype alone."""
    if isinstance(operation, keras.layers.Activation):
        return operation.activation is keras.activations.linear
    is_identity = isinstance(operation, keras.layers.Identity | keras.layers.Dropout)
    return is_identity or type(operation).__name__ == "Cast"


def symbolic_outputs(model: keras.Model) -> Any:
    """Returns the symbolic outputs of a model, a nest; None for the subclassing style."""
    outputs = getattr(model, "outputs", None)
    if not outputs:
        return None
    return getattr(model, "_outputs_struct", outputs[0] if len(outputs) == 1 else outputs)


def in_graph(output: Any) -> tuple[str, Any] | None:
    """Finds the softmax or sigmoid that computes an output in its graph.

    Args:
        output: (batch, ..., classes), a tensor of a graph.

    Returns:
        "softmax" or "sigmoid", and the logits of it, of the shape of the output; None where
        neither is seen.
    """
    operation = getattr(output, "op", None)  # an eager tensor has none
    while operation is not None and operation.type in _PASSED_ON:
        operation = operation.inputs[0].op
    if operation is None or operation.type not in ("Softmax", "Sigmoid"):
        return None
    logits = operation.inputs[0]
    if operation is output.op:
        return operation.type.lower(), logits
    # Rows that are reshaped stay rows if they are as long as before.
    classes = logits.shape[-1:].as_list()
    if operation.type == "Softmax" and (
        classes == [None] or classes != output.shape[-1:].as_list()
    ):
        return None
    logits = tf.reshape(logits, tf.shape(output))
    logits.set_shape(output.shape)
    return operation.type.lower(), logits


def as_logits(output: Any, activation: str | None) -> Any:
    """Returns the logits of an output, or the output itself where it is not known to have some.

    Args:
        output: (batch, ..., classes).
        activation: the activation in which the output is known to end, by `of_symbolic`.

    Returns:
        Where a softmax or sigmoid is seen in the graph, what it was applied to. Where only Keras
        tells of it, the logarithm of a softmax, or log p - log(1 - p) of a sigmoid, in float32, or
        float64 if the output is.
    """
    seen = in_graph(output)
    if seen is not None:
        return seen[1]
    if activation is None:
        return output
    probabilities = tf.cast(output, tf.float64 if output.dtype == tf.float64 else tf.float32)
    if activation == "softmax":
        return _log(probabilities)
    return _log(probabilities) - _log(1 - probabilities)


def _log(values: Any) -> Any:
    """Returns the logarithm, whose gradient is 0 rather than NaN where it is -inf."""
    positive = values > 0
    logs = tf.math.log(tf.where(positive, values, tf.ones_like(values)))
    return tf.where(positive, logs, -tf.constant(float("inf"), values.dtype))
