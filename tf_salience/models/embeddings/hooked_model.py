"""`HookedModel`: reads and replaces what embedding layers give, while the user's own model runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.hook import Handler, functions_inlined, hooked, losses_kept
from tf_salience.models.embeddings.structure import all_layers, comparisons

Replace = Callable[[keras.layers.Layer, Any], Any]


@dataclass(frozen=True)
class EmbeddingCall:
    """One call of an embedding layer while the model ran: a segment.

    Attributes:
        layer: the layer that was called.
        ids: what it was called on, (batch, tokens) for token ids.
        embeddings: what it gave, (batch, tokens, dim).
        mask: (batch, tokens), true for real tokens, or None where the layer masks nothing.
    """

    layer: keras.layers.Layer
    ids: Any
    embeddings: Any
    mask: Any


@dataclass(frozen=True)
class Recording:
    """One plain pass of the model.

    Attributes:
        outputs: the model's outputs.
        calls: the tapped layers' calls, in order.
        lookups: the calls of every `Embedding` layer, which has a table to run out of.
        vectorized: the ids that the model's own `TextVectorization` layers gave, in order.
        texts: what those layers were called on.
    """

    outputs: Any
    calls: list[EmbeddingCall]
    lookups: list[EmbeddingCall]
    vectorized: list[Any]
    texts: list[Any]


class HookedModel:
    """Runs a model with a hook on some of its layers.

    Args:
        model: a built `keras.Model`.
        layers: the layers whose output is (batch, tokens, dim).
        guessed: whether nobody named these layers.
    """

    def __init__(
        self, model: keras.Model, layers: Sequence[keras.layers.Layer], *, guessed: bool = False
    ) -> None:
        self.model = model
        self.guessed = guessed
        self.layers = list(layers)
        self._everything = everything = all_layers(model)
        self._tables = [one for one in everything if isinstance(one, keras.layers.Embedding)]
        self._vectorizers = [
            one for one in everything if isinstance(one, keras.layers.TextVectorization)
        ]
        self._maskings = [one for one in everything if isinstance(one, keras.layers.Masking)]
        self._comparisons = comparisons(model) if self._maskings else []
        # A `call` under the user's own `@tf.function` is inlined; its `if` needs autograph then.
        self._functions = [one for one in (model, *everything) if _is_function(one.call)]

    @property
    def embedders(self) -> list[keras.layers.Layer]:
        """The tapped layers and every other `Embedding`."""
        return list(dict.fromkeys([*self.layers, *self._tables]))

    def read(
        self,
        inputs: Any,
        vectorized: Sequence[Any] = (),
        *,
        checked: Callable[[Any], Any] = lambda ids: ids,
    ) -> Recording:
        """Runs the model as it is and notes what the embedding layers are given and give.

        Ids outside a layer's table are moved into it, so that the pass itself never fails on them;
        `lookups` holds the ids as they came, to be checked.

        Args:
            inputs: the model's inputs.
            vectorized: what its `TextVectorization` layers shall give; their own doing if empty.
            checked: what these give to the same, checked, before a layer meets it.
        """
        reading = Recording(None, [], [], [], [])

        def note(
            layer: keras.layers.Layer, call: Callable[..., Any], args: tuple[Any, ...], kw: Any
        ) -> Any:
            ids = tf.nest.flatten((args, kw))[0]
            if layer in self._vectorizers:
                given = vectorized[len(reading.texts)] if vectorized else call(*args, **kw)
                given = checked(given)
                reading.vectorized.append(given)
                reading.texts.append(ids)
                return given
            if layer in self._maskings:
                output = call(*args, **kw)
                _give_mask(reading.calls, ids, getattr(output, "_keras_mask", None))
                return output
            if layer in self._tables:
                # In 64 bits: the table's last id may not fit into the ids' own type.
                wide = ids if ids.dtype.is_floating else tf.cast(ids, tf.int64)
                args, kw = (tf.clip_by_value(wide, 0, layer.input_dim - 1), *args[1:]), {}
            embeddings = call(*args, **kw)
            if not tf.is_tensor(embeddings):
                raise ValueError(
                    f"Layer {layer.name!r} must give one tensor of embeddings, (batch, tokens, "
                    f"dim). Received: a {type(embeddings).__name__}. Name another layer."
                )
            seen = EmbeddingCall(layer, ids, embeddings, _mask_of(layer, ids, embeddings))
            if layer in self._tables:
                reading.lookups.append(seen)
            if layer in self.layers:
                reading.calls.append(seen)
            return embeddings

        special = [*self._tables, *self._vectorizers, *self._maskings]
        outputs = self._run(inputs, note, [*self.layers, *special])
        return replace(reading, outputs=outputs)

    def replace(self, inputs: Any, vectorized: Sequence[Any], replacement: Replace) -> Any:
        """Runs the model with other embeddings.

        Args:
            inputs: the model's inputs.
            vectorized: what its `TextVectorization` layers give, as `Recording.vectorized` has it:
                texts are not split again for each row.
            replacement: the layer and its true output, (batch, tokens, dim), to what goes on in its
                stead, of the same shape and dtype; asked once a call, in order.

        Returns:
            The model's outputs.
        """
        ids = iter(vectorized)
        replaced: list[tuple[Any, Any]] = []

        def swap(
            layer: keras.layers.Layer, call: Callable[..., Any], args: tuple[Any, ...], kw: Any
        ) -> Any:
            if layer in self._vectorizers:
                return next(ids)
            if layer in self._maskings or layer in self._comparisons:
                # What is masked is a matter of the true embeddings, as with a mask of ids: on the
                # way from zeros all would be masked at the start and nothing after it.
                trues = [true for other, true in replaced if other is args[0]]
                return _masked_as(trues, layer, call, args, kw)
            true = call(*args, **kw)
            other = replacement(layer, true)
            replaced.append((other, true))
            # Some layers attach the mask to their output inside `call`.
            mask = getattr(true, "_keras_mask", None)
            if mask is not None:
                other._keras_mask = mask
            return other

        special = [*self._vectorizers, *self._maskings, *self._comparisons]
        return self._run(inputs, swap, [*self.layers, *special])

    def observe(
        self,
        inputs: Any,
        layers: Sequence[keras.layers.Layer],
        note: Callable[[keras.layers.Layer, Sequence[Any], Any], None],
    ) -> Any:
        """Runs the model as it is and tells of each call of some layers.

        Args:
            inputs: the model's inputs.
            layers: the layers.
            note: given a layer, the tensors it was called on, and what it gave.

        Returns:
            The model's outputs.
        """

        def watch(
            layer: keras.layers.Layer, call: Callable[..., Any], args: tuple[Any, ...], kw: Any
        ) -> Any:
            output = call(*args, **kw)
            note(layer, tf.nest.flatten((args, kw)), output)
            return output

        return self._run(inputs, watch, layers)

    def mean(self, layer: keras.layers.Layer) -> Any:
        """The mean of all of a layer's embeddings, (dim,), or None if it has no table of them."""
        if layer not in self._tables:
            return None
        return tf.reduce_mean(self._embed(layer, np.arange(layer.input_dim)[None])[0], axis=0)

    def lookup(self, layer: keras.layers.Layer, token_id: int) -> Any:
        """The embedding of one id, (dim,), by the layer itself.

        Raises:
            ValueError: if the id is outside the layer's table, or the layer embeds no ids.
        """
        rows = getattr(layer, "input_dim", None)
        if token_id < 0 or (rows is not None and token_id >= rows):
            raise ValueError(
                f"`baseline` must be an id from 0 to {(rows or 0) - 1}, the table of layer "
                f"{layer.name!r}. Received: baseline={token_id}"
            )
        try:
            embedded = self._embed(layer, np.array([[token_id]]))
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise ValueError(
                f"A `baseline` that is a token needs a layer that embeds ids. Received: layer "
                f"{layer.name!r}, which is called on something else. Pass an array of shape "
                f"(dim,) instead. It said: {error}"
            ) from error
        return embedded[0, 0]

    def _embed(self, layer: keras.layers.Layer, ids: Any) -> Any:
        with losses_kept([layer]), keras.StatelessScope():
            return layer(tf.constant(ids, tf.int32))

    def _run(self, inputs: Any, handler: Handler, layers: Sequence[keras.layers.Layer]) -> Any:
        def inline(
            layer: keras.layers.Layer, call: Callable[..., Any], args: tuple[Any, ...], kw: Any
        ) -> Any:
            if layer in self._functions:
                call = tf.autograph.to_graph(call.python_function)  # type: ignore[attr-defined]
            return handler(layer, call, args, kw) if layer in layers else call(*args, **kw)

        with (
            hooked([*layers, *self._functions], inline),
            functions_inlined(),
            losses_kept([self.model, *self._everything]),
            # Updates of state that the model makes while it runs (a counter, a metric) are dropped.
            keras.StatelessScope(),
        ):
            outputs = self.model(inputs, training=False)
        self._refuse_side_effects()
        return outputs

    def _refuse_side_effects(self) -> None:
        """What a graph assigns to variables that Keras does not know of cannot be dropped."""
        graph = tf.compat.v1.get_default_graph()
        for operation in graph.get_operations():
            if operation.type.startswith("Assign") and operation.type.endswith("VariableOp"):
                raise ValueError(
                    f"The model {self.model.name!r} changes a `tf.Variable` whenever it runs "
                    f"(operation {operation.name!r}), so explaining it would change it. Received: "
                    "a model with state of its own. Make that state with `self.add_weight(...)`, "
                    "whose updates are dropped."
                )


def _give_mask(calls: list[EmbeddingCall], embeddings: Any, mask: Any) -> None:
    """Gives a `Masking` layer's mask to the call whose embeddings it was called on."""
    for number, one in enumerate(calls):
        if one.embeddings is embeddings:
            calls[number] = replace(one, mask=mask)


def _masked_as(
    trues: Sequence[Any],
    layer: keras.Operation,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    kw: dict[str, Any],
) -> Any:
    """What a `Masking` layer, or its comparison, gives: masked as the true embeddings are."""
    if not trues:
        return call(*args, **kw)
    output = call(trues[0], *args[1:], **kw)
    if not isinstance(layer, keras.layers.Masking):
        return output
    mask = output._keras_mask
    masked = args[0] * tf.cast(mask, args[0].dtype)[:, :, None]
    masked._keras_mask = mask
    return masked


def _is_function(call: Any) -> bool:
    return isinstance(call, tf.types.experimental.PolymorphicFunction)


def _mask_of(layer: keras.layers.Layer, ids: Any, embeddings: Any) -> Any:
    """The mask that goes with the output: attached inside `call`, or what Keras will attach."""
    mask = getattr(embeddings, "_keras_mask", None)
    if mask is None and layer.supports_masking:
        mask = layer.compute_mask(ids, getattr(ids, "_keras_mask", None))
    return mask
