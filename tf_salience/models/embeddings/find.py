"""Which layers embed tokens: found, or named by the user."""

from typing import Any

import keras

from tf_salience.models.embeddings.candidates import Candidate, candidates, obvious, table
from tf_salience.models.embeddings.structure import all_layers
from tf_salience.utils import validation

#: As many ids a layer is taken to have that does not tell.
_FEW = 64


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
            f"`model` must be a keras.Model. {_hint(model)}"
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


def _hint(model: Any) -> str:
    """What to do with a model of another kind."""
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
    plain = obvious(model)
    if plain is not None:
        return plain
    found = candidates(model)
    if not found:
        layers = all_layers(model)
        rows = [(layer.name, type(layer).__name__) for layer in layers]
        saved = next((one for one in layers if isinstance(one, keras.layers.TFSMLayer)), None)
        raise ValueError(
            f"{_hint(saved)}No `keras.layers.Embedding` was found in the model {model.name!r}, "
            "nor another layer that turns ids into vectors. If one does, name it: "
            "`embeddings='layer_name'`; its output must be (batch, tokens, dim). Received: a model "
            "with these layers:\n" + validation.format_table(("name", "class"), rows)
        )
    tokens = [candidate for candidate in found if not candidate.why_not]
    if len(tokens) == 1 and not any(_outweighs(one, tokens[0]) for one in found):
        return tokens[0].layer
    # The largest table is the likeliest, and the one to be proposed.
    tokens.sort(key=lambda one: one.rows or 0, reverse=True)
    raise ValueError(
        f"The model {model.name!r} has {len(found)} embedding layer{'s' * (len(found) > 1)}, and "
        "it cannot be told which embeds the tokens. Say it: "
        f"`embeddings={(tokens or found)[0].layer.name!r}`, or a list of names. Received: "
        "embeddings=None. The candidates:\n" + table(found)
    )


def _outweighs(other: Candidate, taken: Candidate) -> bool:
    """Whether a layer that is only likely to be something else has more ids than that of tokens.

    There are more words than segments, letters, or speakers.
    """
    return other.doubtful and (other.rows or 0) > (taken.rows or _FEW)


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
