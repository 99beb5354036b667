"""What is wrong with a request, said in the graph: TensorFlow errors that name the input.

On its own the graph would fail somewhere inside the model, or, on a GPU, answer with zeros.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_salience.models.embeddings import Recording


class Refusals:
    """Conditions that a request must meet; what passes `gate` waits until they are met."""

    def __init__(self) -> None:
        self._assertions: list[Any] = []

    def require(self, condition: Any, message: str, *received: Any) -> None:
        """Unless the condition holds, the request fails with an InvalidArgument error.

        Args:
            condition: a boolean scalar.
            message: what was expected.
            received: tensors that are printed after it.
        """
        self._assertions.append(tf.debugging.Assert(condition, [message, *received]))

    def gate(self, nest: Any) -> Any:
        """The same tensors, once every condition so far is met."""
        with tf.control_dependencies(self._assertions):
            return tf.nest.map_structure(tf.identity, nest)


def check_inputs(flat: Sequence[Any], specs: Sequence[tf.TensorSpec]) -> list[Any]:
    """The inputs of a request, checked against what the model takes, in the model's own shapes.

    Args:
        flat: the inputs, with open dimensions.
        specs: what the model takes, one an input.
    """
    refusals = Refusals()
    batch = tf.shape(flat[0])[0]
    for tensor, spec in zip(flat, specs, strict=True):
        name, shape = spec.name, tf.shape(tensor)
        refusals.require(
            shape[0] > 0, f"`{name}` must hold at least one example. Received: an empty batch"
        )
        refusals.require(
            tf.equal(shape[0], batch),
            f"`{name}` must have as many examples as `{specs[0].name}`. Received:",
            shape[0],
            batch,
        )
        for axis, size in enumerate(spec.shape[1:], start=1):
            if size is None:
                refusals.require(
                    shape[axis] > 0,
                    f"There is nothing to explain: no example of `{name}` has a token",
                )
            else:
                refusals.require(
                    tf.equal(shape[axis], size),
                    f"`{name}` must be {size} wide, which is what the model takes: pad it or cut "
                    "it. Received:",
                    shape[axis],
                )
        if tensor.dtype == tf.string:
            # What is not UTF-8 does not survive being read as UTF-8.
            read = tf.strings.unicode_transcode(tensor, "UTF-8", "UTF-8", errors="replace")
            refusals.require(
                tf.reduce_all(tf.equal(read, tensor)),
                f"`{name}` must be UTF-8. Received invalid bytes in the examples",
                tf.where(tf.not_equal(tf.reshape(read, [-1]), tf.reshape(tensor, [-1])))[:, 0],
            )
        elif tensor.dtype.is_floating:
            refusals.require(
                tf.reduce_all(tf.math.is_finite(tensor)),
                f"`{name}` must be finite numbers. Received: NaN or infinite values",
            )
    return [
        tf.ensure_shape(tensor, spec.shape)
        for tensor, spec in zip(refusals.gate(list(flat)), specs, strict=True)
    ]


def check_target(target: Any, batch: Any, classes: int) -> Any:
    """The target of each example, (batch,), checked: a class index, or -1 for the prediction."""
    refusals = Refusals()
    refusals.require(
        tf.equal(tf.shape(target)[0], batch),
        "`target` must hold one class index an example. Received, for so many examples:",
        tf.shape(target)[0],
        batch,
    )
    refusals.require(
        tf.reduce_all((target >= -1) & (target < classes)),
        f"`target` must be a class index from 0 to {classes - 1}, or -1 for the prediction. "
        "Received:",
        target,
    )
    return refusals.gate(target)


def check_tokens(ids: Any, names: Sequence[str]) -> Any:
    """Ids, (batch, tokens), once it is seen that there is a token."""
    refusals = Refusals()
    everything = ", ".join(f"`{name}`" for name in names)
    refusals.require(
        tf.shape(ids)[1] > 0, f"There is nothing to explain: no example of {everything} has a token"
    )
    return refusals.gate(ids)


def check_reading(
    reading: Recording, sources: Sequence[int], names: Sequence[str], gated: Any
) -> Any:
    """Some tensors, once it is seen that the ids were in their tables and the outputs are numbers.

    Args:
        reading: what one pass of the model showed.
        sources: one a lookup, the number of the input that its ids are; -1 for none.
        names: the inputs' names.
        gated: what waits.
    """
    refusals = Refusals()
    everything = ", ".join(f"`{name}`" for name in names)
    for call, source in zip(reading.lookups, sources, strict=True):
        last = call.layer.input_dim - 1
        if source >= 0:
            expected = f"`{names[source]}` must hold ids from 0 to {last}, for which layer "
            expected += f"{call.layer.name!r} has embeddings. Received ids from, to:"
        else:
            expected = f"Layer {call.layer.name!r} has embeddings for 0 to {last}. If these are "
            expected += f"positions, {everything} must be shorter. Received numbers from, to:"
        least, most = tf.reduce_min(call.ids), tf.reduce_max(call.ids)
        refusals.require((least >= 0) & (tf.cast(most, tf.int64) <= last), expected, least, most)
        if call.ids.dtype.is_floating:
            refusals.require(
                tf.reduce_all(tf.equal(call.ids, tf.round(call.ids))),
                f"`{names[source]}` must hold ids, which are whole numbers",
            )
    for output in tf.nest.flatten(reading.outputs):
        refusals.require(
            tf.reduce_all(tf.math.is_finite(output)),
            f"The model's predictions for {everything} are not finite numbers. Received from it:",
            output,
        )
    return refusals.gate(gated)
