"""Checks of a request inside the graph: TensorFlow errors that name the input.

Without them the graph would fail somewhere inside the model, or, on a GPU, answer with zeros.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_salience.models.embeddings.forward_pass import ForwardPass


class Requirements:
    """Conditions that a request must meet; tensors that pass `gate` wait until they are met."""

    def __init__(self) -> None:
        self._assertions: list[Any] = []

    def require(self, condition: Any, message: str, *received: Any) -> None:
        """Fails the request with an InvalidArgument error unless the condition holds.

        Args:
            condition: a boolean scalar.
            message: what was expected.
            *received: tensors that are printed after it.
        """
        self._assertions.append(tf.debugging.Assert(condition, [message, *received]))

    def gate(self, nest: Any) -> Any:
        """Returns the same tensors, once every condition so far is met."""
        with tf.control_dependencies(self._assertions):
            return tf.nest.map_structure(tf.identity, nest)


def check_inputs(flat: Sequence[Any], specs: Sequence[tf.TensorSpec]) -> list[Any]:
    """Checks the inputs of a request against the model's, and gives them the model's shapes.

    Args:
        flat: the inputs, with open dimensions.
        specs: of the model's inputs, one for each.
    """
    requirements = Requirements()
    batch = tf.shape(flat[0])[0]
    for tensor, spec in zip(flat, specs, strict=True):
        name, shape = spec.name, tf.shape(tensor)
        requirements.require(
            shape[0] > 0, f"`{name}` must hold at least one example. Received: an empty batch"
        )
        requirements.require(
            tf.equal(shape[0], batch),
            f"`{name}` must have as many examples as `{specs[0].name}`. Received:",
            shape[0],
            batch,
        )
        for axis, size in enumerate(spec.shape[1:], start=1):
            if size is None:
                requirements.require(
                    shape[axis] > 0,
                    f"There is nothing to explain: no example of `{name}` has a token",
                )
            else:
                requirements.require(
                    tf.equal(shape[axis], size),
                    f"`{name}` must be {size} wide, which is what the model takes: pad it or cut "
                    "it. Received:",
                    shape[axis],
                )
        if tensor.dtype == tf.string:
            # Bytes that are not UTF-8 do not survive being read as UTF-8.
            read = tf.strings.unicode_transcode(tensor, "UTF-8", "UTF-8", errors="replace")
            requirements.require(
                tf.reduce_all(tf.equal(read, tensor)),
                f"`{name}` must be UTF-8. Received invalid bytes in the examples",
                tf.where(tf.not_equal(tf.reshape(read, [-1]), tf.reshape(tensor, [-1])))[:, 0],
            )
        elif tensor.dtype.is_floating:
            requirements.require(
                tf.reduce_all(tf.math.is_finite(tensor)),
                f"`{name}` must be finite numbers. Received: NaN or infinite values",
            )
    return [
        tf.ensure_shape(tensor, spec.shape)
        for tensor, spec in zip(requirements.gate(list(flat)), specs, strict=True)
    ]


def check_target(target: Any, batch: Any, classes: int) -> Any:
    """Checks the target of each example, (batch,): a class index, or -1 for the prediction."""
    requirements = Requirements()
    requirements.require(
        tf.equal(tf.shape(target)[0], batch),
        "`target` must hold one class index per example. Received, for so many examples:",
        tf.shape(target)[0],
        batch,
    )
    requirements.require(
        tf.reduce_all((target >= -1) & (target < classes)),
        f"`target` must be a class index from 0 to {classes - 1}, or -1 for the prediction. "
        "Received:",
        target,
    )
    return requirements.gate(target)


def check_tokens(ids: Any, names: Sequence[str]) -> Any:
    """Checks that ids, (batch, tokens), hold a token."""
    requirements = Requirements()
    everything = ", ".join(f"`{name}`" for name in names)
    requirements.require(
        tf.shape(ids)[1] > 0, f"There is nothing to explain: no example of {everything} has a token"
    )
    return requirements.gate(ids)


def check_forward_pass(forward: ForwardPass, names: Sequence[str], nest: Any) -> Any:
    """Returns tensors once the ids are known to be in their tables and the outputs finite.

    Args:
        forward: one pass of the model.
        names: of the inputs.
        nest: the tensors that wait.
    """
    requirements = Requirements()
    everything = ", ".join(f"`{name}`" for name in names)
    for call in forward.lookups:
        last = call.layer.input_dim - 1
        owner = f"`{names[call.source]}`" if call.source >= 0 else f"Layer {call.layer.name!r}"
        if call.source >= 0:
            expected = f"`{names[call.source]}` must hold ids from 0 to {last}, for which layer "
            expected += f"{call.layer.name!r} has embeddings. Received ids from, to:"
        else:
            expected = f"Layer {call.layer.name!r} has embeddings for 0 to {last}. If these are "
            expected += f"positions, {everything} must be shorter. Received numbers from, to:"
        least, most = tf.reduce_min(call.ids), tf.reduce_max(call.ids)
        requirements.require(
            (least >= 0) & (tf.cast(most, tf.int64) <= last), expected, least, most
        )
        if call.ids.dtype.is_floating:
            requirements.require(
                tf.reduce_all(tf.equal(call.ids, tf.round(call.ids))),
                f"{owner} must be given ids, which are whole numbers",
            )
    for output in tf.nest.flatten(forward.outputs):
        if not output.dtype.is_floating:
            continue
        requirements.require(
            tf.reduce_all(tf.math.is_finite(output)),
            f"The model's predictions for {everything} are not finite numbers. Received from it:",
            output,
        )
    return requirements.gate(nest)
