"""Text for terminals and pictures: what would control or break them is shown as an escape."""

import re

#: Control characters (C0, DEL, C1), line and paragraph separators, the controls of the direction
#: of text, lone surrogates, and the two code points that XML does not have.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"
    "\ud800-\udfff\ufffe\uffff]"
)
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: str) -> str:
    r"""Returns the text with a Python escape, such as `\x1b`, for each unprintable character.

    Escape sequences of terminals, line breaks and the controls of the direction of text lose their
    effect and are seen. Letters of all scripts, combining marks and joined emoji stay.
    """
    return _UNPRINTABLE.sub(_escape, text)


def printable_lines(text: str) -> str:
    """Returns the text with each of its lines printable; its line feeds stay."""
    return "\n".join(map(printable, text.split("\n")))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT_ESCAPES.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
