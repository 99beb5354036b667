"""`Tokenizer`: how ids are read, and how texts become ids."""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.tokenizers import offsets
from tf_salience.tokenizers.preprocessors import Packer
from tf_salience.tokenizers.subwords import Piece, ReadPiece, byte_pair, bytes_of, sentence_piece
from tf_salience.tokenizers.truncation import warn_of_lost_text

TextEncoder = Callable[[Any], Any]
#: The word of a token that belongs to none: `[CLS]`.
NO_WORD = -1


@dataclass(frozen=True)
class TokenStrings:
    """Tokens as they are read.

    Attributes:
        strings: (tokens,).
        words: (tokens,), the number of the word that each is a piece of, `NO_WORD` for special
            tokens; or None where a token is a word by itself.
    """

    strings: list[str]
    words: list[int] | None


@dataclass(frozen=True)
class Tokenizer:
    """How ids are read, and how texts become ids where the model does not do that itself.

    Attributes:
        vocabulary: the string of each id, or None: ids are shown as numbers.
        to_ids: texts, (batch,) strings, to ids, (batch, tokens), tensors both; or None.
        pack: texts to all that the model takes, by its own preprocessor; or None.
        read_piece: how a token string is read where tokens are pieces of words; or None.
        special_ids: the ids of tokens that mark a place and are no text: `[CLS]`.
        pad_id: the id of padding, or None where it is not known.
        unknown_id: the id of words outside the vocabulary, or None.
        longest: how many tokens a text is cut to, and the function that counts them uncut.
        pad_id_is_given: whether the user said what padding is, and so knows better than a mask.
    """

    vocabulary: Sequence[str] | None = None
    to_ids: TextEncoder | None = None
    preprocess: Packer | None = None
    read_subword: ReadPiece | None = None
    special_ids: frozenset[int] = frozenset()
    pad_id: int | None = None
    unknown_id: int | None = None
    truncation: tuple[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] | None = None
    pad_id_from_user: bool = False

    @property
    def encode(self) -> TextEncoder | None:
        """Texts (batch,) to ids (batch, tokens), arrays both; or None."""
        to_ids = self.to_ids
        return None if to_ids is None else lambda texts: to_ids(tf.constant(texts)).numpy()

    @cached_property
    def _pieces(self) -> list[Piece]:
        read = self.read_subword or (lambda token: Piece(token, True))
        return [
            Piece(token, True) if number in self.special_ids else read(token)
            for number, token in enumerate(self.vocabulary or ())
        ]

    @property
    def strings(self) -> list[str]:
        """The string of each id as it is read; empty where no vocabulary is known."""
        return [piece.text for piece in self._pieces]

    def token_strings(self, ids: npt.NDArray[Any]) -> TokenStrings:
        """How ids of shape (tokens,) are read."""
        known = self._pieces
        pieces = [
            known[token_id] if 0 <= token_id < len(known) else Piece(str(token_id), True)
            for token_id in ids.astype(int).tolist()
        ]
        words = None
        if self.read_subword is not None:
            special = np.isin(ids, list(self.special_ids))
            # After a special token a word starts, whatever it is marked with.
            starts = np.array([piece.starts for piece in pieces], bool)
            starts |= np.concatenate([[True], special[:-1]])[: len(starts)]
            numbers = np.cumsum(starts & ~special) - 1
            words = np.where(special, NO_WORD, numbers).tolist()
        return TokenStrings([piece.text for piece in pieces], words)

    def offsets_of(self, text: str, ids: npt.NDArray[Any]) -> list[offsets.Place]:
        """Where in a text its tokens, ids of shape (tokens,), stand, or None."""
        special = np.isin(ids, list(self.special_ids)).tolist()
        words = [
            None if is_special or not 0 <= number < len(self._pieces) else number
            for number, is_special in zip(ids.tolist(), special, strict=True)
        ]
        if self.read_subword is byte_pair:
            known = self.vocabulary or ()
            data = [None if number is None else bytes_of(known[number]) for number in words]
            return offsets.of_bytes(text, data)
        pieces = [None if number is None else self._piece_in_text(number) for number in words]
        if self.read_subword is None:  # whole words, of which TextVectorization drops punctuation
            return offsets.aligned(text, pieces, ends_unknown=str.isspace, skips=string.punctuation)
        by_words = None if self.read_subword is sentence_piece else offsets.ends_word
        return offsets.aligned(text, pieces, ends_unknown=by_words)

    def _piece_in_text(self, number: int) -> str | object:
        if number == self.unknown_id:
            return offsets.UNKNOWN
        return self._pieces[number].text.replace("␣", "")

    def detokenize(self, ids: npt.NDArray[Any]) -> str:
        """Ids of shape (tokens,) as running text, pieces put together."""
        token_strings = self.token_strings(ids)
        words = token_strings.words or list(range(len(token_strings.strings)))
        parts: list[str] = []
        for number, text in enumerate(token_strings.strings):
            goes_on = number > 0 and words[number] == words[number - 1] != NO_WORD
            parts.append(text if goes_on or not parts else f" {text}")
        return "".join(parts)

    def encode_text(self, text: str) -> list[int]:
        """The ids of a text; none where it cannot be told."""
        known = self.token_id(text)
        if known is not None:
            return [known]
        return [] if self.encode is None else self.encode(np.array([text], object))[0].tolist()

    def token_id(self, token: str) -> int | None:
        """The id of a token string, or None where the vocabulary does not hold it or is unknown."""
        if self.vocabulary is None or token not in self.vocabulary:
            return None
        return list(self.vocabulary).index(token)

    def warn_of_lost_text(self, texts: npt.NDArray[Any]) -> None:
        """Warns of texts, (batch,), whose end the model never sees."""
        if self.truncation is None:
            return
        most, count = self.truncation
        warn_of_lost_text(count(texts), most)
