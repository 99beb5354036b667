"""`HookedModel`: records and replaces the output of embedding layers while the model runs."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models.embeddings.call_recorder import CallRecorder
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.embeddings.function_inlining import run_inlined
from tf_salience.models.embeddings.hook import Call, Handler, losses_kept, run_hooked
from tf_salience.models.embeddings.side_effects import refuse_side_effects
from tf_salience.models.embeddings.structure import all_layers, comparisons, fixed_batch_size

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
        recorder = CallRecorder(self._masking_parents, vectorized, check_vectorized)
        special = [*self._tables, *self._vectorizers, *self._maskings, *self._masking_parents]
        outputs = self._run(inputs, recorder, [*self.layers, *special])
        return recorder.forward_pass(outputs, inputs, self.layers)

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
