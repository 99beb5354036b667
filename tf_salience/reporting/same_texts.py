"""Whether the runs of a report are of the same texts."""

from collections.abc import Sequence

from tf_salience.reporting.run_texts import kept_texts
from tf_salience.reporting.runs import Run
from tf_salience.reporting.spelling import UNREADABLE, folded
from tf_salience.utils.validation import format_value

#: The share of the three-letter strings that two spellings of one text have in common, at least.
_SAME_SHARE = 0.6


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
        own, other = kept_texts(first), kept_texts(run)
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
    if UNREADABLE.search(text):
        return None
    return folded(text)
