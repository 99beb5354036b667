"""The fields of an explanation as a table of JSON values, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.explanation.storage import Table

# Arrays of shape (batch,), or None.
_ARRAY_FIELDS = (
    "target",
    "output",
    "baseline_output",
    "convergence_delta",
    "error_estimate",
    "converged",
    "evaluations",
)


def table_from_fields(fields: Mapping[str, Any]) -> Table:
    """Converts the fields of an explanation to a table, one row per example."""
    scores, mask, tokens = fields["scores"], fields["mask"], fields["tokens"]
    words, parts, offsets = fields["words"], fields["parts"], fields["offsets"]
    arrays = {name: fields[name] for name in _ARRAY_FIELDS}
    missing = [None] * len(tokens)
    columns: dict[str, list[Any]] = {
        "tokens": tokens,
        "scores": [row[is_real].tolist() for row, is_real in zip(scores, mask, strict=True)],
        "positions": [np.flatnonzero(is_real).tolist() for is_real in mask],
        # A model that does not mask gives scores to padding, which the convergence delta counts.
        "padding_scores": [
            row[~is_real].tolist() if row[~is_real].any() else []
            for row, is_real in zip(scores, mask, strict=True)
        ],
        "target_name": fields["target_name"],
        "words": words or missing,
        "parts": missing if parts is None else [_flatten_slices(row) for row in parts],
        "offsets": missing if offsets is None else [_flatten_offsets(row) for row in offsets],
        **{name: missing if array is None else array.tolist() for name, array in arrays.items()},
    }
    header = {
        "segments": {
            name: [segment.start, segment.stop] for name, segment in fields["segments"].items()
        },
        # The names are the same in all rows.
        "parts": list(parts[0]) if parts else None,
        "dtypes": {name: str(array.dtype) for name, array in arrays.items() if array is not None},
        "config": fields["config"],
    }
    return Table(header, columns)


def fields_from_table(table: Table) -> dict[str, Any]:
    """Converts a table back to the fields of an explanation."""
    header, columns = table.header, table.columns
    segments = {name: slice(*bounds) for name, bounds in header["segments"].items()}
    scores, mask = _padded_scores(columns, max(segment.stop for segment in segments.values()))
    # Files of earlier versions lack the columns of these three.
    part_names, offsets = header.get("parts"), _optional_column(columns, "offsets")
    dtypes = header["dtypes"]
    return {
        "tokens": columns["tokens"],
        "scores": scores,
        "mask": mask,
        "segments": segments,
        "target_name": columns["target_name"],
        "config": header["config"],
        "words": _optional_column(columns, "words"),
        "offsets": offsets and [_unflatten_offsets(row) for row in offsets],
        "parts": part_names and [_unflatten_slices(part_names, row) for row in columns["parts"]],
        **{
            name: np.array(columns[name], dtypes[name]) if name in dtypes else None
            for name in _ARRAY_FIELDS
        },
    }


def _padded_scores(
    columns: Mapping[str, list[Any]], width: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Returns the scores, (batch, tokens), and the mask of real tokens, (batch, tokens)."""
    shape = len(columns["tokens"]), width
    scores, mask = np.zeros(shape, np.float32), np.zeros(shape, bool)
    for row, positions in enumerate(columns["positions"]):
        mask[row, positions] = True
        scores[row, mask[row]] = columns["scores"][row]
        scores[row, ~mask[row]] = columns["padding_scores"][row] or 0
    return scores, mask


def _optional_column(columns: Mapping[str, list[Any]], name: str) -> list[Any] | None:
    column = columns.get(name)
    return column if column and column[0] is not None else None


def _flatten_slices(slices: Mapping[str, slice]) -> list[int]:
    return [bound for part in slices.values() for bound in (part.start, part.stop)]


def _unflatten_slices(names: Sequence[str], bounds: Sequence[int]) -> dict[str, slice]:
    return dict(zip(names, map(slice, bounds[::2], bounds[1::2]), strict=True))


def _flatten_offsets(offsets: Sequence[tuple[int, int] | None]) -> list[int]:
    """Flattens (start, stop) pairs; a token without offsets has -1 twice."""
    return [bound for pair in offsets for bound in pair or (-1, -1)]


def _unflatten_offsets(bounds: Sequence[int]) -> list[tuple[int, int] | None]:
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return [None if start < 0 else (start, stop) for start, stop in pairs]
