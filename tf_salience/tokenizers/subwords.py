"""Subwords as a reader sees them: `##ing`, `▁soup` and `Ġsoup` are `ing`, `soup` and `soup`."""

from collections.abc import Callable
from dataclasses import dataclass

#: The character that stands for a space in sentence pieces.
_SENTENCE_PIECE_SPACE = "\u2581"
#: Visible characters that are shown instead of white space.
_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥"})


@dataclass(frozen=True)
class Subword:
    """A token as it is shown.

    Attributes:
        text: the token without its tokenizer's marks.
        starts_word: True if a word starts with it.
    """

    text: str
    starts_word: bool


ReadSubword = Callable[[str], Subword]


def word_piece(suffix_indicator: str) -> ReadSubword:
    """Returns a reader of word pieces (Schuster and Nakajima 2012).

    Args:
        suffix_indicator: the mark of a piece that continues a word, `##`.
    """

    def read(token: str) -> Subword:
        continues = token.startswith(suffix_indicator) and len(token) > len(suffix_indicator)
        return Subword(token[len(suffix_indicator) :] if continues else token, not continues)

    return read


def sentence_piece(token: str) -> Subword:
    """Reads a sentence piece (Kudo and Richardson 2018), which holds the space before a word."""
    return _without_leading_spaces(token.replace(_SENTENCE_PIECE_SPACE, " "))


def byte_pair(token: str) -> Subword:
    """Reads a token of byte-level byte pair encoding (Radford et al. 2019).

    Bytes that are not a whole character, a part of an emoji for instance, are shown as `<0xF0>`.
    """
    data = bytes_of(token)
    if data is None:
        return Subword(token, True)
    try:
        return _without_leading_spaces(data.decode("utf-8"))
    except UnicodeDecodeError:
        return Subword("".join(f"<0x{byte:02X}>" for byte in data), data[:1] == b" ")


def bytes_of(token: str) -> bytes | None:
    """Returns the bytes of a byte-level token, or None for a token of other characters."""
    if not set(token) <= _BYTE_OF_CHARACTER.keys():
        return None
    return bytes(_BYTE_OF_CHARACTER[character] for character in token)


def _without_leading_spaces(text: str) -> Subword:
    visible = text.lstrip(" ") or text
    return Subword(visible.translate(_VISIBLE), text[:1].isspace())


def _byte_of_character() -> dict[str, int]:
    """Returns the byte of each character that stands for one in GPT-2's vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    unprintable = [byte for byte in range(256) if byte not in printable]
    characters = {chr(byte): byte for byte in printable}
    return characters | {chr(256 + number): byte for number, byte in enumerate(unprintable)}


_BYTE_OF_CHARACTER = _byte_of_character()
