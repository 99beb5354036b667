"""Pieces of words as a person reads them: `##ing`, `▁soup` and `Ġsoup` are `ing` and `soup`."""

from collections.abc import Callable
from dataclasses import dataclass

#: The mark that sentence pieces have for a space.
_SPACE = "\u2581"
#: What cannot be seen, and what is shown in its stead.
_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥"})


@dataclass(frozen=True)
class Piece:
    """One token as it is read.

    Attributes:
        text: without the marks of its tokenizer.
        starts: whether a word starts with it.
    """

    text: str
    starts: bool


ReadPiece = Callable[[str], Piece]


def word_piece(suffix: str) -> ReadPiece:
    """Reads word pieces (Schuster and Nakajima 2012), whose later pieces are marked.

    Args:
        suffix: the mark of a piece that goes on with a word, `##`.
    """

    def read(token: str) -> Piece:
        goes_on = token.startswith(suffix) and len(token) > len(suffix)
        return Piece(token[len(suffix) :] if goes_on else token, not goes_on)

    return read


def sentence_piece(token: str) -> Piece:
    """Reads a sentence piece (Kudo and Richardson 2018), which holds the space before a word."""
    return _spaced(token.replace(_SPACE, " "))


def bytes_of(token: str) -> bytes | None:
    """The bytes of a byte-level token; None for one of other letters."""
    known = set(token) <= _BYTES.keys()
    return bytes(_BYTES[letter] for letter in token) if known else None


def byte_pair(token: str) -> Piece:
    """Reads a token of byte-level byte pairs (Radford et al. 2019), a letter for each byte.

    Bytes that are no whole character, a part of an emoji say, are shown as `<0xF0>`.
    """
    data = bytes_of(token)
    if data is None:
        return Piece(token, True)
    try:
        return _spaced(data.decode("utf-8"))
    except UnicodeDecodeError:
        return Piece("".join(f"<0x{byte:02X}>" for byte in data), data[:1] == b" ")


def _spaced(text: str) -> Piece:
    """A token that holds the white space before it."""
    shown = text.lstrip(" ") or text
    return Piece(shown.translate(_VISIBLE), text[:1].isspace())


def _letters_of_bytes() -> dict[str, int]:
    """The printable letters that GPT-2's vocabulary has for the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(256 + number): byte for number, byte in enumerate(others)}


_BYTES = _letters_of_bytes()
