"""Segments as a user knows them: their names, their order, and which of their tokens are real."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from tf_salience.models import nests
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.text_model import TextModel
from tf_salience.utils.arrays import Nest

#: Names under which models take a mask of their own.
MASK_INPUTS = ("padding_mask", "attention_mask", "mask")


def identify(model: TextModel, nest: Nest, forward: ForwardPass) -> ForwardPass:
    """Gives the segments of a pass their names, their order and the mask of their real tokens.

    Args:
        model: the model.
        nest: the inputs, a nest of arrays or tensors.
        forward: the pass, as `HookedModel.record` describes it.

    Raises:
        ValueError: for a layer that does not give embeddings.
    """
    inputs = nests.named(model.model, nest)
    segments: list[Segment] = []
    for call in forward.segments:
        _check_embeddings(call)
        name = inputs[call.source][0] if call.source >= 0 else ""
        name = name or call.layer.name
        names = [segment.name for segment in segments]
        name = name if name not in names else f"{name}_{len(names)}"
        are_ids = call.ids is not None and len(call.ids.shape) == 2 and call.ids.dtype != tf.string
        segment = replace(
            call,
            name=name,
            ids=tf.cast(call.ids, tf.int64) if are_ids else None,
            is_masked_by_layer=call.mask is not None,
        )
        mask_names = _mask_names(name, len(forward.segments))
        segments.append(replace(segment, mask=_real_tokens(inputs, segment, model, mask_names)))
    return replace(forward, segments=segments, order=_display_order(model, nest, segments))


def _check_embeddings(segment: Segment) -> None:
    embeddings = segment.embeddings
    if len(embeddings.shape) != 3 or not embeddings.dtype.is_floating:
        raise ValueError(
            f"Layer {segment.layer.name!r} must give embeddings of shape (batch, tokens, dim). "
            f"Received: {embeddings.dtype.name} of shape {tuple(embeddings.shape)}. If the inputs "
            "are one sentence, add a batch axis; if it is another layer, name it in `embeddings`."
        )


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


def _display_order(model: TextModel, nest: Nest, segments: Sequence[Segment]) -> list[int]:
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
