"""Where there is a space between tokens: not between pieces of one word."""

from collections.abc import Sequence


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
