"""Which layers turn ids into vectors, and which of them may be those of the tokens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.hook import losses_kept
from tf_salience.models.embeddings.hooked_model import HookedModel
from tf_salience.models.embeddings.provenance import behind
from tf_salience.models.embeddings.structure import all_layers, input_specs
from tf_salience.utils import validation

#: Words in its name that mark an embedding layer as one of something else than tokens.
_NOT_TOKENS = re.compile(r"(^|_)(positions?|positional|segments?|token_types?)(_|$)")


@dataclass(frozen=True)
class Candidate:
    """A layer that turns ids into vectors.

    Attributes:
        layer: the layer.
        rows: how many ids it has vectors for, or None where it does not tell.
        shape: of what it gives, `(None, None, 8)`, or None where the model could not be asked.
        why_not: why it is not taken for that of the tokens; "" where it may be.
        doubtful: whether that is a likelihood, and may be wrong.
    """

    layer: keras.layers.Layer
    rows: int | None
    shape: tuple[int | None, ...] | None
    why_not: str
    doubtful: bool


@dataclass(frozen=True)
class _Call:
    shape: tuple[int | None, ...]
    dtype: Any
    depends: bool


def candidates(model: keras.Model) -> list[Candidate]:
    """The candidates, in the order in which Keras holds them.

    The model is traced once on inputs of its own specs, where it has some. A layer is a candidate
    if it is a `keras.layers.Embedding`, or if it makes floats (batch, tokens, dim) of integers
    (batch, tokens) and holds no candidate itself.
    """
    layers = all_layers(model)
    calls = _calls(model, layers)
    embedders = [
        layer
        for layer in layers
        if isinstance(layer, keras.layers.Embedding)
        or any(len(call.shape) == 3 for call in calls.get(layer, ()))
    ]
    spread = [
        inner
        for layer in layers
        if isinstance(layer, keras.layers.TimeDistributed)
        for inner in layer._flatten_layers()
    ]
    return [
        _candidate(layer, calls.get(layer), spread=layer in spread)
        for layer in embedders
        if not any(one is not layer and one in embedders for one in layer._flatten_layers())
    ]


def obvious(model: keras.Model) -> keras.layers.Layer | None:
    """The layer where one look shows that there is no other candidate, which spares a trace.

    It is the only `Embedding`, every other layer is one of Keras' or KerasHub's own, and Keras
    knows that it is called on an input or on the ids of a text, and gives (batch, tokens, dim).
    """
    layers = all_layers(model)
    tables = [one for one in layers if isinstance(one, keras.layers.Embedding)]
    if len(tables) != 1 or named_otherwise(tables[0]) or any(_is_own(one) for one in layers):
        return None
    nodes = tables[0]._inbound_nodes
    shapes = [one.output_tensors[0].shape for one in nodes]
    givers = [one.input_tensors[0]._keras_history.operation for one in nodes]
    kinds = (keras.layers.InputLayer, keras.layers.TextVectorization)
    plain = all(len(shape) == 3 and shape[1] != 1 for shape in shapes)
    return tables[0] if nodes and plain and all(isinstance(o, kinds) for o in givers) else None


def table(found: Sequence[Candidate]) -> str:
    """The candidates as a text table."""
    rows = [
        (
            one.layer.name,
            "?" if one.rows is None else one.rows,
            getattr(one.layer, "output_dim", None) or (one.shape[-1] if one.shape else "?"),
            one.layer.path,
            one.why_not,
        )
        for one in found
    ]
    return validation.format_table(("name", "vocabulary", "dim", "path", "not tokens, since"), rows)


def _calls(model: keras.Model, layers: Sequence[keras.layers.Layer]) -> dict[Any, list[_Call]]:
    """What each layer made of integers while the model was traced; {} where it cannot be."""
    specs = input_specs(model)
    if specs is None:
        return {}
    found: dict[Any, list[_Call]] = {}

    def note(layer: keras.layers.Layer, arguments: Sequence[Any], output: Any) -> None:
        given = [one for one in arguments if tf.is_tensor(one)]
        if not (given and tf.is_tensor(output) and output.dtype.is_floating):
            return
        ids = given[0]
        embeds = len(ids.shape) == 2 and len(output.shape) == 3 and output.shape[-1] != 1
        # Ids may come as floats, which is what `keras.Input` makes of them if nothing is said.
        whole = not any(one.dtype.is_floating for one in given)
        embeds = embeds and (whole or (_is_own(layer) and len(given) == 1))
        if embeds or isinstance(layer, keras.layers.Embedding):
            call = _Call(tuple(output.shape), ids.dtype, bool(behind(ids)))
            found.setdefault(layer, []).append(call)

    def trace(*flat: Any) -> None:
        HookedModel(model, []).observe(tf.nest.pack_sequence_as(specs, flat), layers, note)

    try:
        tf.function(trace, autograph=False).get_concrete_function(*tf.nest.flatten(specs))
    except Exception:
        # Whatever a user's own code raises on open shapes, it says so when it is explained.
        return {}
    return found


def _candidate(
    layer: keras.layers.Layer, calls: Sequence[_Call] | None, *, spread: bool
) -> Candidate:
    rows = getattr(layer, "input_dim", None)
    shape = calls[0].shape if calls else None
    why_not, doubtful = _why_not(layer, calls or (), spread=spread)
    return Candidate(layer, rows, shape, why_not, doubtful)


def _why_not(
    layer: keras.layers.Layer, calls: Sequence[_Call], *, spread: bool
) -> tuple[str, bool]:
    """Why a layer is not that of the tokens, and whether that is only likely."""
    shapes = [call.shape for call in calls]
    if calls and not any(call.depends for call in calls):
        return "its ids are no inputs", False
    if shapes and all(len(shape) == 3 and shape[1] == 1 for shape in shapes):
        return f"one id an example: it gives {shapes[0]}", False
    if calls and not isinstance(layer, keras.layers.Embedding) and _mixes_tokens(layer, calls[0]):
        return "it mixes tokens", False
    if named_otherwise(layer):
        return "its name", True
    if spread:
        return "it is in a TimeDistributed", True
    if shapes and not any(len(shape) == 3 for shape in shapes):
        return f"it gives {shapes[0]}", len(shapes[0]) > 2
    return "", False


def _mixes_tokens(layer: keras.layers.Layer, call: _Call) -> bool:
    """Whether a token's vector depends on other tokens, or the layer cannot be run by itself.

    An encoder has vectors of tokens as well, but they are no embeddings.
    """
    ids = np.zeros((1, call.shape[1] or 4))
    changed = ids.copy()
    changed[0, 1] = 1
    try:
        with losses_kept([layer]), keras.StatelessScope():
            one, other = (layer(tf.cast(each, call.dtype)) for each in (ids, changed))
    except Exception:  # a layer of the user's own may raise anything
        return True
    moved = np.abs(np.asarray(one) - np.asarray(other)).max(axis=(0, 2)) > 0
    return bool(moved[[place for place in range(moved.size) if place != 1]].any())


def _is_own(layer: keras.layers.Layer) -> bool:
    """Whether a layer is of the user's own making: its class, or what a `Lambda` runs."""
    home = type(layer).__module__.partition(".")[0]
    return home not in ("keras", "keras_hub") or isinstance(layer, keras.layers.Lambda)


def named_otherwise(layer: keras.layers.Layer) -> bool:
    """Whether a layer's name says that it embeds something else than tokens."""
    return _NOT_TOKENS.search(layer.name.lower()) is not None
