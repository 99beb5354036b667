"""Segments as a user knows them: their names, their order, and which of their tokens are real."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from tf_salience.models import nests
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.text_model import TextModel
from tf_salience.utils.arrays import Nest

_MASK_NAME = re.compile(r"(?:padding_|attention_|input_)?mask")
_IDS_NAME = re.compile(r"(?:token_|input_|word_)?(?:ids|tokens)|input_word_ids|inputs?|texts?")


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
    aliases = nests.aliases(model.model, nest)
    segments: list[Segment] = []
    for call in forward.segments:
        _check_embeddings(call)
        name = inputs[call.source][0] if call.source >= 0 else ""
        if call.slice_of is not None and inputs[call.slice_of[0]][0]:
            name = f"{inputs[call.slice_of[0]][0]}_{call.slice_of[1]}"
        name = name or call.layer.name
        names = [segment.name for segment in segments]
        name = name if name not in names else f"{name}_{len(names)}"
        are_ids = call.ids is not None and len(call.ids.shape) == 2 and call.ids.dtype != tf.string
        segment = replace(
            call,
            name=name,
            ids=tf.cast(call.ids, tf.int64) if are_ids else None,
            is_masked_by_layer=call.mask is not None,
            tokenizer=model.tokenizers.of_segment(
                call, [name, *(aliases[call.source] if call.source >= 0 else ())]
            ),
        )
        given_mask = _given_mask(inputs, segment, is_alone=len(forward.segments) == 1)
        segments.append(replace(segment, mask=_real_tokens(segment, given_mask)))
    return replace(forward, segments=segments, order=_display_order(model, nest, segments))


def _check_embeddings(segment: Segment) -> None:
    embeddings = segment.embeddings
    if len(embeddings.shape) != 3 or not embeddings.dtype.is_floating:
        raise ValueError(
            f"Layer {segment.layer.name!r} must give embeddings of shape (batch, tokens, dim). "
            f"Received: {embeddings.dtype.name} of shape {tuple(embeddings.shape)}. If the inputs "
            "are one sentence, add a batch axis; if it is another layer, name it in `embeddings`."
        )


def _given_mask(inputs: Sequence[tuple[str, Any]], segment: Segment, *, is_alone: bool) -> Any:
    """Returns the input that masks the segment, (batch, tokens), or None.

    A mask is called as the ids are: `padding_mask` and `token_ids`, `mask_title` and `title`. That
    of the only segment may lack the name.

    Args:
        inputs: the inputs with their names.
        segment: the segment.
        is_alone: True if there is no other segment.
    """
    source = segment.source if segment.slice_of is None else segment.slice_of[0]
    segment_owner = _owner(inputs[source][0], _IDS_NAME) if source >= 0 else None
    owners = {segment_owner, ""} if is_alone else {segment_owner}
    for number, (name, leaf) in enumerate(inputs):
        if number == source or _MASK_NAME.search(name) is None:
            continue
        if _owner(name, _MASK_NAME) not in owners:
            continue
        is_of_choices = segment.slice_of is not None and len(leaf.shape) == 3
        mask = leaf[:, segment.slice_of[1]] if is_of_choices else leaf  # type: ignore[index]
        if _is_for_tokens(mask, segment.embeddings):
            return mask
    return None


def _owner(name: str, kind: re.Pattern[str]) -> str:
    """Returns a name without the words that say what the input is: `encoder_padding_mask`."""
    words = kind.sub("", name, count=1)
    return re.sub(r"[\W_]+", "_", words).strip("_")


def _real_tokens(segment: Segment, given_mask: Any) -> Any:
    """Returns the mask of the real tokens, (batch, tokens), by the best source that there is.

    The user's padding id comes first, then the layer's mask, an input that is a mask, and the
    tokenizer's padding id.
    """
    tokenizer = segment.tokenizer
    if tokenizer.pad_id_from_user and segment.ids is not None:
        return segment.ids != tokenizer.pad_id
    if segment.mask is not None and _is_for_tokens(segment.mask, segment.embeddings):
        return segment.mask
    if given_mask is not None:
        return tf.cast(given_mask, tf.bool)
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
    places = [segment.slice_of or (segment.source, 0) for segment in segments]
    numbers = list(range(len(segments)))
    if any(source < 0 for source, _ in places):
        return numbers
    input_order = nests.input_order(model.model, nest)
    if all(segment.name in input_order for segment in segments):
        return sorted(numbers, key=lambda number: input_order.index(segments[number].name))
    return sorted(numbers, key=lambda number: places[number])
