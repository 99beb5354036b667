"""The fields of an explanation as a table, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_salience.explanation.storage import Table

_PER_EXAMPLE = (
    "target",
    "output",
    "baseline_output",
    "convergence_delta",
    "error_estimate",
    "converged",
    "evaluations",
)


def to_table(explanation: Mapping[str, Any]) -> Table:
    """A table, one row an example, from the fields of an explanation."""
    scores, mask, tokens = (explanation[name] for name in ("scores", "mask", "tokens"))
    nothing = [None] * len(tokens)
    parts = explanation["parts"]
    columns: dict[str, list[Any]] = {
        "tokens": tokens,
        "scores": [row[real].tolist() for row, real in zip(scores, mask, strict=True)],
        "positions": [np.flatnonzero(real).tolist() for real in mask],
        # What a model that does not mask gives to its padding; else the delta would not add up.
        "padding_scores": [
            row[~real].tolist() if row[~real].any() else []
            for row, real in zip(scores, mask, strict=True)
        ],
        "target_name": explanation["target_name"],
        "words": explanation["words"] or nothing,
        # The ends of each, one after the other; their names are the same in all rows.
        "parts": nothing
        if parts is None
        else [[end for one in row.values() for end in (one.start, one.stop)] for row in parts],
    }
    offsets = explanation["offsets"]
    columns["offsets"] = nothing if offsets is None else [_flat(row) for row in offsets]
    for name in _PER_EXAMPLE:
        value = explanation[name]
        columns[name] = nothing if value is None else value.tolist()
    header = {
        "segments": {name: [one.start, one.stop] for name, one in explanation["segments"].items()},
        "parts": None if parts is None else list(parts[0]),
        "dtypes": {
            name: str(explanation[name].dtype)
            for name in _PER_EXAMPLE
            if explanation[name] is not None
        },
        "config": explanation["config"],
    }
    return Table(header, columns)


def from_table(table: Table) -> dict[str, Any]:
    """The fields of the explanation that a table holds."""
    header, columns = table.header, table.columns
    segments = {name: slice(*ends) for name, ends in header["segments"].items()}
    width = max(part.stop for part in segments.values())
    size = len(columns["tokens"])
    scores = np.zeros((size, width), np.float32)
    mask = np.zeros((size, width), bool)
    for row in range(size):
        mask[row, columns["positions"][row]] = True
        scores[row, mask[row]] = columns["scores"][row]
        if columns["padding_scores"][row]:
            scores[row, ~mask[row]] = columns["padding_scores"][row]
    each = {
        name: np.array(columns[name], header["dtypes"][name]) if name in header["dtypes"] else None
        for name in _PER_EXAMPLE
    }
    # Older files have none of these.
    words, names = columns.get("words", [None]), header.get("parts")
    offsets = columns.get("offsets", [None])
    return {
        "tokens": [list(row) for row in columns["tokens"]],
        "scores": scores,
        "mask": mask,
        "segments": segments,
        "target_name": list(columns["target_name"]),
        "config": header["config"],
        "words": None if words[0] is None else [list(row) for row in words],
        "offsets": None if offsets[0] is None else [_pairs(row) for row in offsets],
        "parts": names and [_named(names, ends) for ends in columns["parts"]],
        **each,
    }


def _flat(offsets: list[tuple[int, int] | None]) -> list[int]:
    """Starts and stops, one after the other; -1 twice for a token without a place."""
    return [end for place in offsets for end in place or (-1, -1)]


def _pairs(flat: list[int]) -> list[tuple[int, int] | None]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [None if start < 0 else (start, stop) for start, stop in pairs]


def _named(names: list[str], ends: list[int]) -> dict[str, slice]:
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return {name: slice(*pair) for name, pair in zip(names, pairs, strict=True)}
