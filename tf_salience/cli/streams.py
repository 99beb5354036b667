"""Standard output and error that take any text: an encoding without a sign is given ASCII."""

import codecs
import io
import sys

_ASCII_SIGNS = {"·": "|", "−": "-", "–": "-", "×": "x", "“": '"', "”": '"', "’": "'", "…": "..."}
_ERRORS = "tf_salience.ascii"


def accept_any_text() -> None:
    """Lets standard output and error write what their encoding lacks: `|` for `·`, else escapes."""
    codecs.register_error(_ERRORS, _to_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _to_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    signs = [_ASCII_SIGNS.get(character, character) for character in characters]
    return "".join(signs).encode("ascii", "backslashreplace").decode("ascii"), error.end
