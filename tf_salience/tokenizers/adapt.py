"""`adapt`: from what a user passes as `tokenizer` to `Tokenizer`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from tf_salience.tokenizers.keras_hub import from_keras_hub, is_tokenizer
from tf_salience.tokenizers.text_vectorization import from_text_vectorization
from tf_salience.tokenizers.tokenizer import Tokenizer


def adapt(
    tokenizer: Any, model: Any, layers: Sequence[keras.layers.Layer], pad_id: Any
) -> Tokenizer:
    """Returns a tokenizer from what a user passes, or the model's own.

    Args:
        tokenizer: a `keras.layers.TextVectorization`, a KerasHub tokenizer or preprocessor, a
            vocabulary (a sequence of strings, by id), or None.
        model: the explained model; a KerasHub task has its preprocessor with it.
        layers: its layers.
        pad_id: the padding id that the user passes, used before the tokenizer's; or None.

    Raises:
        TypeError: for another kind of tokenizer.
        ValueError: for a `TextVectorization` that does not return ids, or has no vocabulary.
    """
    if tokenizer is None:
        tokenizer = _of_model(model, layers)
    if tokenizer is None:
        adapted = Tokenizer()
    elif isinstance(tokenizer, keras.layers.TextVectorization):
        adapted = from_text_vectorization(tokenizer)
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
            "`tokenizer` must be a keras.layers.TextVectorization, a KerasHub tokenizer or "
            "preprocessor, a vocabulary (a sequence of strings, by id), or None. "
            f"Received: tokenizer={tokenizer!r} (of type {type(tokenizer).__name__})"
        )
    return adapted if pad_id is None else replace(adapted, pad_id=pad_id, pad_id_from_user=True)


def _of_model(model: Any, layers: Sequence[keras.layers.Layer]) -> Any:
    """Returns the preprocessor of a KerasHub task, or a model's only `TextVectorization`."""
    preprocessor = getattr(model, "preprocessor", None)
    if is_tokenizer(preprocessor):
        return preprocessor
    vectorizers = [layer for layer in layers if isinstance(layer, keras.layers.TextVectorization)]
    return vectorizers[0] if len(vectorizers) == 1 else None


def _from_vocabulary(words: list[str]) -> Tokenizer:
    """Returns a tokenizer of a vocabulary, whose special tokens have their usual names."""

    def first_id(names: Sequence[str]) -> int | None:
        return next((words.index(name) for name in names if name in words), None)

    return Tokenizer(
        vocabulary=words,
        pad_id=first_id(("[PAD]", "<pad>", "")),
        unknown_id=first_id(("[UNK]", "<unk>")),
    )
