"""KerasHub's tokenizers, which are only known where the user has imported it."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.tokenizers import subwords


def is_tokenizer(value: Any) -> bool:
    """Whether it is a KerasHub tokenizer, or a preprocessor that holds one."""
    hub = sys.modules.get("keras_hub")
    if hub is None:
        return False
    if isinstance(value, hub.models.Preprocessor):
        return value.tokenizer is not None
    return isinstance(value, hub.tokenizers.Tokenizer)


def tokenizer_of(value: Any) -> Any:
    """The tokenizer itself, or that of a preprocessor."""
    return getattr(value, "tokenizer", value)


def vocabulary_of(tokenizer: Any) -> list[str] | None:
    """The token of each id; "" for an id that has none; None where the tokenizer does not tell."""
    try:
        tokens = tokenizer.get_vocabulary()
    except NotImplementedError:
        return None
    by_token = getattr(tokenizer, "vocabulary", None)
    if not isinstance(by_token, dict):
        return [str(token) for token in tokens]
    by_id = {number: token for token, number in by_token.items()}
    return [by_id.get(number, "") for number in range(max(by_id) + 1)]


def unknown_id(tokenizer: Any, vocabulary: Sequence[str] | None) -> int | None:
    """The id of what the tokenizer does not know, or None."""
    names = [getattr(tokenizer, name, None) for name in ("oov_token", "unk_token")]
    known = vocabulary or ()
    return next(
        (known.index(name) for name in (*names, "<unk>", "[UNK]") if name and name in known), None
    )


def pad_id(tokenizer: Any) -> int | None:
    """The id of padding; None where it is a placeholder, as GPT-2's 0, which is a word, too."""
    return tokenizer.pad_token_id if getattr(tokenizer, "pad_token", None) else None


def read_subword(tokenizer: Any) -> subwords.ReadPiece | None:
    """How this kind of tokenizer marks where words start."""
    kinds = sys.modules["keras_hub"].tokenizers
    if isinstance(tokenizer, kinds.WordPieceTokenizer):
        return subwords.word_piece(tokenizer.suffix_indicator)
    if isinstance(tokenizer, kinds.SentencePieceTokenizer):
        return subwords.sentence_piece
    if isinstance(tokenizer, kinds.BytePairTokenizer):
        return subwords.byte_pair
    return None


def encoder(tokenizer: Any) -> Callable[[Any], Any]:
    """Texts, (batch,), to ids, (batch, tokens), without special tokens."""
    filler = getattr(tokenizer, "pad_token_id", None) or 0

    def to_ids(texts: Any) -> Any:
        ids = tokenizer(tf.convert_to_tensor(texts))
        if not tf.is_tensor(ids):  # outside a graph it gives lists
            ids = tf.ragged.constant([np.asarray(row) for row in ids], tf.int32, ragged_rank=1)
        return ids.to_tensor(filler) if isinstance(ids, tf.RaggedTensor) else ids

    return to_ids
