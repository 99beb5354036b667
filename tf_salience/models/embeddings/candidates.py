"""Candidates: the layers that turn ids into vectors, and why they may not embed tokens."""

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.calls import (
    EmbeddingCall,
    Shape,
    TracedCalls,
    embedding_calls,
    is_users_own,
)
from tf_salience.models.embeddings.hook import losses_kept
from tf_salience.models.embeddings.structure import (
    all_layers,
    layer_paths,
    unambiguous_name,
)

#: Words in its name that mark an embedding layer as one of something else than tokens.
_OTHER_NAMES = re.compile(r"(^|_)(positions?|positional|segments?|token_types?)(_|$)")


class Exclusion(enum.Enum):
    """The reason why a layer is not taken for that of the tokens; its text has the output shape."""

    NOT_OF_INPUTS = "its ids are no inputs"
    ONE_ID = "one id an example: it gives {shape}"
    MIXES_TOKENS = "it mixes tokens"
    NAME = "its name"
    TIME_DISTRIBUTED = "it is in a TimeDistributed"
    LOWER_RANK = "it gives {shape}"
    HIGHER_RANK = "it gives {shape} for each example"

    @property
    def may_be_wrong(self) -> bool:
        """True if the reason may be wrong for the layer."""
        return self in (Exclusion.NAME, Exclusion.TIME_DISTRIBUTED, Exclusion.HIGHER_RANK)


@dataclass(frozen=True)
class Candidate:
    """A layer that turns ids into vectors.

    Attributes:
        layer: the layer.
        name: its name, or a path where other layers have its name; None if these as well.
        vocabulary_size: the number of ids for which it has vectors, or None where it is not known.
        shape: of its output, `(None, None, 8)`, or None where the model could not be traced.
        inputs: the names of the model's inputs that it reads; None as for `shape`.
        joined_to: the layers to whose vectors its own are added or appended, token by token.
        exclusion: why it is not taken for that of the tokens, or None.
    """

    layer: keras.layers.Layer
    name: str | None
    vocabulary_size: int | None
    shape: Shape | None
    inputs: frozenset[str] | None
    joined_to: Sequence[keras.layers.Layer]
    exclusion: Exclusion | None

    @property
    def reason(self) -> str:
        """The text of the exclusion, "" for none."""
        return "" if self.exclusion is None else self.exclusion.value.format(shape=self.shape)


def candidates(model: keras.Model) -> list[Candidate]:
    """Lists the candidates, in the order in which Keras holds them.

    The model is traced once on inputs of its own specs, where it has some. A layer is a candidate
    if it is a `keras.layers.Embedding`, or if it makes floats (batch, tokens, dim) of integers
    (batch, tokens) and holds no candidate itself.
    """
    paths = layer_paths(model)
    layers = list(paths)
    traced = embedding_calls(model, layers)
    embedders = [
        layer
        for layer in layers
        if isinstance(layer, keras.layers.Embedding)
        or any(len(call.shape) == 3 for call in traced.of(layer))
    ]
    return [
        _candidate(layer, paths, traced)
        for layer in embedders
        if not any(inner is not layer and inner in embedders for inner in layer._flatten_layers())
    ]


def obvious(model: keras.Model) -> keras.layers.Layer | None:
    """Returns the token embedding where the symbolic graph alone rules out any other candidate.

    It is the only `Embedding`, every other layer is one of Keras' or KerasHub's own, and Keras
    knows that it is called on an input or on the ids of a text, and gives (batch, tokens, dim).
    This spares a trace.
    """
    layers = all_layers(model)
    tables = [layer for layer in layers if isinstance(layer, keras.layers.Embedding)]
    if len(tables) != 1 or has_other_name(tables[0]) or any(map(is_users_own, layers)):
        return None
    nodes = tables[0]._inbound_nodes
    shapes = [node.output_tensors[0].shape for node in nodes]
    sources = [node.input_tensors[0]._keras_history.operation for node in nodes]
    kinds = (keras.layers.InputLayer, keras.layers.TextVectorization)
    embeds = all(len(shape) == 3 and shape[1] != 1 for shape in shapes)
    return tables[0] if nodes and embeds and all(isinstance(o, kinds) for o in sources) else None


def has_other_name(layer: keras.layers.Layer) -> bool:
    """True if a layer's name says that it embeds something else than tokens."""
    return _OTHER_NAMES.search(layer.name.lower()) is not None


def _candidate(
    layer: keras.layers.Layer, paths: Mapping[keras.layers.Layer, str], traced: TracedCalls
) -> Candidate:
    calls = traced.of(layer)
    in_time_distributed = any(
        layer in outer._flatten_layers()
        for outer in paths
        if isinstance(outer, keras.layers.TimeDistributed)
    )
    return Candidate(
        layer=layer,
        name=unambiguous_name(layer, paths),
        vocabulary_size=getattr(layer, "input_dim", None),
        shape=calls[0].shape if calls else None,
        inputs=frozenset().union(*(call.inputs for call in calls)) if calls else None,
        joined_to=traced.joined_to(layer),
        exclusion=_exclusion(layer, calls, in_time_distributed=in_time_distributed),
    )


def _exclusion(
    layer: keras.layers.Layer, calls: Sequence[EmbeddingCall], *, in_time_distributed: bool
) -> Exclusion | None:
    shapes = [call.shape for call in calls]
    if calls and not any(call.inputs for call in calls):
        return Exclusion.NOT_OF_INPUTS
    if shapes and all(len(shape) == 3 and shape[1] == 1 for shape in shapes):
        return Exclusion.ONE_ID
    if calls and not isinstance(layer, keras.layers.Embedding) and _mixes_tokens(layer, calls[0]):
        return Exclusion.MIXES_TOKENS
    if has_other_name(layer):
        return Exclusion.NAME
    if in_time_distributed:
        return Exclusion.TIME_DISTRIBUTED
    if shapes and not any(len(shape) == 3 for shape in shapes):
        return Exclusion.HIGHER_RANK if len(shapes[0]) > 2 else Exclusion.LOWER_RANK
    return None


def _mixes_tokens(layer: keras.layers.Layer, call: EmbeddingCall) -> bool:
    """True if a token's vector depends on other tokens, or the layer cannot be run by itself.

    An encoder has vectors of tokens as well, but they are no embeddings.
    """
    ids = np.zeros((1, max(2, call.shape[1] or 4)))
    changed = ids.copy()
    changed[0, 1] = 1
    try:
        with losses_kept([layer]), keras.StatelessScope():
            before, after = (
                np.asarray(layer(tf.cast(array, call.dtype))) for array in (ids, changed)
            )
    except Exception:  # a layer of the user's own may raise anything
        return True
    moved = np.abs(before - after).max(axis=(0, 2)) > 0
    return bool(np.delete(moved, 1).any())
