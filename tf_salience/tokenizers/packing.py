"""Packing of token ids by the preprocessors of KerasHub's language models."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.tokenizers.truncation import warn_of_truncation
from tf_salience.utils import validation

Array = npt.NDArray[Any]


def encode(tokenizer: Any, texts: Any) -> list[list[int]]:
    """Returns the ids of texts, (batch,), one list per text, without padding."""
    ids = tokenizer(tf.constant(texts))
    if not tf.is_tensor(ids):
        return [np.asarray(row).tolist() for row in ids]
    # A tokenizer with a sequence length has padded the end.
    fill_id = getattr(tokenizer, "pad_token_id", None) or 0
    ends = np.where(ids.numpy() != fill_id, np.arange(1, ids.shape[1] + 1), 0).max(axis=1)
    return [row[:end] for row, end in zip(ids.numpy().tolist(), ends.tolist(), strict=True)]


def encode_continued(
    tokenizer: Any, texts: Array, continuations: Array | None
) -> tuple[list[list[int]], list[int]]:
    """Returns the ids of texts with their continuations, and the size of the predicted text.

    Without continuations all of a text is predicted.
    """
    rows = encode(tokenizer, texts)
    if continuations is None:
        return rows, [len(row) for row in rows]
    endings = encode(tokenizer, continuations)
    joined = [row + ending for row, ending in zip(rows, endings, strict=True)]
    return joined, [len(ending) for ending in endings]


def join(texts: Array, continuations: Array | None) -> Array:
    """Returns texts with their continuations, (batch,) strings."""
    if continuations is None:
        return texts
    decoded = [text.decode("utf-8") if isinstance(text, bytes) else text for text in texts]
    pairs = zip(decoded, continuations, strict=True)
    return np.array([text + continuation for text, continuation in pairs], object)


def pack(
    preprocessor: Any, name: str, rows: list[list[int]], limit: int
) -> tuple[Array, Array, int]:
    """Packs ids with one of the preprocessor's own packers.

    The start token is added to every text, the end token only to an encoder's, which is complete.

    Args:
        preprocessor: the preprocessor.
        name: the attribute that holds the packer.
        rows: the ids of each text.
        limit: the number of tokens that the model takes.

    Returns:
        ids and mask, (batch, tokens), and the number of tokens that are added before a text.

    Raises:
        ValueError: for a text longer than a decoder takes, or an unknown kind of packer.
    """
    if getattr(preprocessor, name) is None:
        preprocessor.build(None)
    packer = getattr(preprocessor, name)
    is_complete = name == "encoder_packer"
    prefix = _token_count(packer.start_value)
    suffix = _token_count(packer.end_value) if is_complete else 0
    lengths = np.array([prefix + len(row) + suffix for row in rows])
    if is_complete:
        warn_of_truncation(lengths, limit)
    elif lengths.max() > limit:
        longer = np.flatnonzero(lengths > limit).tolist()
        raise ValueError(
            f"A text with its continuation must be no longer than the model takes, {limit} tokens. "
            f"Received: {lengths.max()} tokens, in {validation.format_examples(longer)}. Shorten "
            "it, or raise the preprocessor's sequence length."
        )
    # As wide as needed: a causal model of 1,024 positions is not run on that much padding.
    width = min(limit, int(lengths.max()))
    ragged = tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1)
    packed = packer(ragged, sequence_length=width, add_end_value=is_complete)
    # Packers differ in what follows the ids: a mask, or segment ids.
    ids = np.asarray(packed[0] if isinstance(packed, tuple) else packed)
    _check_packed(preprocessor, rows, ids.tolist(), prefix, width - prefix - suffix)
    return ids, np.arange(width) < lengths[:, None], prefix


def _token_count(special: Any) -> int:
    return len(special) if isinstance(special, list | tuple) else int(special is not None)


def _check_packed(
    preprocessor: Any, rows: list[list[int]], packed: list[list[int]], prefix: int, limit: int
) -> None:
    """Raises a ValueError unless each packed row holds the first `limit` ids after the prefix."""
    kept = [row[:limit] for row in rows]
    pairs = zip(kept, packed, strict=True)
    if all(row == packed_row[prefix : prefix + len(row)] for row, packed_row in pairs):
        return
    raise ValueError(
        f"A {type(preprocessor).__name__} packs texts in an unknown way. Received: texts. Pass the "
        "inputs that it makes: `explainer(preprocessor.generate_preprocess(texts))`."
    )


def spans(rows: list[list[int]], sizes: list[int], prefix: int, *, continued: bool) -> Array:
    """Returns the start and stop of the predicted text of each row, (batch, 2).

    Args:
        rows: the ids of each text.
        sizes: the number of predicted ids at the end of each.
        prefix: the number of tokens that are added before a text.
        continued: True if the predicted texts are continuations.

    Raises:
        ValueError: for a continuation without a token before it.
    """
    stops = np.array([len(row) for row in rows]) + prefix
    starts = stops - np.array(sizes)
    if continued and (starts < 1).any():
        empty = validation.format_examples(np.flatnonzero(starts < 1).tolist())
        raise ValueError(
            "A model without a start token needs a prompt: nothing predicts the first token of a "
            f"continuation. Received: an empty prompt, {empty}"
        )
    # Nothing predicts the first token of a whole text.
    starts = np.maximum(starts, 1)
    return np.stack([starts, np.maximum(stops, starts)], axis=1)
