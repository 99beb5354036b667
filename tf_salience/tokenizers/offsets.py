"""Offsets: the characters of its text that each token stands for.

Tokenizers return ids without offsets, so the tokens are matched with the text from its start. A
text that does not match exactly gets no offsets: none are better than wrong ones.
"""

import string
import unicodedata
from collections.abc import Callable, Sequence

#: The first character of a token and the one after its last, or None.
Offset = tuple[int, int] | None
#: A token that stands for an unknown word.
UNKNOWN = object()

_CJK = (("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0002fa1f"))


def from_bytes(text: str, tokens: Sequence[bytes | None]) -> list[Offset]:
    """Returns the offsets of tokens that are consecutive bytes of the text.

    Args:
        text: the text.
        tokens: (tokens,), the bytes of each token with the white space before it; None for a token
            that is not text.
    """
    joined = b"".join(token or b"" for token in tokens)
    data = text.encode("utf-8")
    if data.startswith(joined):
        stop = 0
    elif (b" " + data).startswith(joined):  # some tokenizers add a space before the text
        stop = -1
    else:
        return [None] * len(tokens)
    offsets: list[Offset] = []
    for token in tokens:
        if token is None:
            offsets.append(None)
            continue
        stop += len(token)
        offsets.append(_to_characters(data, stop - len(token.lstrip() or token), stop))
    return offsets


def _to_characters(data: bytes, start: int, stop: int) -> Offset:
    """Returns characters for bytes; a token that is part of a character gets the whole of it."""
    before = data[: max(start, 0)].decode("utf-8", errors="ignore")
    return len(before), len(data[:stop].decode("utf-8", errors="replace"))


def from_strings(
    text: str,
    tokens: Sequence[str | object | None],
    *,
    ends_unknown: Callable[[str], bool] | None,
    dropped: str = "",
) -> list[Offset]:
    """Returns the offsets of tokens that are the text except for case, accents and what is dropped.

    Args:
        text: the text.
        tokens: (tokens,), the text of each token; `UNKNOWN`; None for a token that is not text.
        ends_unknown: True for a character that ends an unknown word; None if the tokenizer's rule
            is not known: a text with an unknown word gets no offsets then.
        dropped: the characters that the tokenizer drops besides white space.
    """
    letters, characters = _fold(text)
    offsets: list[Offset] = []
    position = 0
    for token in tokens:
        if token is None:
            offsets.append(None)
            continue
        folded = "" if token is UNKNOWN else _fold(str(token))[0]
        start = _skip_separators(letters, position, folded, dropped)
        stop = (
            _end_of_unknown(letters, start, ends_unknown)
            if token is UNKNOWN
            else _end_of_match(letters, start, folded, dropped)
        )
        if stop is None:
            return [None] * len(tokens)
        offsets.append((characters[start], characters[stop - 1] + 1) if stop > start else None)
        position = stop
    return offsets


def ends_word(letter: str) -> bool:
    """True for a character that is a word by itself to word pieces: space, punctuation, CJK."""
    if letter.isspace() or any(first <= letter <= last for first, last in _CJK):
        return True
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")


def _fold(text: str) -> tuple[str, list[int]]:
    """Returns the letters without case and accents, and the number of each one's character."""
    pairs = [
        (letter, number)
        for number, character in enumerate(text)
        for letter in unicodedata.normalize("NFKD", character).casefold()
        if unicodedata.category(letter) != "Mn"
    ]
    return "".join(letter for letter, _ in pairs), [number for _, number in pairs]


def _skip_separators(letters: str, position: int, token: str, dropped: str) -> int:
    """Returns the position after white space and dropped letters that the token has not."""
    dropped = dropped.replace(token[:1], "")
    while not token.isspace() and position < len(letters):
        if not letters[position].isspace() and letters[position] not in dropped:
            break
        position += 1
    return position


def _end_of_unknown(
    letters: str, start: int, ends_unknown: Callable[[str], bool] | None
) -> int | None:
    """Returns the position after the unknown word at `start`, or None."""
    if ends_unknown is None or start == len(letters):
        return None
    if ends_unknown(letters[start]):
        return start + 1
    rest = range(start + 1, len(letters))
    return next((stop for stop in rest if ends_unknown(letters[stop])), len(letters))


def _end_of_match(letters: str, start: int, token: str, dropped: str) -> int | None:
    """Returns the position after the token at `start`, or None if the letters differ."""
    position = start
    for letter in token:
        while position < len(letters) and letters[position] in dropped.replace(letter, ""):
            position += 1
        if not letters.startswith(letter, position):
            return None
        position += 1
    return position
