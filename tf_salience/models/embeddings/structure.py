"""The structure of a model: its layers, its inputs, its end."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns every layer below the model once, in the order in which Keras holds them."""
    return list(
        dict.fromkeys(
            layer
            for layer in model._flatten_layers(include_self=False)
            if not isinstance(layer, keras.layers.InputLayer)
        )
    )


def own_weights(layer: keras.layers.Layer) -> list[Any]:
    """Returns the trainable weights of a layer itself, without those of the layers inside it."""
    inner = {
        id(weight)
        for other in layer._flatten_layers(include_self=False)
        for weight in other.weights
    }
    return [weight for weight in layer.trainable_weights if id(weight) not in inner]


def comparisons(model: keras.Model) -> list[keras.Operation]:
    """Returns the `not_equal` operations of a model's symbolic graphs: a `Masking` layer's mask."""
    graphs = [getattr(layer, "_functional", None) or layer for layer in (model, *all_layers(model))]
    return [
        operation
        for graph in graphs
        for operation in getattr(graph, "operations", ())
        if type(operation).__name__ == "NotEqual"
    ]


def takes_text(model: keras.Model) -> bool:
    """True if the model itself takes strings."""
    symbolic = getattr(model, "inputs", None)
    if symbolic:
        return any(tensor.dtype == "string" for tensor in symbolic)
    kinds = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.Hashing)
    return any(isinstance(layer, kinds) for layer in all_layers(model))


def layer_paths(model: keras.Model) -> dict[keras.layers.Layer, str]:
    """Returns all layers with the names on the way to each, from the model down: `encoder/words`.

    Keras' own `layer.path` is the place where a layer was built: two models that are made one by
    one, and then put into a third, have layers of the same paths.
    """
    paths: dict[keras.layers.Layer, str] = {}

    def add(owner: keras.layers.Layer, prefix: str) -> None:
        for layer in owner._layers:
            if layer not in paths:
                paths[layer] = f"{prefix}{layer.name}"
                add(layer, f"{paths[layer]}/")

    add(model, "")
    return {layer: paths.get(layer, layer.path) for layer in all_layers(model)}


def unambiguous_name(
    layer: keras.layers.Layer, paths: Mapping[keras.layers.Layer, str]
) -> str | None:
    """Returns the name of a layer, or a path where others have its name; None if these as well.

    Args:
        layer: the layer.
        paths: all layers of the model with their paths, as `layer_paths` gives them.
    """
    names = (layer.name, paths.get(layer, layer.path), layer.path)
    return next((name for name in names if named(name, paths) == [layer]), None)


def named(name: str, paths: Mapping[keras.layers.Layer, str]) -> list[keras.layers.Layer]:
    """Returns the layers of a name or path, of those of a model with their paths."""
    return [layer for layer, path in paths.items() if name in (layer.name, path, layer.path)]


def fixed_batch_size(model: keras.Model) -> int | None:
    """Returns the batch size of `keras.Input(batch_shape=...)`, or None for any."""
    sizes = {tensor.shape[0] for tensor in getattr(model, "inputs", None) or ()}
    return next((size for size in sizes if size is not None), None)


def stateful_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers that carry their state from batch to batch, `LSTM(stateful=True)`."""
    return [layer for layer in all_layers(model) if getattr(layer, "stateful", False) is True]


def input_specs(model: keras.Model, batch_size: int | None = None) -> Any:
    """Returns the specs of the model's inputs, a nest, or None where they are not known.

    A model in the subclassing style has no symbolic inputs. If it takes a single array, the shape
    on which it was built is known; it is taken to be ids, or texts where the model reads them.

    Args:
        model: a built model.
        batch_size: the size of the batch axes; None leaves them open.
    """

    def spec(tensor: Any) -> tf.TensorSpec:
        return tf.TensorSpec((batch_size, *tensor.shape[1:]), tensor.dtype, tensor.name)

    struct = getattr(model, "_inputs_struct", None)
    if struct is not None:
        return keras.tree.map_structure(spec, struct)
    if getattr(model, "inputs", None):
        return spec(model.inputs[0])
    shapes = list((getattr(model, "_build_shapes_dict", None) or {}).values())
    if len(shapes) != 1 or not all(isinstance(size, int | None) for size in shapes[0]):
        return None
    dtype = tf.string if takes_text(model) else tf.int32
    return tf.TensorSpec((batch_size, *shapes[0][1:]), dtype, "inputs")


def input_names(specs: Any) -> list[str]:
    """Returns the names of inputs, flattened: their keys in a dict, else those of their specs."""
    if not isinstance(specs, dict):
        return [spec.name for spec in tf.nest.flatten(specs)]
    paths = keras.tree.flatten_with_path(specs)
    return ["/".join(str(key) for key in path) for path, _ in paths]


def is_coarse(model: keras.Model) -> bool:
    """True if some layer computes in half precision or with integers: outputs are rounded."""
    return any(
        layer.compute_dtype in ("float16", "bfloat16") or getattr(layer, "_is_quantized", False)
        for layer in all_layers(model)
    )
