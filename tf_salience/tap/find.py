"""Which layers embed tokens: found, or named by the user."""

from typing import Any

import keras
import tensorflow as tf

from tf_salience import checks

#: The names that mark an embedding layer as one of positions or segments, not of tokens.
_NOT_TOKENS = ("position", "segment", "token_type", "pos_emb")


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Every layer below the model, each once, in the order in which Keras holds them."""
    return list(
        dict.fromkeys(
            layer
            for layer in model._flatten_layers(include_self=False)
            if not isinstance(layer, keras.layers.InputLayer)
        )
    )


def takes_text(model: keras.Model) -> bool:
    """Whether the model itself takes strings."""
    symbolic = getattr(model, "inputs", None)
    if symbolic:
        return any(tensor.dtype == "string" for tensor in symbolic)
    kinds = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.Hashing)
    return any(isinstance(layer, kinds) for layer in all_layers(model))


def input_specs(model: keras.Model) -> Any:
    """What `model(inputs)` takes, a nest of tensor specs with open batch axes, or None.

    A model in the subclassing style has no symbolic inputs. Of one that takes a single array it is
    known on which shape it was built, and it is taken to be ids, or texts where it reads them.
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
    """Whether the last layer is known to be, or to end in, a sigmoid or softmax."""
    last: Any = model
    while isinstance(last, keras.Model) and (getattr(last, "inputs", None) and last.layers):
        last = last.layers[-1]
    kinds = (keras.activations.sigmoid, keras.activations.softmax)
    return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) in kinds


def find(model: keras.Model, choice: Any) -> list[keras.layers.Layer]:
    """The layers that embed tokens.

    Args:
        model: a built model.
        choice: a layer, its name or path, a list of these, or None: the only token embedding.

    Raises:
        TypeError: for a model that is not a Keras model, or another kind of choice.
        ValueError: for a model that is not built; none, or several candidates; an unknown name; a
            layer that is not part of the model; a model under `keras.RematScope`.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a keras.Model. "
            f"Received: model={model!r} (of type {type(model).__name__})"
        )
    if not model.built:
        raise ValueError(
            f"`model` must be built before it can be explained. Received: {model.name!r}, which "
            "has no weights yet. Call it once on a batch of inputs, or train or load it first."
        )
    _refuse_remat(model)
    if choice is None:
        return [_only_candidate(model)]
    chosen = list(choice) if isinstance(choice, list | tuple) else [choice]
    if not chosen:
        raise ValueError("`embeddings` must name at least one layer. Received: an empty list")
    return [_chosen(model, one) for one in chosen]


def _only_candidate(model: keras.Model) -> keras.layers.Layer:
    found = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.Embedding)]
    if not found:
        rows = [(layer.name, type(layer).__name__) for layer in all_layers(model)]
        raise ValueError(
            f"No `keras.layers.Embedding` was found in the model {model.name!r}. If another layer "
            "turns ids into vectors, name it: `embeddings='layer_name'`; its output must be "
            f"(batch, tokens, dim). Received: a model with these layers:\n"
            + checks.table(("name", "class"), rows)
        )
    tokens = [layer for layer in found if not _names_other_than_tokens(layer)]
    if len(tokens) == 1:
        return tokens[0]
    candidates = [(layer.name, layer.input_dim, layer.output_dim, layer.path) for layer in found]
    raise ValueError(
        f"The model {model.name!r} has {len(found)} embedding layers, and it cannot be told which "
        f"embeds the tokens. Say it: `embeddings={(tokens or found)[0].name!r}`, or a list of "
        "names. Received: embeddings=None. The candidates:\n"
        + checks.table(("name", "vocabulary", "dim", "path"), candidates)
    )


def _names_other_than_tokens(layer: keras.layers.Layer) -> bool:
    return any(word in layer.name.lower() for word in _NOT_TOKENS)


def _chosen(model: keras.Model, choice: Any) -> keras.layers.Layer:
    layers = all_layers(model)
    if isinstance(choice, keras.layers.Layer):
        if choice not in layers:
            raise ValueError(
                f"`embeddings` must be layers of the model {model.name!r}. "
                f"Received: layer {choice.name!r}, which is not part of it"
            )
        return choice
    if not isinstance(choice, str):
        raise TypeError(
            "`embeddings` must be a layer, its name, or a list of these. "
            f"Received: embeddings={choice!r} (of type {type(choice).__name__})"
        )
    matches = [layer for layer in layers if choice in (layer.name, layer.path)]
    if len(matches) > 1:
        raise ValueError(
            f"{len(matches)} layers of the model are called {choice!r}. Pass the layer itself, or "
            f"its path: {[layer.path for layer in matches]}. Received: embeddings={choice!r}"
        )
    if not matches:
        checks.one_of("embeddings", choice, [layer.name for layer in layers])
    return matches[0]


def _refuse_remat(model: keras.Model) -> None:
    for layer in (model, *all_layers(model)):
        if getattr(layer, "_remat_mode", None) is not None:
            raise ValueError(
                f"Layer {layer.name!r} was made inside a `keras.RematScope`, whose recomputed "
                "calls give no gradient with respect to embeddings. Make the model outside the "
                "scope and copy the weights: `plain.set_weights(model.get_weights())`. "
                f"Received: model={model.name!r}"
            )
