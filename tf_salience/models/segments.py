"""Segments as the user knows them: their names, their order, and which of their tokens are real."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.forward import Segment
from tf_salience.models import inputs as model_inputs
from tf_salience.targets import PredictedTokens
from tf_salience.tokenizers import Tokenizer

Array = npt.NDArray[Any]

#: Names under which models take a mask of their own.
MASK_INPUTS = ("padding_mask", "attention_mask", "mask")


@dataclass(frozen=True)
class Layout:
    """How the tapped calls of some examples appear to the user.

    Attributes:
        names: one a segment, in the order in which Keras made the calls.
        order: the numbers of the segments, in the order in which they are shown.
        masks: one a segment, (batch, tokens), true for real tokens.
    """

    names: list[str]
    order: list[int]
    masks: list[Any]

    def arrays(self) -> "Layout":
        """The same with masks as arrays."""
        return replace(self, masks=[np.asarray(mask) for mask in self.masks])

    @property
    def widths(self) -> list[int]:
        """One a segment: its tokens, padding included."""
        return [mask.shape[1] for mask in self.masks]

    def as_called(self, columns: Array, widths: Sequence[int]) -> list[Array]:
        """Columns as they are shown, (batch, tokens of all segments), cut into the tapped calls.

        Args:
            columns: (batch, tokens).
            widths: one a segment, in the order of the calls: its tokens in `columns`, at least as
                many as it has here.
        """
        ends = np.cumsum([widths[number] for number in self.order])[:-1]
        shown = dict(zip(self.order, np.split(columns, ends, axis=1), strict=True))
        return [shown[number][:, :width] for number, width in enumerate(self.widths)]


def layout(model: keras.Model, nest: Any, segments: Sequence[Segment], tokens: Tokenizer) -> Layout:
    """The layout of what a first pass showed; in a graph too, where the masks are its tensors.

    Args:
        model: the model.
        nest: the inputs of the examples.
        segments: the tapped calls.
        tokens: knows which ids are padding.
    """
    names = _names(model, nest, segments)
    masks = [
        _mask(model_inputs.named(model, nest), segment, tokens, _mask_names(name, len(segments)))
        for name, segment in zip(names, segments, strict=True)
    ]
    return Layout(names, _order(model, nest, segments, names), masks)


def predicted(
    model: keras.Model, nest: Any, segments: Sequence[Segment], layout: Layout, spans: Array | None
) -> PredictedTokens | None:
    """The tokens that stand over the outputs, if they are one a token.

    Of several segments those of the decoder; else those that all of them agree on, whose ids are
    not known then: nor are they of one segment where the model reads others beside it.

    Args:
        model: the model.
        nest: the inputs of the examples.
        segments: the tapped calls.
        layout: theirs, in arrays.
        spans: (batch, 2), where in these tokens the text that is asked for is; or None.
    """
    decoders = [number for number, name in enumerate(layout.names) if "decoder" in name]
    if len(decoders) == 1:
        return PredictedTokens(segments[decoders[0]].ids, layout.masks[decoders[0]], spans)
    first = layout.masks[0]
    if not all(np.array_equal(first, mask) for mask in layout.masks[1:]):
        return None
    others = [
        name
        for number, (name, leaf) in enumerate(model_inputs.named(model, nest))
        if number != segments[0].source and model_inputs.may_be_ids(name, leaf)
    ]
    alone = len(segments) == 1 and (segments[0].source < 0 or not others)
    return PredictedTokens(segments[0].ids if alone else None, first, spans)


def _mask_names(name: str, segments: int) -> Sequence[str]:
    """What an input that masks the segment may be called; of several it must say whose it is."""
    owner, _, ids = name.rpartition("token_ids")
    if segments == 1:
        return MASK_INPUTS
    return [f"{owner}{mask}" for mask in MASK_INPUTS] if owner and not ids else ()


def _mask(
    inputs: Sequence[tuple[str, Any]],
    segment: Segment,
    tokens: Tokenizer,
    mask_names: Sequence[str],
) -> Any:
    """Which tokens are real, (batch, tokens): whoever knows best is asked first."""
    if tokens.pad_id_from_user and segment.ids is not None:
        return segment.ids != tokens.pad_id
    if segment.mask is not None and _goes_with(segment.mask, segment.embeddings):
        return segment.mask
    for name, leaf in inputs:
        if name in mask_names and _goes_with(leaf, segment.embeddings):
            return tf.cast(leaf, tf.bool)
    if tokens.pad_id is not None and segment.ids is not None:
        return segment.ids != tokens.pad_id
    return tf.ones_like(segment.embeddings[:, :, 0], tf.bool)


def _goes_with(mask: Any, embeddings: Any) -> bool:
    """Whether it is (batch, tokens), as far as the graph knows."""
    return len(mask.shape) == 2 and embeddings.shape[:2].is_compatible_with(mask.shape)


def _names(model: keras.Model, nest: Any, segments: Sequence[Segment]) -> list[str]:
    """The name of the input that a segment's ids are, else that of its layer; each once."""
    inputs = [name for name, _ in model_inputs.named(model, nest)]
    names: list[str] = []
    for segment in segments:
        name = inputs[segment.source] if segment.source >= 0 else ""
        name = name or segment.layer.name
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def _order(
    model: keras.Model, nest: Any, segments: Sequence[Segment], names: list[str]
) -> list[int]:
    """By the place of each segment's input: the model's order, or that of the user's dict.

    Keras calls layers in an order of its own; a reader knows that of the inputs.
    """
    sources = [segment.source for segment in segments]
    numbers = list(range(len(segments)))
    if -1 in sources:
        return numbers
    known = model_inputs.order(model, nest)
    if all(name in known for name in names):
        return sorted(numbers, key=lambda number: known.index(names[number]))
    return sorted(numbers, key=lambda number: sources[number])
