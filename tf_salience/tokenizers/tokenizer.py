"""`Tokenizer`: token ids to strings, and texts to ids."""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.tokenizers import offsets, packing, subwords
from tf_salience.tokenizers.preprocessors import TextPreprocessor

#: The word number of a token that is not part of a word: `[CLS]`.
NO_WORD = -1


@dataclass(frozen=True)
class Tokenizer:
    """Token ids to strings, and texts to ids where the model does not take texts.

    Attributes:
        vocabulary: the token of each id, or None: ids are shown as numbers.
        to_ids: tensors of texts, (batch,), to ids, (batch, tokens), or None.
        words_to_ids: tensors of words, (batch, tokens), to their ids, for a tokenizer that does not
            split texts; or None.
        preprocess: texts to all inputs of the model, by its own preprocessor, or None.
        read_subword: a token to the `Subword` that is shown, or None if tokens are words.
        special_ids: the ids of special tokens, which are not text: `[CLS]`.
        pad_id: the id of padding, or None if unknown.
        unknown_id: the id of words outside the vocabulary, or None.
        truncation: the number of tokens that texts are truncated to, and a function that counts
            their tokens before that, (batch,) to (batch,); or None.
        pad_id_from_user: True if the user has passed `pad_id`, which then overrides masks.
    """

    vocabulary: Sequence[str] | None = None
    to_ids: Callable[[Any], Any] | None = None
    words_to_ids: Callable[[Any], Any] | None = None
    preprocess: TextPreprocessor | None = None
    read_subword: subwords.ReadSubword | None = None
    special_ids: frozenset[int] = frozenset()
    pad_id: int | None = None
    unknown_id: int | None = None
    truncation: tuple[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] | None = None
    pad_id_from_user: bool = False

    @property
    def takes_texts(self) -> bool:
        """True if texts, or their words, can be encoded."""
        return self.to_ids is not None or self.words_to_ids is not None

    def encode(self, texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the ids of texts, (batch,), or of their words, (batch, tokens).

        Raises:
            ValueError: for whole texts where the tokenizer does not split them.
        """
        if self.to_ids is not None:
            return np.asarray(self.to_ids(tf.constant(texts)))
        if self.words_to_ids is None or texts.ndim != 2:
            raise ValueError(
                "The `tokenizer` looks words up and does not split texts. Received: texts of shape "
                f"{texts.shape}. Pass the words of each text, (batch, tokens), as in training: "
                "`[text.split() for text in texts]`."
            )
        return np.asarray(self.words_to_ids(tf.constant(texts)))

    @cached_property
    def _subwords(self) -> dict[int, subwords.Subword]:
        """The token of each id as it is shown; empty without a vocabulary."""
        read = self.read_subword or (lambda token: subwords.Subword(token, True))
        return {
            token_id: subwords.Subword(token, True) if token_id in self.special_ids else read(token)
            for token_id, token in enumerate(self.vocabulary or ())
        }

    @property
    def strings(self) -> list[str]:
        """The string of each id as it is shown; empty without a vocabulary."""
        return [subword.text for subword in self._subwords.values()]

    def token_strings(self, ids: npt.NDArray[Any]) -> tuple[list[str], list[int]]:
        """Returns the strings of ids, (tokens,), and the number of each one's word.

        `NO_WORD` is the number of special tokens, where tokens are subwords.
        """
        tokens = [
            self._subwords.get(token_id) or subwords.Subword(str(token_id), True)
            for token_id in ids.astype(int).tolist()
        ]
        words = list(range(len(tokens)))
        if self.read_subword is not None:
            special = np.isin(ids, list(self.special_ids))
            # After a special token a word starts, even if the tokenizer has not marked it.
            starts = np.array([token.starts_word for token in tokens], bool)
            starts |= np.concatenate([[True], special[:-1]])[: len(starts)]
            numbers = np.cumsum(starts & ~special) - 1
            words = np.where(special, NO_WORD, numbers).tolist()
        return [token.text for token in tokens], words

    def word_numbers(self, ids: Any, mask: Any) -> Any:
        """Numbers the words of ids, as `token_strings` does, in TensorFlow operations.

        Args:
            ids: (batch, tokens), integers.
            mask: (batch, tokens), true for real tokens.

        Returns:
            (batch, tokens), int32: the number of each token's word, from 0; a special token is a
            word of its own, and padding has -1.
        """
        starts = mask
        if self.read_subword is not None:
            table = tf.constant([subword.starts_word for subword in self._subwords.values()])
            special = tf.reduce_any(tf.equal(ids[:, :, None], list(self.special_ids)), axis=2)
            ends = special | ~mask
            after_end = tf.concat([tf.ones_like(ends[:, :1]), ends[:, :-1]], axis=1)
            starts = mask & (tf.gather(table, ids) | special | after_end)
        return tf.where(mask, tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1, -1)

    def offsets_of(self, text: str, ids: npt.NDArray[Any]) -> list[offsets.Offset]:
        """Returns the characters of the text that each id, (tokens,), stands for.

        Args:
            text: the text.
            ids: (tokens,), the ids of its tokens.

        Returns:
            (tokens,), the first character and the one after the last, or None.
        """
        token_ids = ids.tolist()
        if self.read_subword is subwords.byte_pair:
            return offsets.from_bytes(text, [self._bytes_of(token_id) for token_id in token_ids])
        tokens = [self._text_of(token_id) for token_id in token_ids]
        if self.read_subword is None:  # words, of which TextVectorization drops the punctuation
            return offsets.from_strings(
                text, tokens, ends_unknown=str.isspace, dropped=string.punctuation
            )
        ends_unknown = None if self.read_subword is subwords.sentence_piece else offsets.ends_word
        return offsets.from_strings(text, tokens, ends_unknown=ends_unknown)

    def _is_text(self, token_id: int) -> bool:
        return 0 <= token_id < len(self._subwords) and token_id not in self.special_ids

    def _bytes_of(self, token_id: int) -> bytes | None:
        if self.vocabulary is None or not self._is_text(token_id):
            return None
        return subwords.bytes_of(self.vocabulary[token_id])

    def _text_of(self, token_id: int) -> str | object | None:
        if not self._is_text(token_id):
            return None
        if token_id == self.unknown_id:
            return offsets.UNKNOWN
        return self._subwords[token_id].text.replace("␣", "")

    def detokenize(self, ids: npt.NDArray[Any]) -> str:
        """Returns ids, (tokens,), as running text, with the subwords of a word joined."""
        strings, words = self.token_strings(ids)
        parts = [
            string if word == previous != NO_WORD else f" {string}"
            for string, word, previous in zip(strings, words, [NO_WORD, *words], strict=False)
        ]
        return "".join(parts)[1:]

    def encode_text(self, text: str) -> list[int]:
        """Returns the ids of a text; empty if texts cannot be encoded."""
        token_id = self.token_id(text)
        if token_id is not None:
            return [token_id]
        return [] if self.to_ids is None else self.encode(np.array([text], object))[0].tolist()

    def token_id(self, token: str) -> int | None:
        """Returns the id of a token, or None if it is not in the vocabulary."""
        if self.vocabulary is None or token not in self.vocabulary:
            return None
        return list(self.vocabulary).index(token)

    def warn_of_truncation(self, texts: npt.NDArray[Any]) -> None:
        """Warns of texts, (batch,), that are longer than the model takes."""
        if self.truncation is not None:
            limit, count_tokens = self.truncation
            packing.warn_of_truncation(count_tokens(texts), limit)
