"""Rationales: the tokens that a person would point at, from words, positions or characters."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from tf_salience.explanation import TokenSalience
from tf_salience.utils.arrays import Array
from tf_salience.utils.validation import format_value, is_integer

#: Words as the tokens read, positions among the real tokens, or (start, stop) characters.
Rationale = Collection[str | int | tuple[int, int]]


def check(rationales: Any, size: int, *, takes_characters: bool = True) -> list[Rationale]:
    """Checks rationales, one for each example, and copies them.

    Args:
        rationales: as the user passes them.
        size: the number of examples.
        takes_characters: whether pairs of characters are taken.

    Raises:
        TypeError: for a rationale of another kind.
        ValueError: for another number of rationales than of examples.
    """
    checked: list[Rationale] = []
    for rationale in rationales:
        if isinstance(rationale, str) or not isinstance(rationale, Iterable):
            raise _kind_error(rationale, takes_characters)
        items = [_checked(item, takes_characters) for item in rationale]
        if None in items:
            raise _kind_error(rationale, takes_characters)
        checked.append(frozenset(items))
    if len(checked) != size:
        raise ValueError(
            f"`rationales` must hold one rationale for each of the {size} examples. "
            f"Received: {len(checked)}"
        )
    return checked


def mask_of(rationale: Rationale, tokens: Sequence[str]) -> Array:
    """Returns which tokens a rationale of words and positions names, (tokens,)."""
    return np.array(
        [token in rationale or position in rationale for position, token in enumerate(tokens)],
        bool,
    )


def mask_in(rationale: Rationale, salience: TokenSalience, example: int) -> Array:
    """Returns which tokens of an explanation a rationale names, (tokens,).

    A token is named by characters where the two share one.

    Args:
        rationale: words, positions or characters.
        salience: the explanation of the text.
        example: the number of the example, for messages.

    Raises:
        ValueError: for positions or characters outside the text; for characters where the
            explanation has no offsets.
    """
    tokens, offsets = salience.tokens, salience.offsets
    spans = [item for item in rationale if isinstance(item, tuple)]
    outside = [item for item in rationale if isinstance(item, int) and not 0 <= item < len(tokens)]
    if outside:
        raise ValueError(
            f"`rationales` must name positions among the {len(tokens)} tokens of example {example}."
            f" Received: position {outside[0]}"
        )
    mask = mask_of(rationale, tokens)
    if not spans:
        return mask
    if offsets is None or not any(offsets):
        raise ValueError(
            "`rationales` of characters need texts, whose tokens' offsets are known. Received: "
            f"{format_value(spans[0])} for example {example}, without offsets. Pass positions of "
            "tokens."
        )
    end = max(offset[1] for offset in offsets if offset is not None)
    for start, stop in spans:
        touched = np.array([o is not None and o[0] < stop and start < o[1] for o in offsets])
        if not 0 <= start < stop or not touched.any():
            raise ValueError(
                f"`rationales` must be characters of the text of example {example}, with tokens "
                f"from 0 to {end}. Received: ({start}, {stop})"
            )
        mask |= touched
    return mask


def _checked(item: Any, takes_characters: bool) -> Any:
    """Returns a word, a position or a pair of characters; None for anything else."""
    if isinstance(item, str):
        return item
    if is_integer(item):
        return int(item)
    is_pair = isinstance(item, tuple | list) and len(item) == 2 and all(map(is_integer, item))
    return (int(item[0]), int(item[1])) if is_pair and takes_characters else None


def _kind_error(rationale: Any, takes_characters: bool) -> TypeError:
    kinds = "a list of words or of positions among its tokens"
    if takes_characters:
        kinds = "a list of words, of positions among its tokens, or of (start, stop) characters"
    return TypeError(
        f"`rationales` must hold, for each example, {kinds}. "
        f"Received: {format_value(rationale)} (of type {type(rationale).__name__})"
    )
