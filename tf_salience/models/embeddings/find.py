"""Finds the layers that embed tokens, unless the user names them."""

import os
import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import keras

from tf_salience.models.embeddings.absence import absence_message, saved_model_fix
from tf_salience.models.embeddings.candidates import Candidate, candidates, obvious
from tf_salience.models.embeddings.candidates_table import format_some_candidates
from tf_salience.models.embeddings.structure import (
    all_layers,
    layer_paths,
    named,
    unambiguous_name,
)
from tf_salience.utils import validation

#: The vocabulary size that is assumed for a layer that does not tell.
_ASSUMED_SIZE = 64
#: The most by which the vocabularies of two texts differ: those of two languages do not differ
#: more; words have many times as many ids as tags, letters or speakers.
_MOST_TIMES_LARGER = 4
#: Words in the name of a layer or an input that stands beside a text and is none.
_BESIDE_TEXTS = re.compile(
    r"(^|[_/])(tags?|pos|labels?|categor(y|ies)|genres?|features?|metadata|ratings?|"
    r"chars?|characters?|letters?|speakers?|users?|authors?|languages?)(_|/|$)"
)


def find(model: keras.Model, choice: Any) -> list[keras.layers.Layer]:
    """Returns the layers that embed tokens.

    Args:
        model: a built model.
        choice: a layer, its name or path, a list of these, or None: the only token embedding, or
            those of several texts, each of an input of its own.

    Raises:
        TypeError: for a model that is not a Keras model, or another kind of choice.
        ValueError: for a model that is not built; none, or several candidates; an unknown name; a
            layer that is not part of the model; a model under `keras.RematScope`.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a keras.Model. {_fix(model)}"
            f"Received: model={validation.format_value(model)} (of type {type(model).__name__})"
        )
    if not model.built:
        raise ValueError(
            "`model` must be built before it can be explained. Received: "
            f"{validation.format_value(model.name)}, which has no weights yet. Call it once on a "
            "batch of inputs, or train or load it first."
        )
    _refuse_remat(model)
    if choice is None:
        return _guessed(model)
    chosen = list(choice) if isinstance(choice, list | tuple) else [choice]
    if not chosen:
        raise ValueError("`embeddings` must name at least one layer. Received: an empty list")
    return [_chosen(model, layer) for layer in chosen]


def likeliest(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers to be proposed where `find` cannot tell; [] where nothing embeds ids.

    Of those that read the same inputs the one with the largest table is the likeliest.
    """
    all_candidates = candidates(model)
    possible = [candidate for candidate in all_candidates if candidate.exclusion is None]
    return [candidate.layer for candidate in _by_size(possible or all_candidates)[:1]]


def _fix(model: Any) -> str:
    """Returns the fix for a model of another kind."""
    if type(model).__module__.partition(".")[0] == "tf_keras":
        return (
            "This one is of Keras 2 (tf_keras): make it again with Keras 3, and copy the weights: "
            "`model.set_weights(old.get_weights())`. "
        )
    if isinstance(model, str | os.PathLike):
        return "Load the file first, by `keras.saving.load_model`. "
    return saved_model_fix(model)


def _guessed(model: keras.Model) -> list[keras.layers.Layer]:
    layer = obvious(model)
    if layer is not None:
        return [layer]
    all_candidates = candidates(model)
    if not all_candidates:
        raise ValueError(absence_message(model))
    tokens = [candidate for candidate in all_candidates if candidate.exclusion is None]
    outweighed = any(_outweighs(other, token) for other in all_candidates for token in tokens)
    if not outweighed and (len(tokens) == 1 or (tokens and _are_of_texts(tokens))):
        return [candidate.layer for candidate in tokens]
    raise ValueError(_ambiguity_message(model, all_candidates, tokens))


def _outweighs(other: Candidate, tokens: Candidate) -> bool:
    """True if a layer that is perhaps not one of tokens has more ids than the one that is taken.

    There are more words than segments, letters, or speakers.
    """
    perhaps = other.exclusion is not None and other.exclusion.may_be_wrong
    return perhaps and (other.vocabulary_size or 0) > (tokens.vocabulary_size or _ASSUMED_SIZE)


def _are_of_texts(tokens: Sequence[Candidate]) -> bool:
    """True if several layers clearly embed texts, each that of an input of its own.

    So it is with an encoder and a decoder, a query and a title. Whatever stands beside a text and
    is none (tags, speakers, characters) reads the same input, has fewer ids by far, is joined to
    the words token by token, or says so in its name.
    """
    inputs = [candidate.inputs or frozenset() for candidate in tokens]
    sizes = [candidate.vocabulary_size or 0 for candidate in tokens]
    return (
        all(len(names) == 1 for names in inputs)
        and not any(first & second for first, second in combinations(inputs, 2))
        and max(sizes) <= _MOST_TIMES_LARGER * min(sizes)
        and not any(candidate.joined_to for candidate in tokens)
        and not any(map(_stands_beside_text, tokens))
    )


def _stands_beside_text(candidate: Candidate) -> bool:
    """True if the name of a layer, or of the input that it reads, is of something but a text."""
    names = (candidate.layer.name, *(candidate.inputs or ()))
    return any(_BESIDE_TEXTS.search(name.lower()) for name in names)


def _by_size(candidates: Sequence[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: -(candidate.vocabulary_size or 0))


def _ambiguity_message(
    model: keras.Model, all_candidates: Sequence[Candidate], tokens: Sequence[Candidate]
) -> str:
    # The largest table is the likeliest, and the one to be proposed.
    proposed = _by_size(tokens or all_candidates)[0]
    fix = (
        f"Say it: `embeddings={validation.format_value(proposed.name)}`, or a list of names."
        if proposed.name is not None
        else "Pass the layer itself as `embeddings`: others have its name and its path."
    )
    count = len(all_candidates)
    return (
        f"The model {validation.format_value(model.name)} has {count} embedding "
        f"layer{'s' * (count > 1)}, and nothing shows which embeds the tokens. {fix} "
        f"Received: embeddings=None. The candidates:\n{format_some_candidates(all_candidates)}"
    )


def _chosen(model: keras.Model, choice: Any) -> keras.layers.Layer:
    if isinstance(choice, keras.layers.Layer):
        if choice not in all_layers(model):
            raise ValueError(
                "`embeddings` must be layers of the model "
                f"{validation.format_value(model.name)}. Received: layer "
                f"{validation.format_value(choice.name)}, which is not part of it"
            )
        return choice
    if not isinstance(choice, str):
        raise TypeError(
            "`embeddings` must be a layer, its name, or a list of these. Received: embeddings="
            f"{validation.format_value(choice)} (of type {type(choice).__name__})"
        )
    paths = layer_paths(model)
    matches = named(choice, paths)
    if len(matches) > 1:
        names = [unambiguous_name(layer, paths) for layer in matches]
        others = f", or one of {validation.format_value(names)}" if None not in names else ""
        raise ValueError(
            f"{len(matches)} layers of the model are called {validation.format_value(choice)}. "
            f"Pass the layer itself{others}. "
            f"Received: embeddings={validation.format_value(choice)}"
        )
    if not matches:
        validation.check_one_of("embeddings", choice, [layer.name for layer in paths])
    return matches[0]


def _refuse_remat(model: keras.Model) -> None:
    for layer in (model, *all_layers(model)):
        if getattr(layer, "_remat_mode", None) is not None:
            raise ValueError(
                f"Layer {validation.format_value(layer.name)} was made inside a "
                "`keras.RematScope`, whose recomputed calls give no gradient with respect to "
                "embeddings. Make the model outside the scope and copy the weights: "
                "`plain.set_weights(model.get_weights())`. "
                f"Received: model={validation.format_value(model.name)}"
            )
