"""The structure of a model: its layers, its inputs, its end."""

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


def input_specs(model: keras.Model) -> Any:
    """Returns the specs of the model's inputs, a nest with open batch axes, or None.

    A model in the subclassing style has no symbolic inputs. If it takes a single array, the shape
    on which it was built is known; it is taken to be ids, or texts where the model reads them.
    """

    def spec(tensor: Any) -> tf.TensorSpec:
        return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, tensor.name)

    struct = getattr(model, "_inputs_struct", None)
    if struct is not None:
        return keras.tree.map_structure(spec, struct)
    if getattr(model, "inputs", None):
        return spec(model.inputs[0])
    shapes = list((getattr(model, "_build_shapes_dict", None) or {}).values())
    if len(shapes) != 1 or not all(isinstance(size, int | None) for size in shapes[0]):
        return None
    dtype = tf.string if takes_text(model) else tf.int32
    return tf.TensorSpec((None, *shapes[0][1:]), dtype, "inputs")


def ends_in_probabilities(model: keras.Model) -> bool:
    """True if the last layer is known to be, or to end in, a sigmoid or softmax."""
    last: Any = model
    while isinstance(last, keras.Model) and (getattr(last, "inputs", None) and last.layers):
        last = last.layers[-1]
    kinds = (keras.activations.sigmoid, keras.activations.softmax)
    return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) in kinds
