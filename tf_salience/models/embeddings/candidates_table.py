"""The candidates as text tables: those that may embed the tokens, and those that are ruled out."""

from collections.abc import Sequence

import keras

from tf_salience.models.embeddings.candidates import Candidate
from tf_salience.utils import validation

#: Characters that a table may take in a message, and one name in that table.
_MOST_OF_TABLES, _MOST_OF_NAME = 900, 40
_HEADER = ("", "name", "reads", "vocabulary", "gives")


def format_candidates(
    candidates: Sequence[Candidate], *, explained: Sequence[keras.layers.Layer] = ()
) -> str:
    """Formats all candidates, with a star at those that are explained."""
    return _tables(candidates, explained, len(candidates), None)


def format_some_candidates(candidates: Sequence[Candidate]) -> str:
    """Formats as many candidates as a message has room for, with their names abbreviated."""
    tables = ""
    for most in range(min(12, len(candidates)), 0, -1):
        tables = _tables(candidates, (), most, _MOST_OF_NAME)
        if len(tables) <= _MOST_OF_TABLES:
            break
    return tables


def _tables(
    candidates: Sequence[Candidate],
    explained: Sequence[keras.layers.Layer],
    most: int,
    most_of_name: int | None,
) -> str:
    possible = [candidate for candidate in candidates if candidate.exclusion is None]
    excluded = [candidate for candidate in candidates if candidate.exclusion is not None]
    lines = []
    for title, part in (("", possible), ("  Ruled out:", excluded)):
        rows = [
            (
                "*" if candidate.layer in explained else "",
                *(_abbreviated(cell, most_of_name) for cell in _cells(candidate)),
                *([candidate.reason] if part is excluded else []),
            )
            for candidate in part[:most]
        ]
        header = (*_HEADER, "not tokens, since") if part is excluded else _HEADER
        lines += [title] * (bool(title) and bool(part))
        lines += [validation.format_table(header, rows)] * bool(part)
        lines += [f"    and {len(part) - most} more"] * (len(part) > most)
    return "\n".join(lines)


def _cells(candidate: Candidate) -> tuple[str, str, str, str]:
    """Returns name, inputs, vocabulary size and shape of a candidate."""
    size, inputs = candidate.vocabulary_size, candidate.inputs
    return (
        candidate.name or candidate.layer.path,
        "?" if inputs is None else ", ".join(sorted(inputs)),
        "?" if size is None else str(size),
        "?" if candidate.shape is None else str(candidate.shape),
    )


def _abbreviated(text: str, most: int | None) -> str:
    return text if most is None or len(text) <= most else f"{text[: most - 3]}..."
