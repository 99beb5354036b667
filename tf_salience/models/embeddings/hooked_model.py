"""`HookedModel`: records and replaces the output of embedding layers while the model runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.embeddings.function_inlining import run_inlined
from tf_salience.models.embeddings.hook import Call, Handler, losses_kept, run_hooked
from tf_salience.models.embeddings.provenance import (
    maker_of,
    slice_of,
    source_of,
    unread_inputs,
)
from tf_salience.models.embeddings.side_effects import refuse_side_effects
from tf_salience.models.embeddings.structure import all_layers, comparisons, fixed_batch_size
from tf_salience.utils.validation import format_value

Replacement = Callable[[keras.layers.Layer, Any], Any]


class HookedModel:
    """A model with a hook on some of its layers.

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
        self._all_layers = all_layers(model)
        self._fixed_batch = fixed_batch_size(model)
        self._tables = self._of_kind(keras.layers.Embedding)
        self._vectorizers = self._of_kind(keras.layers.TextVectorization)
        self._maskings = self._of_kind(keras.layers.Masking)
        self._comparisons = comparisons(model) if self._maskings else []
        # Layers around an embedding, such as one that adds positions, which know the mask.
        self._masking_parents = [
            layer
            for layer in self._all_layers
            if type(layer).compute_mask is not keras.layers.Layer.compute_mask
            and not {layer, *layer._flatten_layers()}.isdisjoint(self.layers)
            and layer not in self.layers
        ]

    @property
    def uses_float16(self) -> bool:
        """True if some layer computes in float16, where gradients may underflow."""
        layers = (self.model, *self._all_layers)
        return any(layer.compute_dtype == "float16" for layer in layers)

    def _of_kind(self, kind: type) -> list[keras.layers.Layer]:
        return [layer for layer in self._all_layers if isinstance(layer, kind)]

    def record(
        self,
        inputs: Any,
        vectorized: Sequence[Any] = (),
        *,
        check_vectorized: Callable[[Any], Any] = lambda ids: ids,
    ) -> ForwardPass:
        """Runs the model as it is and records the calls of its embedding layers.

        Ids outside a layer's table are moved into it, so that the pass itself never fails on them;
        `ForwardPass.lookups` holds the ids as they came, to be checked.

        Args:
            inputs: the model's inputs.
            vectorized: the outputs of its `TextVectorization` layers; () to run these layers.
            check_vectorized: returns the ids of these layers, checked.
        """
        calls: list[Segment] = []
        # Texts, the ids that are made of them, and by which layer.
        texts: list[tuple[Any, Any, keras.layers.Layer]] = []

        def record(
            layer: keras.layers.Layer, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            ids = tf.nest.flatten((args, kwargs))[0]
            if layer in self._vectorizers:
                output = vectorized[len(texts)] if vectorized else call(*args, **kwargs)
                texts.append((ids, check_vectorized(output), layer))
                return texts[-1][1]
            if layer in self._maskings:
                output = call(*args, **kwargs)
                _set_mask(calls, ids, getattr(output, "_keras_mask", None))
                return output
            if layer in self._masking_parents:
                first = len(calls)
                output = call(*args, **kwargs)
                mask = _mask_of(layer, ids, output)
                calls[first:] = [
                    replace(call, mask=mask) if call.mask is None else call
                    for call in calls[first:]
                ]
                return output
            if layer in self._tables:
                # In 64 bits: the table's last id may not fit into the ids' own type.
                wide = ids if ids.dtype.is_floating else tf.cast(ids, tf.int64)
                inside = tf.clip_by_value(wide, 0, layer.input_dim - 1)
                args, kwargs = keras.tree.map_structure(
                    lambda argument: inside if argument is ids else argument, (args, kwargs)
                )
            embeddings = call(*args, **kwargs)
            if not tf.is_tensor(embeddings):
                raise ValueError(
                    f"Layer {format_value(layer.name)} must give one tensor of embeddings, (batch, "
                    f"tokens, dim). Received: a {type(embeddings).__name__}. Name another layer."
                )
            calls.append(Segment(layer, -1, ids, embeddings, _mask_of(layer, ids, embeddings)))
            return embeddings

        special = [*self._tables, *self._vectorizers, *self._maskings, *self._masking_parents]
        outputs = self._run(inputs, record, [*self.layers, *special])
        flat = tf.nest.flatten(inputs)
        text_of = {id(ids): text for text, ids, _ in texts}
        vectorizer_of = {id(ids): layer for _, ids, layer in texts}
        read = [*(call.ids for call in calls), *text_of.values()]
        calls = [
            replace(
                call,
                source=source_of(call.ids, flat, text_of),
                slice_of=slice_of(call.ids, flat),
                vectorizer=maker_of(call.ids, vectorizer_of),
            )
            for call in calls
        ]
        segments = [call for call in calls if call.layer in self.layers]
        return ForwardPass(
            outputs=outputs,
            segments=segments,
            order=range(len(segments)),
            vectorized=tuple(ids for _, ids, _ in texts),
            lookups=[call for call in calls if call.layer in self._tables],
            unread=unread_inputs(flat, read),
        )

    def run_with(self, inputs: Any, vectorized: Sequence[Any], replacement: Replacement) -> Any:
        """Runs the model with other embeddings.

        Args:
            inputs: the model's inputs.
            vectorized: the outputs of its `TextVectorization` layers, as `ForwardPass.vectorized`:
                texts are not split again for each row.
            replacement: the layer and its true output, (batch, tokens, dim), to the embeddings that
                take its place, of the same shape and dtype; called once a call, in order.

        Returns:
            The model's outputs.
        """
        ids = iter(vectorized)
        replaced: list[tuple[Any, Any]] = []

        def replace_output(
            layer: keras.layers.Layer, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            if layer in self._vectorizers:
                return next(ids)
            if layer in self._maskings or layer in self._comparisons:
                # True embeddings decide what is masked, as with a mask of ids: on a path from
                # zeros the interpolated ones would mask everything at the start.
                true = next((true for new, true in replaced if new is args[0]), None)
                return _masked_as(true, layer, call, args, kwargs)
            true = call(*args, **kwargs)
            new = replacement(layer, true)
            if self._fixed_batch is not None:
                new.set_shape(true.shape)
            replaced.append((new, true))
            # Some layers attach the mask to their output inside `call`.
            mask = getattr(true, "_keras_mask", None)
            if mask is not None:
                new._keras_mask = mask
            return new

        special = [*self._vectorizers, *self._maskings, *self._comparisons]
        return self._run(inputs, replace_output, [*self.layers, *special])

    def observe(
        self,
        inputs: Any,
        layers: Sequence[keras.layers.Layer],
        observer: Callable[[keras.layers.Layer, Sequence[Any], Any], None],
    ) -> Any:
        """Runs the model as it is and reports the calls of some layers.

        Args:
            inputs: the model's inputs.
            layers: the layers.
            observer: called with a layer, the tensors of its call, and its output.

        Returns:
            The model's outputs.
        """

        def report(
            layer: keras.layers.Layer, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            output = call(*args, **kwargs)
            observer(layer, tf.nest.flatten((args, kwargs)), output)
            return output

        return self._run(inputs, report, layers)

    def run_untraced(self, inputs: Any) -> Any:
        """Runs the model as it is, eagerly; updates of its state are dropped."""
        with losses_kept([self.model, *self._all_layers]), keras.StatelessScope():
            return self.model(inputs, training=False)

    def embed(self, layer: keras.layers.Layer, ids: Sequence[int]) -> Any:
        """Computes the embeddings of ids, (tokens, dim), by the layer itself."""
        with losses_kept([layer]), keras.StatelessScope():
            return layer(tf.constant([ids], tf.int32))[0]

    def check_graph(self) -> None:
        """Raises a ValueError if the graph in the making changes state, its gradients included."""
        graph = tf.compat.v1.get_default_graph()
        refuse_side_effects(self.model, graph.get_operations())

    def _run(self, inputs: Any, handler: Handler, layers: Sequence[keras.layers.Layer]) -> Any:
        graph = tf.compat.v1.get_default_graph()
        start = len(graph.get_operations())
        with (
            losses_kept([self.model, *self._all_layers]),
            # Updates of state that the model makes while it runs (a counter, a metric) are dropped,
            keras.StatelessScope(),
            # and so are the summaries that it writes.
            tf.summary.record_if(False),
        ):
            outputs = run_inlined(
                lambda: run_hooked(
                    lambda: self.model(self._with_batch(inputs), training=False), layers, handler
                )
            )
        refuse_side_effects(self.model, graph.get_operations()[start:])
        return outputs

    def _with_batch(self, inputs: Any) -> Any:
        """Tells the graph the batch size, where the model takes one alone, and may read it."""
        if self._fixed_batch is not None:
            for tensor in tf.nest.flatten(inputs):
                tensor.set_shape((self._fixed_batch, *tensor.shape[1:]))
        return inputs


def _set_mask(calls: list[Segment], embeddings: Any, mask: Any) -> None:
    """Gives a `Masking` layer's mask to the call whose embeddings it was called on."""
    for number, call in enumerate(calls):
        if call.embeddings is embeddings:
            calls[number] = replace(call, mask=mask)


def _masked_as(
    true: Any,
    layer: keras.Operation,
    call: Call,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Runs a `Masking` layer, or its comparison, so that it masks as with the true embeddings."""
    if true is None:
        return call(*args, **kwargs)
    output = call(true, *args[1:], **kwargs)
    if not isinstance(layer, keras.layers.Masking):
        return output
    mask = output._keras_mask
    masked = args[0] * tf.cast(mask, args[0].dtype)[:, :, None]
    masked._keras_mask = mask
    return masked


def _mask_of(layer: keras.layers.Layer, ids: Any, embeddings: Any) -> Any:
    """Returns the mask of the output: attached inside `call`, or the one that Keras will attach."""
    mask = getattr(embeddings, "_keras_mask", None)
    if mask is None and layer.supports_masking:
        mask = layer.compute_mask(ids, getattr(ids, "_keras_mask", None))
    return mask
