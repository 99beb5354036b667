"""`Tap`: reads and replaces what embedding layers give, while the user's own model runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf

from tf_salience.tap.find import all_layers
from tf_salience.tap.hook import Handler, functions_inlined, hooked, losses_kept

Replace = Callable[[keras.layers.Layer, Any], Any]


@dataclass(frozen=True)
class Call:
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
class Reading:
    """One plain pass of the model.

    Attributes:
        outputs: the model's outputs.
        calls: the tapped layers' calls, in order.
        lookups: the calls of every `Embedding` layer, which has a table to run out of.
        vectorized: the ids that the model's own `TextVectorization` layers gave, in order.
    """

    outputs: Any
    calls: list[Call]
    lookups: list[Call]
    vectorized: list[Any]


class Tap:
    """Runs a model with a hook on some of its layers.

    Args:
        model: a built `keras.Model`.
        layers: the layers whose output is (batch, tokens, dim).
    """

    def __init__(self, model: keras.Model, layers: Sequence[keras.layers.Layer]) -> None:
        self.model = model
        self.layers = list(layers)
        self._everything = everything = all_layers(model)
        self._tables = [one for one in everything if isinstance(one, keras.layers.Embedding)]
        self._vectorizers = [
            one for one in everything if isinstance(one, keras.layers.TextVectorization)
        ]
        # A `call` under the user's own `@tf.function` is inlined; its `if` needs autograph then.
        self._functions = [one for one in (model, *everything) if _is_function(one.call)]

    def read(self, inputs: Any) -> Reading:
        """Runs the model as it is and notes what the embedding layers are given and give.

        Ids outside a layer's table are moved into it, so that the pass itself never fails on them;
        `lookups` holds the ids as they came, to be checked.
        """
        reading = Reading(None, [], [], [])

        def note(
            layer: keras.layers.Layer, call: Callable[..., Any], args: tuple[Any, ...], kw: Any
        ) -> Any:
            if layer in self._vectorizers:
                reading.vectorized.append(call(*args, **kw))
                return reading.vectorized[-1]
            ids = args[0] if args else next(iter(kw.values()))
            if layer in self._tables:
                args = (tf.clip_by_value(ids, 0, layer.input_dim - 1), *args[1:])
            embeddings = call(*args, **kw)
            seen = Call(layer, ids, embeddings, _mask_of(layer, ids, embeddings))
            if layer in self._tables:
                reading.lookups.append(seen)
            if layer in self.layers:
                reading.calls.append(seen)
            return embeddings

        outputs = self._run(inputs, note, [*self.layers, *self._tables, *self._vectorizers])
        return replace(reading, outputs=outputs)

    def replace(self, inputs: Any, vectorized: Sequence[Any], replacement: Replace) -> Any:
        """Runs the model with other embeddings.

        Args:
            inputs: the model's inputs.
            vectorized: what its `TextVectorization` layers give, as `Reading.vectorized` has it:
                texts are not split again for each row.
            replacement: the layer and its true output, (batch, tokens, dim), to what goes on in its
                stead, of the same shape and dtype; asked once a call, in order.

        Returns:
            The model's outputs.
        """
        ids = iter(vectorized)

        def swap(
            layer: keras.layers.Layer, call: Callable[..., Any], args: tuple[Any, ...], kw: Any
        ) -> Any:
            if layer in self._vectorizers:
                return next(ids)
            true = call(*args, **kw)
            other = replacement(layer, true)
            # Some layers attach the mask to their output inside `call`.
            mask = getattr(true, "_keras_mask", None)
            if mask is not None:
                other._keras_mask = mask
            return other

        return self._run(inputs, swap, [*self.layers, *self._vectorizers])

    def table(self, layer: keras.layers.Layer) -> Any:
        """The embedding matrix of a layer, (vocabulary, dim), or None if it has none of floats."""
        if layer not in self._tables or layer.quantization_mode is not None:
            return None
        return layer.embeddings

    def lookup(self, layer: keras.layers.Layer, token_id: int) -> Any:
        """The embedding of one id, (dim,), by the layer itself.

        Raises:
            ValueError: if the id is outside the layer's table.
        """
        rows = getattr(layer, "input_dim", None)
        if token_id < 0 or (rows is not None and token_id >= rows):
            raise ValueError(
                f"`baseline` must be an id from 0 to {(rows or 0) - 1}, the table of layer "
                f"{layer.name!r}. Received: baseline={token_id}"
            )
        with keras.StatelessScope():
            return layer(tf.constant([[token_id]]))[0, 0]

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
            return self.model(inputs, training=False)


def _is_function(call: Any) -> bool:
    return isinstance(call, tf.types.experimental.PolymorphicFunction)


def _mask_of(layer: keras.layers.Layer, ids: Any, embeddings: Any) -> Any:
    """The mask that goes with the output: attached inside `call`, or what Keras will attach."""
    mask = getattr(embeddings, "_keras_mask", None)
    if mask is None and layer.supports_masking:
        mask = layer.compute_mask(ids, getattr(ids, "_keras_mask", None))
    return mask
