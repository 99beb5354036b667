"""`CallRecorder`: what the hooked layers of a model do in one pass."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.embeddings.hook import Call
from tf_salience.models.embeddings.provenance import (
    maker_of,
    slice_of,
    source_of,
    unread_inputs,
)
from tf_salience.utils.validation import format_value

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]


class CallRecorder:
    """Records the calls of embedding layers, their masks, and the texts of which ids are made.

    It handles the calls of the hook; see `hook.Handler`. Ids outside a layer's table are moved into
    it, so that the pass itself never fails on them.

    Args:
        masking_parents: layers around an embedding that compute its mask.
        vectorized: the outputs of `TextVectorization` layers; () to run these layers.
        check_vectorized: returns the ids of these layers, checked.
    """

    def __init__(
        self,
        masking_parents: Collection[keras.layers.Layer],
        vectorized: Sequence[Any],
        check_vectorized: Callable[[Any], Any],
    ) -> None:
        self._masking_parents = masking_parents
        self._vectorized = vectorized
        self._check_vectorized = check_vectorized
        self._calls: list[Segment] = []
        # Texts, the ids that are made of them, and by which layer.
        self._texts: list[tuple[Any, Any, keras.layers.Layer]] = []

    def __call__(
        self, layer: keras.layers.Layer, call: Call, args: Arguments, kwargs: Keywords
    ) -> Any:
        """Runs a layer, and records what it does."""
        source = tf.nest.flatten((args, kwargs))[0]
        if isinstance(layer, keras.layers.TextVectorization):
            return self._vectorize(layer, source, call, args, kwargs)
        if isinstance(layer, keras.layers.Masking):
            output = call(*args, **kwargs)
            self._set_mask(source, getattr(output, "_keras_mask", None))
            return output
        if layer in self._masking_parents:
            first = len(self._calls)
            output = call(*args, **kwargs)
            self._set_missing_masks(first, _mask_of(layer, source, output))
            return output
        return self._embed(layer, source, call, args, kwargs)

    def forward_pass(
        self, outputs: Any, inputs: Any, layers: Collection[keras.layers.Layer]
    ) -> ForwardPass:
        """Returns the pass that was recorded.

        Args:
            outputs: of the model, a nest of (batch, ...).
            inputs: of the model, a nest of (batch, ...).
            layers: those that are explained, whose calls are segments.
        """
        flat = tf.nest.flatten(inputs)
        text_of = {id(ids): text for text, ids, _ in self._texts}
        vectorizer_of = {id(ids): layer for _, ids, layer in self._texts}
        calls = [
            replace(
                call,
                source=source_of(call.ids, flat, text_of),
                slice_of=slice_of(call.ids, flat),
                vectorizer=maker_of(call.ids, vectorizer_of),
            )
            for call in self._calls
        ]
        segments = [call for call in calls if call.layer in layers]
        return ForwardPass(
            outputs=outputs,
            segments=segments,
            order=range(len(segments)),
            vectorized=tuple(ids for _, ids, _ in self._texts),
            lookups=[call for call in calls if isinstance(call.layer, keras.layers.Embedding)],
            unread=unread_inputs(flat, [*(call.ids for call in calls), *text_of.values()]),
        )

    def _vectorize(
        self,
        layer: keras.layers.Layer,
        texts: Any,
        call: Call,
        args: Arguments,
        kwargs: Keywords,
    ) -> Any:
        vectorized = self._vectorized
        ids = vectorized[len(self._texts)] if vectorized else call(*args, **kwargs)
        ids = self._check_vectorized(ids)
        self._texts.append((texts, ids, layer))
        return ids

    def _embed(
        self, layer: keras.layers.Layer, ids: Any, call: Call, args: Arguments, kwargs: Keywords
    ) -> Any:
        if isinstance(layer, keras.layers.Embedding):
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
        self._calls.append(Segment(layer, -1, ids, embeddings, _mask_of(layer, ids, embeddings)))
        return embeddings

    def _set_mask(self, embeddings: Any, mask: Any) -> None:
        """Gives a `Masking` layer's mask to the call whose embeddings it was called on."""
        self._calls = [
            replace(call, mask=mask) if call.embeddings is embeddings else call
            for call in self._calls
        ]

    def _set_missing_masks(self, first: int, mask: Any) -> None:
        """Gives a mask to the calls from number `first` on that have none."""
        self._calls[first:] = [
            replace(call, mask=mask) if call.mask is None else call for call in self._calls[first:]
        ]


def _mask_of(layer: keras.layers.Layer, ids: Any, output: Any) -> Any:
    """Returns the mask of the output: attached inside `call`, or the one that Keras will attach."""
    mask = getattr(output, "_keras_mask", None)
    if mask is None and layer.supports_masking:
        mask = layer.compute_mask(ids, getattr(ids, "_keras_mask", None))
    return mask
