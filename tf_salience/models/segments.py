"""Segments: the calls of the explained embedding layers, with names, order and real tokens.

A forward pass is described in the same way live (of numpy arrays), in a graph (of its tensors) and
before anything is built (of tensor specs).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from tf_salience.models import nests
from tf_salience.models.embeddings.hooked_model import Recording
from tf_salience.models.embeddings.provenance import source_of
from tf_salience.models.text_model import TextModel
from tf_salience.utils import arrays
from tf_salience.utils.arrays import Array, Nest

#: Names under which models take a mask of their own.
MASK_INPUTS = ("padding_mask", "attention_mask", "mask")


@dataclass(frozen=True)
class Segment:
    """One call of an explained embedding layer.

    Attributes:
        layer: the layer.
        source: the number of the input, flattened, that the layer is called on; -1 for something
            that the model makes.
        ids: (batch, tokens), or None where the layer is not called on integers of that shape.
        embeddings: (batch, tokens, dim).
        mask: (batch, tokens), true for real tokens; before `identify`, the layer's own mask or
            None.
        name: that of the input, or of the layer; "" before `identify`.
        is_masked_by_layer: whether the layer itself tells the model which tokens are padding.
    """

    layer: Any
    source: int
    ids: Any
    embeddings: Any
    mask: Any
    name: str = ""
    is_masked_by_layer: bool = False

    @property
    def width(self) -> int:
        """The number of tokens, padding included."""
        return int(self.embeddings.shape[1])


@dataclass(frozen=True)
class ForwardPass:
    """One pass of the model over some examples.

    Attributes:
        outputs: the model's outputs, a nest of (batch, ...).
        segments: the calls of the explained layers, in the order in which Keras made them.
        order: the numbers of the segments, in the order in which a user sees them.
        vectorized: the ids that the model made of texts, (batch, tokens) each.
    """

    outputs: Any
    segments: list[Segment]
    order: list[int]
    vectorized: tuple[Any, ...]

    @property
    def shown(self) -> list[Segment]:
        """The segments in the order in which a user sees them."""
        return [self.segments[number] for number in self.order]

    def split_shown(self, columns: Array, widths: Sequence[int]) -> list[Array]:
        """Splits columns of all segments, as a user sees them, into the order of the calls.

        Args:
            columns: (batch, tokens).
            widths: the columns of each segment, in the order of the calls; at least its width.
        """
        shown = arrays.split_columns(columns, [widths[number] for number in self.order])
        by_number = dict(zip(self.order, shown, strict=True))
        return [
            by_number[number][:, : segment.width] for number, segment in enumerate(self.segments)
        ]


def graph_pass(
    model: TextModel, nest: Nest, recording: Recording, outputs: Any = None
) -> ForwardPass:
    """Describes a pass inside a graph, whose tensors are the arrays.

    Args:
        model: the model.
        nest: the graph's inputs, a nest of tensors.
        recording: the graph's pass.
        outputs: the model's outputs; None for those of the recording.

    Raises:
        ValueError: for a layer that does not give embeddings.
    """
    inputs = tf.nest.flatten(nest)
    segments = []
    for call in recording.calls:
        if len(call.embeddings.shape) != 3 or not call.embeddings.dtype.is_floating:
            raise ValueError(
                f"Layer {call.layer.name!r} must give embeddings of shape (batch, tokens, dim). "
                f"Received: {call.embeddings.dtype.name} of shape {tuple(call.embeddings.shape)}. "
                "Name another layer in `embeddings`."
            )
        are_ids = len(call.ids.shape) == 2 and call.ids.dtype != tf.string
        segments.append(
            Segment(
                layer=call.layer,
                source=source_of(call.ids, inputs, recording),
                ids=tf.cast(call.ids, tf.int64) if are_ids else None,
                embeddings=call.embeddings,
                mask=call.mask,
            )
        )
    segments = identify(model, nest, segments)
    return ForwardPass(
        outputs=recording.outputs if outputs is None else outputs,
        segments=segments,
        order=display_order(model, nest, segments),
        vectorized=tuple(recording.vectorized),
    )


def identify(model: TextModel, nest: Nest, segments: Sequence[Segment]) -> list[Segment]:
    """Gives each segment its name and the mask of its real tokens."""
    inputs = nests.named(model.model, nest)
    names: list[str] = []
    identified = []
    for segment in segments:
        name = inputs[segment.source][0] if segment.source >= 0 else ""
        name = name or segment.layer.name
        names.append(name if name not in names else f"{name}_{len(names)}")
        mask_names = _mask_names(names[-1], len(segments))
        identified.append(
            replace(
                segment,
                name=names[-1],
                mask=_real_tokens(inputs, segment, model, mask_names),
                is_masked_by_layer=segment.mask is not None,
            )
        )
    return identified


def _mask_names(name: str, segments: int) -> Sequence[str]:
    """Returns the names of inputs that mask the segment; of several it must say whose it is."""
    owner, _, rest = name.rpartition("token_ids")
    if segments == 1:
        return MASK_INPUTS
    return [f"{owner}{mask}" for mask in MASK_INPUTS] if owner and not rest else ()


def _real_tokens(
    inputs: Sequence[tuple[str, Any]],
    segment: Segment,
    model: TextModel,
    mask_names: Sequence[str],
) -> Any:
    """Returns the mask of the real tokens, (batch, tokens), by the best source that there is.

    The user's padding id comes first, then the layer's mask, an input that is a mask, and the
    tokenizer's padding id.
    """
    tokenizer = model.tokenizer
    if tokenizer.pad_id_from_user and segment.ids is not None:
        return segment.ids != tokenizer.pad_id
    if segment.mask is not None and _is_for_tokens(segment.mask, segment.embeddings):
        return segment.mask
    for name, leaf in inputs:
        if name in mask_names and _is_for_tokens(leaf, segment.embeddings):
            return tf.cast(leaf, tf.bool)
    if tokenizer.pad_id is not None and segment.ids is not None:
        return segment.ids != tokenizer.pad_id
    return tf.ones_like(segment.embeddings[:, :, 0], tf.bool)


def _is_for_tokens(mask: Any, embeddings: Any) -> bool:
    """True if the mask is (batch, tokens), as far as the graph knows."""
    return len(mask.shape) == 2 and embeddings.shape[:2].is_compatible_with(mask.shape)


def display_order(model: TextModel, nest: Nest, segments: Sequence[Segment]) -> list[int]:
    """Returns the numbers of the segments in the order of their inputs: a reader knows that order.

    Keras calls layers in an order of its own.
    """
    sources = [segment.source for segment in segments]
    numbers = list(range(len(segments)))
    if -1 in sources:
        return numbers
    input_order = nests.input_order(model.model, nest)
    if all(segment.name in input_order for segment in segments):
        return sorted(numbers, key=lambda number: input_order.index(segments[number].name))
    return sorted(numbers, key=lambda number: sources[number])
