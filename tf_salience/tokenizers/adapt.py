"""`adapt`: from what a user passes as the tokenizer of an input to `Tokenizer`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from tf_salience.tokenizers.keras_hub import from_keras_hub, is_tokenizer
from tf_salience.tokenizers.string_lookup import from_string_lookup
from tf_salience.tokenizers.text_vectorization import from_text_vectorization
from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation


def adapt(tokenizer: Any, pad_id: int | None = None) -> Tokenizer:
    """Returns a tokenizer from what a user passes.

    Args:
        tokenizer: a `keras.layers.TextVectorization` or `StringLookup`, a KerasHub tokenizer or
            preprocessor, or a vocabulary (a sequence of strings, by id).
        pad_id: the padding id that the user passes, used before the tokenizer's; or None.

    Raises:
        TypeError: for another kind of tokenizer.
        ValueError: for a layer that does not return ids, or has no vocabulary.
    """
    if isinstance(tokenizer, keras.layers.TextVectorization):
        adapted = from_text_vectorization(tokenizer)
    elif isinstance(tokenizer, keras.layers.StringLookup):
        adapted = from_string_lookup(tokenizer)
    elif is_tokenizer(tokenizer):
        adapted = from_keras_hub(tokenizer)
    elif (
        isinstance(tokenizer, list | tuple)
        and tokenizer
        and all(isinstance(word, str) for word in tokenizer)
    ):
        adapted = _from_vocabulary(list(tokenizer))
    else:
        raise TypeError(
            "`tokenizer` must be a keras.layers.TextVectorization or StringLookup, a KerasHub "
            "tokenizer or preprocessor, a vocabulary (a list of strings, by id), a dict of these "
            "by the names of the inputs, or None. Received: "
            f"tokenizer={validation.format_value(tokenizer)} (of type {type(tokenizer).__name__})"
            + _conversion(tokenizer)
        )
    return adapted if pad_id is None else replace(adapted, pad_id=pad_id, pad_id_from_user=True)


def is_vocabulary_dict(tokenizer: Any) -> bool:
    """True for a dict of words and ids, either way round, rather than of inputs and tokenizers."""
    return isinstance(tokenizer, dict) and any(
        map(validation.is_integer, (*tokenizer.keys(), *tokenizer.values()))
    )


def _conversion(tokenizer: Any) -> str:
    """Returns the end of a message that shows how a dict of words becomes a vocabulary."""
    if not is_vocabulary_dict(tokenizer):
        return ""
    if any(map(validation.is_integer, tokenizer)):
        return ". Pass the words as a list: `[words[i] for i in range(len(words))]`."
    return (
        ". Pass the words as a list, by id: `sorted(index, key=index.get)` where the ids count "
        "from 0. For keras.datasets.imdb and reuters, whose data adds 3 to the ids of their word "
        "index: `['[PAD]', '[START]', '[UNK]', '[UNUSED]', *sorted(index, key=index.get)]`."
    )


def _from_vocabulary(words: list[str]) -> Tokenizer:
    """Returns a tokenizer of a vocabulary, whose special tokens have their usual names."""

    def first_id(names: Sequence[str]) -> int | None:
        return next((words.index(name) for name in names if name in words), None)

    return Tokenizer(
        vocabulary=words,
        pad_id=first_id(("[PAD]", "<pad>", "")),
        unknown_id=first_id(("[UNK]", "<unk>")),
    )
