"""Where in its text each token stands.

Tokenizers give ids and no places, so they are found by reading the tokens along the text. A reading
that does not come out to the letter is given up: no place is better than a wrong one.
"""

import string
import unicodedata
from collections.abc import Callable, Sequence

#: The first character of a token and the one after its last; None where it has no place.
Place = tuple[int, int] | None
#: A token that stands for a word that is not known.
UNKNOWN = object()

_CJK = (("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0002fa1f"))


def of_bytes(text: str, pieces: Sequence[bytes | None]) -> list[Place]:
    """The places of tokens that are bytes of the text, one after the other.

    Args:
        text: the text.
        pieces: (tokens,), the bytes of each token, white space before it included; None for a token
            that is no text.
    """
    for shift in (0, 1):  # some tokenizers put a space in front of the text
        data = b" " * shift + text.encode("utf-8")
        at = 0
        places: list[Place] = []
        for piece in pieces:
            if piece is None:
                places.append(None)
                continue
            if not data.startswith(piece, at):
                break
            blank = len(piece) - len(piece.lstrip())
            start = at + (blank if blank < len(piece) else 0)
            places.append((start - shift, at + len(piece) - shift))
            at += len(piece)
        else:
            return [_characters(text, place) for place in places]
    return [None] * len(pieces)


def _characters(text: str, place: Place) -> Place:
    """Characters for bytes; a token that is a part of a character has all of it."""
    if place is None:
        return None
    data = text.encode("utf-8")
    start = len(data[: max(place[0], 0)].decode("utf-8", errors="ignore"))
    stop = len(data[: place[1]].decode("utf-8", errors="replace"))
    return start, stop


def aligned(
    text: str,
    pieces: Sequence[str | object | None],
    *,
    ends_unknown: Callable[[str], bool] | None,
    skips: str = "",
) -> list[Place]:
    """The places of tokens that are parts of the text but for case, accents and what is skipped.

    Args:
        text: the text.
        pieces: (tokens,), each token's text; `UNKNOWN`; or None for a token that is no text.
        ends_unknown: whether a character ends a word that is not known; None where that cannot be
            told, and no text with such a word is read.
        skips: characters that the tokenizer drops, beside white space.
    """
    letters = _folded(text)
    places: list[Place] = []
    at = 0
    for piece in pieces:
        if piece is None:
            places.append(None)
            continue
        wanted = "" if piece is UNKNOWN else "".join(letter for letter, _ in _folded(str(piece)))
        if not wanted.isspace():
            while at < len(letters) and (
                letters[at][0].isspace()
                or (letters[at][0] in skips and not wanted.startswith(letters[at][0]))
            ):
                at += 1
        start = at
        if piece is UNKNOWN:
            if ends_unknown is None or at == len(letters):
                return [None] * len(pieces)
            at += 1
            if not ends_unknown(letters[start][0]):
                while at < len(letters) and not ends_unknown(letters[at][0]):
                    at += 1
        for letter in wanted:
            while at < len(letters) and letters[at][0] != letter and letters[at][0] in skips:
                at += 1
            if at == len(letters) or letters[at][0] != letter:
                return [None] * len(pieces)
            at += 1
        places.append((letters[start][1], letters[at - 1][1] + 1) if at > start else None)
    return places


def ends_word(letter: str) -> bool:
    """Whether a character is a word of its own to word pieces: space, punctuation, CJK."""
    if letter.isspace() or any(first <= letter <= last for first, last in _CJK):
        return True
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")


def _folded(text: str) -> list[tuple[str, int]]:
    """Letters without case and accents, each with the place of the character it comes from."""
    return [
        (letter, place)
        for place, character in enumerate(text)
        for letter in unicodedata.normalize("NFKD", character).casefold()
        if unicodedata.category(letter) != "Mn"
    ]
