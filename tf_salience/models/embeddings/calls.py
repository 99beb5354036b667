"""The calls of a model's layers, from one trace on inputs of the model's own specs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models.embeddings.hooked_model import HookedModel
from tf_salience.models.embeddings.provenance import are_joined_by_token, placeholders_of
from tf_salience.models.embeddings.structure import fixed_batch_size, input_names, input_specs

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class EmbeddingCall:
    """One call of a layer that makes floats of ids.

    Attributes:
        layer: the layer.
        shape: of its output.
        dtype: of its ids.
        inputs: the names of the model's inputs on whose values the ids depend.
    """

    layer: keras.layers.Layer
    shape: Shape
    dtype: Any
    inputs: frozenset[str]


@dataclass(frozen=True)
class TracedCalls:
    """The calls of layers that make floats of ids.

    Attributes:
        calls: in the order in which the model makes them; () where it could not be traced.
        joined: pairs of layers whose vectors the model adds or appends, token by token.
    """

    calls: Sequence[EmbeddingCall] = ()
    joined: frozenset[frozenset[keras.layers.Layer]] = frozenset()

    def of(self, layer: keras.layers.Layer) -> list[EmbeddingCall]:
        """Returns the calls of one layer."""
        return [call for call in self.calls if call.layer is layer]

    def joined_to(self, layer: keras.layers.Layer) -> list[keras.layers.Layer]:
        """Returns the layers whose vectors are joined to those of one layer."""
        return [other for pair in self.joined if layer in pair for other in pair - {layer}]


def embedding_calls(model: keras.Model, layers: Sequence[keras.layers.Layer]) -> TracedCalls:
    """Traces the model, and returns the calls of each layer that makes floats of ids."""
    traced: list[TracedCalls] = []

    def run(flat: Sequence[Any], nest: Any) -> None:
        keys = input_names(input_specs(model))
        names = {tensor.op.name: key for tensor, key in zip(flat, keys, strict=True)}
        calls: list[EmbeddingCall] = []
        outputs: list[Any] = []

        def observer(layer: keras.layers.Layer, arguments: Sequence[Any], output: Any) -> None:
            tensors = [argument for argument in arguments if tf.is_tensor(argument)]
            if tensors and tf.is_tensor(output) and _embeds(layer, tensors, output):
                ids = tensors[0]
                read = frozenset(names[name] for name in placeholders_of(ids) if name in names)
                calls.append(EmbeddingCall(layer, tuple(output.shape), ids.dtype, read))
                outputs.append(output)

        HookedModel(model, []).observe(nest, layers, observer)
        joined = frozenset(
            frozenset((first.layer, second.layer))
            for (first, vectors), (second, others) in combinations(
                zip(calls, outputs, strict=True), 2
            )
            if first.layer is not second.layer and are_joined_by_token(vectors, others)
        )
        traced.append(TracedCalls(calls, joined))

    return traced[0] if _trace(model, run) else TracedCalls()


def output_shapes(
    model: keras.Model, layers: Sequence[keras.layers.Layer]
) -> dict[keras.layers.Layer, Shape] | None:
    """Traces the model, and returns the shape of the first output of each layer, where floats.

    None if the model could not be traced.
    """
    shapes: dict[keras.layers.Layer, Shape] = {}

    def observer(layer: keras.layers.Layer, arguments: Sequence[Any], output: Any) -> None:
        del arguments
        if tf.is_tensor(output) and output.dtype.is_floating:
            shapes.setdefault(layer, tuple(output.shape))

    def run(flat: Sequence[Any], nest: Any) -> None:
        del flat
        HookedModel(model, []).observe(nest, layers, observer)

    return shapes if _trace(model, run) else None


def is_users_own(layer: keras.layers.Layer) -> bool:
    """True if a layer is of the user's own making: its class, or the function of a `Lambda`."""
    home = type(layer).__module__.partition(".")[0]
    return home not in ("keras", "keras_hub") or isinstance(layer, keras.layers.Lambda)


def _embeds(layer: keras.layers.Layer, tensors: Sequence[Any], output: Any) -> bool:
    """True if a call may have turned ids into vectors."""
    if not output.dtype.is_floating:
        return False
    if isinstance(layer, keras.layers.Embedding):
        return True
    # Ids may come as floats, the default dtype of `keras.Input`.
    whole = not any(tensor.dtype.is_floating for tensor in tensors)
    takes_ids = len(tensors[0].shape) == 2 and (
        whole or (is_users_own(layer) and len(tensors) == 1)
    )
    return takes_ids and len(output.shape) == 3 and bool(output.shape[-1] != 1)


def _trace(model: keras.Model, run: Callable[[Sequence[Any], Any], None]) -> bool:
    """Traces a function of the model's inputs, flat and as a nest; False where that fails."""
    specs = input_specs(model, fixed_batch_size(model))
    if specs is None:
        return False

    def trace(*flat: Any) -> None:
        run(flat, tf.nest.pack_sequence_as(specs, flat))

    try:
        tf.function(trace, autograph=False).get_concrete_function(*tf.nest.flatten(specs))
    except Exception:
        # A user's own code may raise anything on open shapes; it says so when it is explained.
        return False
    return True
