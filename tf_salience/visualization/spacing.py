"""What stands between tokens: a space, but not within a word; the names of segments."""

from collections.abc import Mapping, Sequence


def after(tokens: int, words: Sequence[int] | None) -> list[bool]:
    """Whether a space comes after each of the tokens.

    Args:
        tokens: how many.
        words: (tokens,), the number of the word that each is a piece of, negative for none; or None
            where each is a word by itself.
    """
    if words is None:
        return [True] * tokens
    following = [*words[1:], -1]
    return [one != other or one < 0 for one, other in zip(words, following, strict=True)]


def starts(segments: Mapping[str, slice] | None) -> dict[int, str]:
    """Where the segments start, if there are several that hold tokens."""
    parts = {part.start: name for name, part in (segments or {}).items() if part.start < part.stop}
    return parts if len(parts) > 1 else {}
