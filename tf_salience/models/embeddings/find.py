"""Finds the layers that embed tokens, unless the user names them."""

from typing import Any

import keras

from tf_salience.models.embeddings.candidates import (
    Candidate,
    candidates,
    format_candidates,
    obvious,
)
from tf_salience.models.embeddings.structure import all_layers
from tf_salience.utils import validation

#: The vocabulary size that is assumed for a layer that does not tell.
_ASSUMED_SIZE = 64


def find(model: keras.Model, choice: Any) -> list[keras.layers.Layer]:
    """Returns the layers that embed tokens.

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
            f"`model` must be a keras.Model. {_mend(model)}"
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
    return [_chosen(model, layer) for layer in chosen]


def _mend(model: Any) -> str:
    """Returns the mend for a model of another kind."""
    if type(model).__module__.partition(".")[0] == "tf_keras":
        return (
            "This one is of Keras 2 (tf_keras): make it again with Keras 3, and copy the weights: "
            "`model.set_weights(old.get_weights())`. "
        )
    if hasattr(model, "signatures") or isinstance(model, keras.layers.TFSMLayer):
        return (
            "A SavedModel has no layers whose embeddings could be replaced: load the `.keras` file "
            "that it was exported from; or let the export explain itself, "
            "`tf_salience.export_saved_model`. "
        )
    return ""


def _only_candidate(model: keras.Model) -> keras.layers.Layer:
    layer = obvious(model)
    if layer is not None:
        return layer
    all_candidates = candidates(model)
    if not all_candidates:
        layers = all_layers(model)
        rows = [(layer.name, type(layer).__name__) for layer in layers]
        saved = next((layer for layer in layers if isinstance(layer, keras.layers.TFSMLayer)), None)
        raise ValueError(
            f"{_mend(saved)}No `keras.layers.Embedding` was found in the model {model.name!r}, "
            "nor another layer that turns ids into vectors. If one does, name it: "
            "`embeddings='layer_name'`; its output must be (batch, tokens, dim). Received: a model "
            "with these layers:\n" + validation.format_table(("name", "class"), rows)
        )
    tokens = [candidate for candidate in all_candidates if candidate.exclusion is None]
    if len(tokens) == 1 and not any(_outweighs(other, tokens[0]) for other in all_candidates):
        return tokens[0].layer
    # The largest table is the likeliest, and the one to be proposed.
    tokens.sort(key=lambda candidate: candidate.vocabulary_size or 0, reverse=True)
    count = len(all_candidates)
    raise ValueError(
        f"The model {model.name!r} has {count} embedding layer{'s' * (count > 1)}, and it cannot "
        "be told which embeds the tokens. Say it: "
        f"`embeddings={(tokens or all_candidates)[0].layer.name!r}`, or a list of names. Received: "
        "embeddings=None. The candidates:\n" + format_candidates(all_candidates)
    )


def _outweighs(other: Candidate, tokens: Candidate) -> bool:
    """True if a layer that is perhaps not one of tokens has more ids than the one that is taken.

    There are more words than segments, letters, or speakers.
    """
    perhaps = other.exclusion is not None and other.exclusion.may_be_wrong
    return perhaps and (other.vocabulary_size or 0) > (tokens.vocabulary_size or _ASSUMED_SIZE)


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
        validation.check_one_of("embeddings", choice, [layer.name for layer in layers])
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
