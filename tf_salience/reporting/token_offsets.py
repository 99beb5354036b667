"""Where the tokens of a report stand in its texts."""

import string
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from tf_salience.reporting.run_texts import SEPARATOR, joined
from tf_salience.reporting.runs import Offset, Run
from tf_salience.reporting.spelling import UNREADABLE, folded
from tf_salience.tokenizers import offsets as text_offsets
from tf_salience.utils.validation import format_value


def utf16_offsets(run: Run, texts: list[list[str]]) -> list[list[Offset]] | None:
    """Returns by example the offsets of its tokens in `joined` texts, in UTF-16 code units.

    Offsets that the explanation lacks are found by matching its tokens with the text, if all of
    them fit.

    Args:
        run: the run.
        texts: by example a text for each segment.

    Returns:
        None where no token has any.

    Raises:
        ValueError: for a text that is not the one of the offsets.
    """
    rows = [_in_characters(run, example, parts) for example, parts in enumerate(texts)]
    if all(offset is None for row in rows for offset in row):
        return None
    return [to_utf16(joined(parts), row) for parts, row in zip(texts, rows, strict=True)]


def _in_characters(run: Run, example: int, parts: list[str]) -> list[Offset]:
    """Returns the offsets of an example's tokens in its joined text, in characters."""
    tokens = run.tokens[example]
    segments = run.segments[example] or [("", 0, len(tokens))]
    if len(segments) != len(parts):
        return [None] * len(tokens)
    special = run.special(example)
    row: list[Offset] = []
    before = 0
    for text, (_, start, stop) in zip(parts, segments, strict=True):
        if run.offsets is None:
            offsets = matched(text, tokens[start:stop], special[start:stop])
        else:
            offsets = run.offsets[example][start:stop]
        furthest = max((offset[1] for offset in offsets if offset is not None), default=0)
        if furthest > len(text):
            raise ValueError(
                "`texts` must be the texts that were explained. Received: for example "
                f"{example} {format_value(text)}, of {len(text)} characters, where a token ends "
                f"at character {furthest}"
            )
        if run.offsets is not None and _is_other_text(text, tokens[start:stop], offsets):
            raise ValueError(
                "`texts` must be the texts that were explained, in their order. Received: for "
                f"example {example} {format_value(text)}, whose tokens are "
                f"{format_value(tokens[start:stop])}"
            )
        row += [offset and (offset[0] + before, offset[1] + before) for offset in offsets]
        before += len(text) + len(SEPARATOR)
    return row + [None] * (len(tokens) - len(row))


def _is_other_text(text: str, tokens: Sequence[str], offsets: Sequence[Offset]) -> bool:
    """True if most tokens have other letters than the text where they stand."""
    differ = [
        folded(token) != folded(text[slice(*offset)])
        for token, offset in zip(tokens, offsets, strict=True)
        if offset is not None and not UNREADABLE.search(token)
    ]
    return 2 * sum(differ) > len(differ)


def matched(text: str, tokens: Sequence[str], special: Sequence[bool]) -> list[Offset]:
    """Returns the offsets of tokens that are the text, except for case, accents, punctuation."""
    pieces: list[Any] = [
        None if is_special else text_offsets.UNKNOWN if UNREADABLE.fullmatch(token) else token
        for token, is_special in zip(tokens, special, strict=True)
    ]
    whole = text_offsets.from_strings(text, pieces, ends_unknown=None)
    if any(offset is not None for offset in whole):
        return whole
    # A tokenizer that strips punctuation and splits at spaces, as TextVectorization does.
    return text_offsets.from_strings(
        text, pieces, ends_unknown=str.isspace, dropped=string.punctuation
    )


def to_utf16(text: str, offsets: Sequence[Offset]) -> list[Offset]:
    """Converts offsets in characters to offsets in UTF-16 code units, which JavaScript counts."""
    wide = [place for place, character in enumerate(text) if character > "\uffff"]
    if not wide:
        return list(offsets)
    return [
        offset
        and (offset[0] + bisect_left(wide, offset[0]), offset[1] + bisect_left(wide, offset[1]))
        for offset in offsets
    ]
