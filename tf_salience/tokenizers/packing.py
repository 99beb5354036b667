"""Token ids of the length that a model takes: packed by KerasHub's preprocessors, or truncated."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.utils import validation, warnings

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


def pack(preprocessor: Any, part: str, rows: list[list[int]]) -> tuple[dict[str, Array], int]:
    """Packs ids with one of the preprocessor's own packers.

    The start token is added to every text, the end token only to an encoder's, which is complete.

    Args:
        preprocessor: the preprocessor.
        part: how the names of its packer, its sequence length and its inputs start: `encoder_`,
            `decoder_`, or an empty string for a model that is only a decoder.
        rows: the ids of each text.

    Returns:
        ids and mask, (batch, tokens), by name, and the number of tokens added before a text.

    Raises:
        ValueError: for a text longer than a decoder takes, or an unknown kind of packer.
    """
    if getattr(preprocessor, f"{part}packer") is None:
        preprocessor.build(None)
    packer = getattr(preprocessor, f"{part}packer")
    limit = getattr(preprocessor, f"{part}sequence_length")
    is_complete = part == "encoder_"
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
    texts = ids[:, prefix : width - suffix].tolist()
    kept = [row[: width - prefix - suffix] for row in rows]
    if any(text[: len(row)] != row for text, row in zip(texts, kept, strict=True)):
        raise ValueError(
            f"A {type(preprocessor).__name__} packs texts in an unknown way. Received: texts. Pass "
            "the inputs that it makes: `explainer(preprocessor.generate_preprocess(texts))`."
        )
    mask = np.arange(width) < lengths[:, None]
    return {f"{part}token_ids": ids, f"{part}padding_mask": mask}, prefix


def _token_count(special: Any) -> int:
    return len(special) if isinstance(special, list | tuple) else int(special is not None)


def warn_of_truncation(lengths: npt.NDArray[Any], limit: int) -> None:
    """Warns of texts that are longer than the model takes.

    Args:
        lengths: (batch,), the number of tokens of each text.
        limit: the number of tokens that the model takes.
    """
    truncated = np.flatnonzero(lengths > limit).tolist()
    if truncated:
        warnings.warn(
            f"The model takes {limit} tokens; {validation.format_examples(truncated)} "
            f"{'is' if len(truncated) == 1 else 'are'} longer (up to {lengths.max()}). The tokens "
            "that the tokenizer cuts off are not seen by the model and have no score.",
            warnings.TruncatedTextWarning,
        )
