"""Letters of tokens and texts, as they are compared: without case, accents and punctuation."""

import re
import unicodedata

#: Unknown words, and bytes of characters.
UNREADABLE = re.compile(r"\[UNK\]|<unk>|<OOV>|<0x[0-9A-F]{2}>|�")


def folded(text: str) -> str:
    """Returns the letters and digits of a text, without case and accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in plain if character.isalnum())
