"""Texts of a report: what the examples were, where the tokens stand, whether runs have the same."""

import re
import string
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_salience.reporting.runs import Offset, Run
from tf_salience.tokenizers import offsets as text_offsets
from tf_salience.utils.validation import format_value

#: Between the texts of several segments.
_SEPARATOR = "\n"
#: The share of the three-letter strings that two spellings of one text have in common, at least.
_SAME_SHARE = 0.6
#: Unknown words, and bytes of characters.
_UNREADABLE = re.compile(r"\[UNK\]|<unk>|<OOV>|<0x[0-9A-F]{2}>|�")


def texts_of(passed: Any, runs: Sequence[Run]) -> list[list[str]] | None:
    """Returns the texts of each example, one for each column of texts; None where unknown.

    Args:
        passed: a list of texts; a tuple or a dict of lists, by segment; or None: the columns that
            a folder has kept.
        runs: all runs.

    Raises:
        TypeError: for anything else.
        ValueError: for another number of texts than examples.
    """
    if passed is None:
        kept = next(filter(None, map(_kept_texts, runs)), None)
        if kept is None:
            return None
        columns = kept
    elif isinstance(passed, tuple | Mapping):
        lists = passed.values() if isinstance(passed, Mapping) else passed
        columns = [aligned("texts", column, runs) for column in lists]
    else:
        columns = [aligned("texts", passed, runs)]
    rows = zip(*columns, strict=True)
    return [[_string(text, example) for text in row] for example, row in enumerate(rows)]


def _string(text: Any, example: int) -> str:
    """Returns a text; TensorFlow's strings are bytes."""
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise TypeError(
            f"`texts` must hold strings. Received: {format_value(text)} (of type "
            f"{type(text).__name__}) for example {example}"
        )
    return text


def _kept_texts(run: Run) -> list[list[str]] | None:
    """Returns the columns of texts that the job of a folder has read and kept."""
    inputs = run.config.get("columns", {}).get("inputs")
    names = [inputs] if isinstance(inputs, str) else list(inputs or ())
    if not names or not all(name in run.columns for name in names):
        return None
    columns = [run.columns[name] for name in names]
    return columns if all(isinstance(v, str) for column in columns for v in column) else None


def aligned(name: str, values: Any, runs: Sequence[Run]) -> list[Any]:
    """Returns the values of the examples of a report, (batch,).

    Args:
        name: of the argument, for messages.
        values: a list or array, of all examples or of those that a limit has left; of a folder
            also of all rows of its source, those included that could not be explained. A string is
            the name of a column that a folder has kept.
        runs: all runs.

    Raises:
        TypeError: for something without a length.
        ValueError: for another number of values than examples, or a column that there is not.
    """
    count = len(runs[0])
    if isinstance(values, str):
        columns = next((run.columns for run in runs if values in run.columns), None)
        if columns is None:
            kept = sorted({column for run in runs for column in run.columns})
            raise ValueError(
                f"`{name}` as a string must be a column that `explain_dataset` has kept, "
                f"{format_value(kept)}. Received: {name}={format_value(values)}. Pass a list with "
                "one value for each example."
            )
        return columns[values]
    if not hasattr(values, "__len__") or isinstance(values, bytes | Mapping):
        raise TypeError(
            f"`{name}` must be a list with one value for each example. Received: "
            f"{format_value(values)} (of type {type(values).__name__})"
        )
    plain = np.asarray(values).tolist() if hasattr(values, "__array__") else list(values)
    if len(plain) in (count, *(run.total for run in runs)):
        return plain[:count]
    for run in runs:
        if run.row_numbers is not None and len(plain) == run.source_rows:
            return [plain[row] for row in run.row_numbers.tolist()]
    raise ValueError(
        f"`{name}` must have one value for each example. Received: {len(plain):,} for "
        f"{runs[0].total:,} examples"
    )


def joined(texts: Sequence[str]) -> str:
    """Returns the text of an example: those of its segments, a line each."""
    return _SEPARATOR.join(texts)


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
        before += len(text) + len(_SEPARATOR)
    return row + [None] * (len(tokens) - len(row))


def _is_other_text(text: str, tokens: Sequence[str], offsets: Sequence[Offset]) -> bool:
    """True if most tokens have other letters than the text where they stand."""
    differ = [
        _folded(token) != _folded(text[slice(*offset)])
        for token, offset in zip(tokens, offsets, strict=True)
        if offset is not None and not _UNREADABLE.search(token)
    ]
    return 2 * sum(differ) > len(differ)


def matched(text: str, tokens: Sequence[str], special: Sequence[bool]) -> list[Offset]:
    """Returns the offsets of tokens that are the text, except for case, accents, punctuation."""
    pieces: list[Any] = [
        None if is_special else text_offsets.UNKNOWN if _UNREADABLE.fullmatch(token) else token
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


def check_same(runs: Sequence[Run]) -> None:
    """Raises a ValueError unless all runs are of the same texts, which it names where they differ.

    The tokens are compared where they agree; else the letters of the texts, as far as the tokens
    have them: two tokenizers cut and spell a text in different ways, and may drop a part of it.
    """
    first = runs[0]
    for run in runs[1:]:
        if len(run) != len(first):
            raise ValueError(
                "The runs of a report must be of the same texts. Received: "
                f"{len(first):,} examples in {format_value(first.name)} and {len(run):,} in "
                f"{format_value(run.name)}. Explain the same texts, or write a report of each."
            )
        own, other = _kept_texts(first), _kept_texts(run)
        agreeing = sum(map(list.__eq__, first.tokens, run.tokens))
        is_one_tokenizer = 2 * agreeing >= len(run)
        for example in range(len(run)):
            if own is not None and other is not None:
                agree = [c[example] for c in own] == [c[example] for c in other]
            else:
                agree = _may_be_same(first, run, example, is_strict=is_one_tokenizer)
            if not agree:
                raise ValueError(
                    "The runs of a report must be of the same texts, in the same order. Received: "
                    f"example {example} of {format_value(first.name)} is "
                    f"{format_value(' '.join(first.tokens[example]))}, and of "
                    f"{format_value(run.name)} {format_value(' '.join(run.tokens[example]))}."
                )


def _may_be_same(first: Run, second: Run, example: int, *, is_strict: bool) -> bool:
    """True if the tokens of two runs may be those of one text.

    Args:
        first: a run.
        second: another run.
        example: the number of the example.
        is_strict: whether all letters must be the same; else most of them.
    """
    if first.tokens[example] == second.tokens[example]:
        return True
    letters, others = _letters(first, example), _letters(second, example)
    if letters is None or others is None:
        return True  # the text has unknown words
    # One of the models may cut long texts.
    may_be_cut = letters.startswith(others) or others.startswith(letters)
    if may_be_cut and bool(letters) == bool(others):
        return True
    shared = _trigrams(letters) & _trigrams(others)
    fewer = min(len(_trigrams(letters)), len(_trigrams(others)))
    return not is_strict and len(shared) > _SAME_SHARE * fewer


def _trigrams(letters: str) -> set[str]:
    return {letters[start : start + 3] for start in range(len(letters) - 2)}


def _letters(run: Run, example: int) -> str | None:
    """Returns the letters and digits of an example's tokens, folded; None for unknown words."""
    pairs = zip(run.tokens[example], run.special(example), strict=True)
    text = "".join(token for token, is_special in pairs if not is_special)
    if _UNREADABLE.search(text):
        return None
    return _folded(text)


def _folded(text: str) -> str:
    """Returns the letters and digits of a text, without case and accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in folded if character.isalnum())
