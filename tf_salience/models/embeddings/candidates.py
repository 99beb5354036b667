"""Candidates: the layers that turn ids into vectors, and why they may not embed tokens."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.hook import losses_kept
from tf_salience.models.embeddings.hooked_model import HookedModel
from tf_salience.models.embeddings.provenance import placeholders_of
from tf_salience.models.embeddings.structure import all_layers, input_specs
from tf_salience.utils import validation

#: Words in its name that mark an embedding layer as one of something else than tokens.
_OTHER_NAMES = re.compile(r"(^|_)(positions?|positional|segments?|token_types?)(_|$)")

Shape = tuple[int | None, ...]


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
        vocabulary_size: the number of ids for which it has vectors, or None where it is not known.
        shape: of its output, `(None, None, 8)`, or None where the model could not be traced.
        exclusion: why it is not taken for that of the tokens, or None.
    """

    layer: keras.layers.Layer
    vocabulary_size: int | None
    shape: Shape | None
    exclusion: Exclusion | None

    @property
    def reason(self) -> str:
        """The text of the exclusion, "" for none."""
        return "" if self.exclusion is None else self.exclusion.value.format(shape=self.shape)


@dataclass(frozen=True)
class _Call:
    """One call of a layer: the shape of its output, the dtype of its ids, if inputs matter."""

    shape: Shape
    dtype: Any
    depends_on_inputs: bool


def candidates(model: keras.Model) -> list[Candidate]:
    """Lists the candidates, in the order in which Keras holds them.

    The model is traced once on inputs of its own specs, where it has some. A layer is a candidate
    if it is a `keras.layers.Embedding`, or if it makes floats (batch, tokens, dim) of integers
    (batch, tokens) and holds no candidate itself.
    """
    layers = all_layers(model)
    calls = _traced_calls(model, layers)
    embedders = [
        layer
        for layer in layers
        if isinstance(layer, keras.layers.Embedding)
        or any(len(call.shape) == 3 for call in calls.get(layer, ()))
    ]
    time_distributed = [
        inner
        for layer in layers
        if isinstance(layer, keras.layers.TimeDistributed)
        for inner in layer._flatten_layers()
    ]
    return [
        _candidate(layer, calls.get(layer, ()), in_time_distributed=layer in time_distributed)
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
    if len(tables) != 1 or has_other_name(tables[0]) or any(map(_is_users_own, layers)):
        return None
    nodes = tables[0]._inbound_nodes
    shapes = [node.output_tensors[0].shape for node in nodes]
    sources = [node.input_tensors[0]._keras_history.operation for node in nodes]
    kinds = (keras.layers.InputLayer, keras.layers.TextVectorization)
    embeds = all(len(shape) == 3 and shape[1] != 1 for shape in shapes)
    return tables[0] if nodes and embeds and all(isinstance(o, kinds) for o in sources) else None


def format_candidates(candidates: Sequence[Candidate]) -> str:
    """Formats the candidates as a text table."""
    rows = [
        (
            candidate.layer.name,
            "?" if candidate.vocabulary_size is None else candidate.vocabulary_size,
            getattr(candidate.layer, "output_dim", None)
            or (candidate.shape[-1] if candidate.shape else "?"),
            candidate.layer.path,
            candidate.reason,
        )
        for candidate in candidates
    ]
    header = ("name", "vocabulary", "dim", "path", "not tokens, since")
    return validation.format_table(header, rows)


def _traced_calls(
    model: keras.Model, layers: Sequence[keras.layers.Layer]
) -> dict[Any, list[_Call]]:
    """Traces the model: the calls of each layer that makes floats of integers; {} on failure."""
    specs = input_specs(model)
    if specs is None:
        return {}
    calls: dict[Any, list[_Call]] = {}

    def observer(layer: keras.layers.Layer, arguments: Sequence[Any], output: Any) -> None:
        tensors = [argument for argument in arguments if tf.is_tensor(argument)]
        if not (tensors and tf.is_tensor(output) and output.dtype.is_floating):
            return
        ids = tensors[0]
        embeds = len(ids.shape) == 2 and len(output.shape) == 3 and output.shape[-1] != 1
        # Ids may come as floats, the default dtype of `keras.Input`.
        whole = not any(tensor.dtype.is_floating for tensor in tensors)
        embeds = embeds and (whole or (_is_users_own(layer) and len(tensors) == 1))
        if embeds or isinstance(layer, keras.layers.Embedding):
            call = _Call(tuple(output.shape), ids.dtype, bool(placeholders_of(ids)))
            calls.setdefault(layer, []).append(call)

    def trace(*flat: Any) -> None:
        HookedModel(model, []).observe(tf.nest.pack_sequence_as(specs, flat), layers, observer)

    try:
        tf.function(trace, autograph=False).get_concrete_function(*tf.nest.flatten(specs))
    except Exception:
        # A user's own code may raise anything on open shapes; it says so when it is explained.
        return {}
    return calls


def _candidate(
    layer: keras.layers.Layer, calls: Sequence[_Call], *, in_time_distributed: bool
) -> Candidate:
    return Candidate(
        layer=layer,
        vocabulary_size=getattr(layer, "input_dim", None),
        shape=calls[0].shape if calls else None,
        exclusion=_exclusion(layer, calls, in_time_distributed=in_time_distributed),
    )


def _exclusion(
    layer: keras.layers.Layer, calls: Sequence[_Call], *, in_time_distributed: bool
) -> Exclusion | None:
    shapes = [call.shape for call in calls]
    if calls and not any(call.depends_on_inputs for call in calls):
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


def _mixes_tokens(layer: keras.layers.Layer, call: _Call) -> bool:
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


def _is_users_own(layer: keras.layers.Layer) -> bool:
    """True if a layer is of the user's own making: its class, or the function of a `Lambda`."""
    home = type(layer).__module__.partition(".")[0]
    return home not in ("keras", "keras_hub") or isinstance(layer, keras.layers.Lambda)


def has_other_name(layer: keras.layers.Layer) -> bool:
    """True if a layer's name says that it embeds something else than tokens."""
    return _OTHER_NAMES.search(layer.name.lower()) is not None
