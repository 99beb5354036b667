"""Which layers turn ids into vectors, and which of them may be those of the tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tf_salience import checks
from tf_salience.tap.sources import depends_on_inputs
from tf_salience.tap.structure import all_layers, input_specs
from tf_salience.tap.taps import Tap

#: Words that mark an embedding layer as one of something else than tokens.
_NOT_TOKENS = ("position", "segment", "token_type", "pos_emb")


@dataclass(frozen=True)
class Candidate:
    """A layer that turns ids into vectors.

    Attributes:
        layer: the layer.
        rows: how many ids it has vectors for, or None where it does not tell.
        shape: of what it gives, `(None, None, 8)`, or None where the model could not be asked.
        why_not: why it is not taken for that of the tokens; "" where it may be.
    """

    layer: keras.layers.Layer
    rows: int | None
    shape: tuple[int | None, ...] | None
    why_not: str


@dataclass(frozen=True)
class _Call:
    shape: tuple[int | None, ...]
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

    It is the only `Embedding` whose name does not speak against it, Keras knows that it gives
    (batch, tokens, dim), and every other layer is one of Keras' or KerasHub's own.
    """
    layers = all_layers(model)
    tables = [one for one in layers if isinstance(one, keras.layers.Embedding)]
    tokens = [one for one in tables if not named_otherwise(one)]
    if len(tokens) != 1 or any(
        type(one).__module__.partition(".")[0] not in ("keras", "keras_hub")
        or isinstance(one, keras.layers.Lambda)
        for one in layers
    ):
        return None
    shapes = [one.output_tensors[0].shape for one in tokens[0]._inbound_nodes]
    plain = bool(shapes) and all(len(shape) == 3 and shape[1] != 1 for shape in shapes)
    return tokens[0] if plain else None


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
    return checks.table(("name", "vocabulary", "dim", "path", "not tokens, since"), rows)


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
        embeds = embeds and not any(one.dtype.is_floating for one in given)
        if embeds or isinstance(layer, keras.layers.Embedding):
            call = _Call(tuple(output.shape), depends_on_inputs(ids))
            found.setdefault(layer, []).append(call)

    def trace(*flat: Any) -> None:
        Tap(model, []).observe(tf.nest.pack_sequence_as(specs, flat), layers, note)

    try:
        tf.function(trace, autograph=False).get_concrete_function(*tf.nest.flatten(specs))
    except (ValueError, TypeError, tf.errors.OpError):
        # A model that does not run on open shapes says so when it is explained.
        return {}
    return found


def _candidate(
    layer: keras.layers.Layer, calls: Sequence[_Call] | None, *, spread: bool
) -> Candidate:
    rows = getattr(layer, "input_dim", None)
    shape = calls[0].shape if calls else None
    why_not = "it is in a TimeDistributed" if spread else _why_not(layer, calls)
    return Candidate(layer, rows, shape, why_not)


def _why_not(layer: keras.layers.Layer, calls: Sequence[_Call] | None) -> str:
    if named_otherwise(layer):
        return "its name"
    if not calls:
        return ""
    if not any(call.depends for call in calls):
        return "its ids are no inputs"
    shapes = [call.shape for call in calls]
    if not any(len(shape) == 3 for shape in shapes):
        return f"it gives {shapes[0]}"
    if all(len(shape) == 3 and shape[1] == 1 for shape in shapes):
        return f"one id an example: it gives {shapes[0]}"
    return ""


def named_otherwise(layer: keras.layers.Layer) -> bool:
    """Whether a layer's name says that it embeds something else than tokens."""
    return any(word in layer.name.lower() for word in _NOT_TOKENS)
