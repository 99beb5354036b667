"""The message for a model in which no layer turns ids into vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models.embeddings.calls import Shape, output_shapes
from tf_salience.models.embeddings.structure import (
    all_layers,
    input_specs,
    layer_paths,
    unambiguous_name,
)
from tf_salience.utils import validation

#: Layers that turn texts or ids into one row of features an example, unless they give ids.
_ENCODERS = (
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
    keras.layers.Hashing,
    keras.layers.CategoryEncoding,
)
_MAKE_IT_OF_IDS = (
    "Make the model of token ids, by `keras.layers.TextVectorization(output_mode='int')` and "
    "`keras.layers.Embedding`; or take the gradient with respect to its features by a "
    "`tf.GradientTape`."
)


def absence_message(model: keras.Model) -> str:
    """Returns why no layer of a model embeds ids, and what can be done."""
    layers = all_layers(model)
    shapes = output_shapes(model, layers)
    saved = next((layer for layer in layers if isinstance(layer, keras.layers.TFSMLayer)), None)
    names = validation.format_value([layer.name for layer in layers])
    return (
        f"{saved_model_fix(saved)}No `keras.layers.Embedding` was found in the model "
        f"{validation.format_value(model.name)}, nor another layer that turns ids into vectors. "
        f"{'' if saved is not None else _fix(model, layers, shapes)}"
        f"Received: a model of the layers {names}"
    )


def saved_model_fix(model: Any) -> str:
    """Returns the fix for a SavedModel, in whatever object; "" for another object."""
    if hasattr(model, "signatures") or isinstance(model, keras.layers.TFSMLayer):
        return (
            "A SavedModel has no layers whose embeddings could be replaced: load the `.keras` file "
            "that it was exported from; or let the export explain itself, "
            "`tf_salience.export_saved_model`. "
        )
    return ""


def _fix(
    model: keras.Model,
    layers: Sequence[keras.layers.Layer],
    shapes: Mapping[keras.layers.Layer, Shape] | None,
) -> str:
    encoder = next((layer for layer in layers if _gives_features(layer)), None)
    if encoder is not None and not _of_tokens(shapes):
        kind = f"{type(encoder).__name__}(output_mode={_output_mode(encoder)!r})"
        return (
            f"It cannot be explained by token: its `{kind}` turns it into one row of features, "
            f"in which no token has a place. {_MAKE_IT_OF_IDS} "
        )
    if shapes is None:
        return (
            "If one does, name it: `embeddings='layer_name'`; its output must be (batch, tokens, "
            "dim). "
        )
    specs = tf.nest.flatten(input_specs(model))
    if any(spec.dtype.is_floating and len(spec.shape) == 3 for spec in specs):
        return (
            "If the model takes vectors of tokens, (batch, tokens, dim), put "
            "`keras.layers.Identity(name='vectors')` behind that input and name it: "
            "`embeddings='vectors'`. "
        )
    vectors = _of_tokens(shapes)
    if not vectors:
        return (
            "It cannot be explained by token: no layer gives vectors of tokens, (batch, tokens, "
            f"dim). {_MAKE_IT_OF_IDS} "
        )
    name = unambiguous_name(vectors[0], layer_paths(model)) or "layer_name"
    return (
        "If one gives each token's vector, (batch, tokens, dim), of that token alone, as a `Dense` "
        f"on one-hot ids does, name it: `embeddings={validation.format_value(name)}`. "
    )


def _gives_features(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, _ENCODERS) and _output_mode(layer) != "int"


def _output_mode(layer: keras.layers.Layer) -> Any:
    return getattr(layer, "output_mode", None) or getattr(layer, "_output_mode", None)


def _of_tokens(
    shapes: Mapping[keras.layers.Layer, Shape] | None,
) -> list[keras.layers.Layer]:
    """Returns the layers that give floats of shape (batch, tokens, dim), as far as is known."""
    return [layer for layer, shape in (shapes or {}).items() if len(shape) == 3]
