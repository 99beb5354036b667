"""KerasHub's tokenizers, which exist only if the user has imported KerasHub."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.tokenizers import subwords
from tf_salience.tokenizers.preprocessors import text_preprocessor
from tf_salience.tokenizers.tokenizer import Tokenizer


def is_tokenizer(value: Any) -> bool:
    """True if it is a KerasHub tokenizer, or a preprocessor that has one."""
    keras_hub = sys.modules.get("keras_hub")
    if keras_hub is None:
        return False
    if isinstance(value, keras_hub.models.Preprocessor):
        return value.tokenizer is not None
    return isinstance(value, keras_hub.tokenizers.Tokenizer)


def from_keras_hub(value: Any) -> Tokenizer:
    """Returns a tokenizer from a KerasHub tokenizer, or from a preprocessor that has one."""
    tokenizer = getattr(value, "tokenizer", value)
    vocabulary = _vocabulary(tokenizer)
    unknown_id = _unknown_id(tokenizer, vocabulary)
    # GPT-2 has no padding token; its `pad_token_id` 0 is a placeholder, which is also a word.
    pad_id = tokenizer.pad_token_id if getattr(tokenizer, "pad_token", None) else None
    special_ids = {*(getattr(tokenizer, "special_token_ids", None) or ()), pad_id}
    return Tokenizer(
        vocabulary=vocabulary,
        to_ids=_to_ids(tokenizer),
        preprocess=text_preprocessor(value),
        read_subword=_read_subword(tokenizer),
        special_ids=frozenset(special_ids - {None, unknown_id}),
        pad_id=pad_id,
        unknown_id=unknown_id,
    )


def _vocabulary(tokenizer: Any) -> list[str] | None:
    """Returns the token of each id, "" for an unused id; None if the tokenizer has no list."""
    try:
        tokens = tokenizer.get_vocabulary()
    except NotImplementedError:
        return None
    id_of_token = getattr(tokenizer, "vocabulary", None)
    if not isinstance(id_of_token, dict):
        return [str(token) for token in tokens]
    token_of_id = {token_id: token for token, token_id in id_of_token.items()}
    return [token_of_id.get(token_id, "") for token_id in range(max(token_of_id) + 1)]


def _unknown_id(tokenizer: Any, vocabulary: Sequence[str] | None) -> int | None:
    """Returns the id of unknown words, or None."""
    attributes = [getattr(tokenizer, name, None) for name in ("oov_token", "unk_token")]
    tokens = vocabulary or ()
    names = [name for name in (*attributes, "<unk>", "[UNK]") if name and name in tokens]
    return tokens.index(names[0]) if names else None


def _read_subword(tokenizer: Any) -> subwords.ReadSubword | None:
    """Returns the reader of the tokenizer's subwords; None for an unknown kind."""
    kinds = sys.modules["keras_hub"].tokenizers
    if isinstance(tokenizer, kinds.WordPieceTokenizer):
        return subwords.word_piece(tokenizer.suffix_indicator)
    if isinstance(tokenizer, kinds.SentencePieceTokenizer):
        return subwords.sentence_piece
    if isinstance(tokenizer, kinds.BytePairTokenizer):
        return subwords.byte_pair
    return None


def _to_ids(tokenizer: Any) -> Callable[[Any], Any]:
    """Returns a function from texts, (batch,), to ids without special tokens, (batch, tokens)."""
    fill_id = getattr(tokenizer, "pad_token_id", None) or 0

    def to_ids(texts: Any) -> Any:
        ids = tokenizer(tf.convert_to_tensor(texts))
        if not tf.is_tensor(ids):  # outside a graph KerasHub returns lists
            ids = tf.ragged.constant([np.asarray(row) for row in ids], tf.int32, ragged_rank=1)
        return ids.to_tensor(fill_id) if isinstance(ids, tf.RaggedTensor) else ids

    return to_ids
