"""Ids and token strings: what a reader sees, and which ids are padding or unknown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience import checks

TextEncoder = Callable[[Any], Any]


@dataclass(frozen=True)
class Tokens:
    """How ids are read, and how texts become ids where the model does not do that itself.

    Attributes:
        vocabulary: the string of each id, or None: ids are shown as numbers.
        to_ids: texts, (batch,) strings, to ids, (batch, tokens), tensors both; or None.
        pad_id: the id of padding, or None where it is not known.
        unknown_id: the id of words outside the vocabulary, or None.
        longest: how many tokens a text is cut to, and the function that counts them uncut.
        pad_id_is_given: whether the user said what padding is, and so knows better than a mask.
    """

    vocabulary: Sequence[str] | None = None
    to_ids: TextEncoder | None = None
    pad_id: int | None = None
    unknown_id: int | None = None
    longest: tuple[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] | None = None
    pad_id_is_given: bool = False

    @property
    def encode(self) -> TextEncoder | None:
        """Texts (batch,) to ids (batch, tokens), arrays both; or None."""
        to_ids = self.to_ids
        return None if to_ids is None else lambda texts: to_ids(tf.constant(texts)).numpy()

    def strings(self, ids: npt.NDArray[Any]) -> list[str]:
        """The token strings of ids of shape (tokens,)."""
        if self.vocabulary is None:
            return [str(token_id) for token_id in ids.tolist()]
        known = len(self.vocabulary)
        return [
            self.vocabulary[token_id] if 0 <= token_id < known else str(token_id)
            for token_id in ids.astype(int).tolist()
        ]

    def token_id(self, token: str) -> int | None:
        """The id of a token string, or None where the vocabulary does not hold it or is unknown."""
        if self.vocabulary is None or token not in self.vocabulary:
            return None
        return list(self.vocabulary).index(token)

    def warn_of_lost_text(self, texts: npt.NDArray[Any]) -> None:
        """Warns of texts, (batch,), whose end the model never sees."""
        if self.longest is None:
            return
        most, count = self.longest
        lengths = count(texts)
        if (lengths > most).any():
            cut = np.flatnonzero(lengths > most).tolist()
            checks.warn(
                f"The model takes {most} tokens; {checks.listed(cut)} "
                f"{'is' if len(cut) == 1 else 'are'} longer (up to {lengths.max()}). What comes "
                f"after token {most} is cut off by the tokenizer and has no score.",
                checks.TruncatedTextWarning,
            )


def adapt(tokenizer: Any, layers: Sequence[keras.layers.Layer], pad_id: int | None) -> Tokens:
    """Reads a tokenizer, or finds the `TextVectorization` that the model holds.

    Args:
        tokenizer: a `keras.layers.TextVectorization`, a vocabulary (a sequence of strings, by id),
            or None.
        layers: the layers of the explained model.
        pad_id: the user's own padding id, which goes before the tokenizer's.

    Raises:
        TypeError: for another kind of tokenizer.
        ValueError: for a `TextVectorization` that does not give ids, or has no vocabulary.
    """
    if tokenizer is None:
        kind = keras.layers.TextVectorization
        inside = [layer for layer in layers if isinstance(layer, kind)]
        tokens = _from_vectorization(inside[0]) if len(inside) == 1 else Tokens()
    elif isinstance(tokenizer, keras.layers.TextVectorization):
        tokens = _from_vectorization(tokenizer)
    elif (
        isinstance(tokenizer, list | tuple)
        and tokenizer
        and all(isinstance(word, str) for word in tokenizer)
    ):
        tokens = _from_vocabulary(list(tokenizer))
    else:
        raise TypeError(
            "`tokenizer` must be a keras.layers.TextVectorization, a vocabulary (a sequence of "
            f"strings, by id), or None. Received: tokenizer={tokenizer!r} "
            f"(of type {type(tokenizer).__name__})"
        )
    if pad_id is None:
        return tokens
    return replace(tokens, pad_id=pad_id, pad_id_is_given=True)


def _from_vocabulary(words: list[str]) -> Tokens:
    """A plain vocabulary: padding and unknown words are found by their usual names."""

    def position(names: Sequence[str]) -> int | None:
        return next((words.index(name) for name in names if name in words), None)

    return Tokens(
        vocabulary=words,
        pad_id=position(("[PAD]", "<pad>", "")),
        unknown_id=position(("[UNK]", "<unk>")),
    )


def _from_vectorization(layer: keras.layers.TextVectorization) -> Tokens:
    config = layer.get_config()
    if config["output_mode"] != "int":
        raise ValueError(
            "A `TextVectorization` must give token ids to be explained token by token. Received: "
            f"output_mode={config['output_mode']!r}. Use output_mode='int'."
        )
    vocabulary = [str(word) for word in layer.get_vocabulary()]
    if len(vocabulary) <= 2:
        raise ValueError(
            "The `TextVectorization` has no vocabulary. Received: vocabulary="
            f"{vocabulary}. Call its `adapt(texts)` or `set_vocabulary(words)` first."
        )

    def to_ids(texts: Any) -> Any:
        ids = layer(texts)
        return ids.to_tensor() if isinstance(ids, tf.RaggedTensor) else ids

    most = config["output_sequence_length"]
    longest = None
    if most is not None:
        uncut = keras.layers.TextVectorization(
            **{**config, "output_sequence_length": None, "ragged": False, "vocabulary": vocabulary}
        )
        longest = (most, lambda texts: np.count_nonzero(uncut(tf.constant(texts)), axis=1))
    return Tokens(vocabulary, to_ids, pad_id=0, unknown_id=1, longest=longest)
