"""From what a user passes as `tokenizer` to `Tokenizer`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from tf_salience.tokenizers import keras_hub
from tf_salience.tokenizers.preprocessors import packer
from tf_salience.tokenizers.text_vectorization import from_vectorization
from tf_salience.tokenizers.tokenizer import Tokenizer


def adapt(
    tokenizer: Any, model: Any, layers: Sequence[keras.layers.Layer], pad_id: Any
) -> Tokenizer:
    """Reads a tokenizer, or finds the one that the model holds.

    Args:
        tokenizer: a `keras.layers.TextVectorization`, a KerasHub tokenizer or preprocessor, a
            vocabulary (a sequence of strings, by id), or None.
        model: the explained model; a KerasHub task has its preprocessor with it.
        layers: its layers.
        pad_id: the user's own padding id, which goes before the tokenizer's.

    Raises:
        TypeError: for another kind of tokenizer.
        ValueError: for a `TextVectorization` that does not give ids, or has no vocabulary.
    """
    own = getattr(model, "preprocessor", None)
    if tokenizer is None and keras_hub.is_tokenizer(own):
        tokenizer = own
    if tokenizer is None:
        kind = keras.layers.TextVectorization
        inside = [layer for layer in layers if isinstance(layer, kind)]
        tokens = from_vectorization(inside[0]) if len(inside) == 1 else Tokenizer()
    elif isinstance(tokenizer, keras.layers.TextVectorization):
        tokens = from_vectorization(tokenizer)
    elif keras_hub.is_tokenizer(tokenizer):
        tokens = _from_hub(tokenizer)
    elif (
        isinstance(tokenizer, list | tuple)
        and tokenizer
        and all(isinstance(word, str) for word in tokenizer)
    ):
        tokens = _from_vocabulary(list(tokenizer))
    else:
        raise TypeError(
            "`tokenizer` must be a keras.layers.TextVectorization, a KerasHub tokenizer or "
            "preprocessor, a vocabulary (a sequence of strings, by id), or None. "
            f"Received: tokenizer={tokenizer!r} (of type {type(tokenizer).__name__})"
        )
    if pad_id is None:
        return tokens
    return replace(tokens, pad_id=pad_id, pad_id_from_user=True)


def _from_hub(tokenizer: Any) -> Tokenizer:
    words = keras_hub.tokenizer_of(tokenizer)
    vocabulary = keras_hub.vocabulary_of(words)
    unknown = keras_hub.unknown_id(words, vocabulary)
    pad_id = keras_hub.pad_id(words)
    special = {*(getattr(words, "special_token_ids", None) or ()), pad_id} - {None, unknown}
    return Tokenizer(
        vocabulary=vocabulary,
        to_ids=keras_hub.encoder(words),
        pack=packer(tokenizer),
        read_subword=keras_hub.read_subword(words),
        special_ids=frozenset(special),
        pad_id=pad_id,
        unknown_id=unknown,
    )


def _from_vocabulary(words: list[str]) -> Tokenizer:
    """A plain vocabulary: padding and unknown words are found by their usual names."""

    def position(names: Sequence[str]) -> int | None:
        return next((words.index(name) for name in names if name in words), None)

    return Tokenizer(
        vocabulary=words,
        pad_id=position(("[PAD]", "<pad>", "")),
        unknown_id=position(("[UNK]", "<unk>")),
    )
