"""Segment labels before tokens and spaces after them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from tf_salience.utils.text import printable


def token_spacing(
    token_count: int, segments: Mapping[str, slice] | None, words: Sequence[int] | None
) -> list[tuple[str, str, bool]]:
    """Returns the text around each token.

    Args:
        token_count: the number of tokens.
        segments: slices of the tokens by name; they are labelled if several of them hold tokens.
        words: (tokens,), the index of each token's word, negative for special tokens; or None if
            each token is a word.

    Returns:
        For each token the label before it, "[name] " or empty; the space after it, which is empty
        before another token of the same word; and true for special tokens.
    """
    starts = {part.start: name for name, part in (segments or {}).items() if part.start < part.stop}
    labels = (
        {start: f"[{printable(name)}] " for start, name in starts.items()}
        if len(starts) > 1
        else {}
    )
    words = range(token_count) if words is None else words
    return [
        (labels.get(index, ""), " " if word != next_word or word < 0 else "", word < 0)
        for index, (word, next_word) in enumerate(pairwise([*words, -1]))
    ]
