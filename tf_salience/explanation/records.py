"""Records: an explanation as plain rows, an example each, for tables, pipelines and other tools.

Made without TensorFlow. The names are those of `Explanation`.
"""

from typing import Any

import numpy as np

from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.storage import import_pyarrow

#: Columns with a number for each example, or None in all.
_NUMBERS = (
    "target",
    "output",
    "baseline_output",
    "convergence_delta",
    "error_estimate",
    "converged",
    "evaluations",
)
COLUMNS = ("tokens", "scores", "words", "segments", "target_name", *_NUMBERS)


def columns(explanation: Explanation) -> dict[str, list[Any]]:
    """Returns the values of each column of `COLUMNS`, (batch,), as plain Python values.

    `tokens`, `scores` and `words` have a value for each real token of an example, as in
    `TokenSalience`; `segments` has a dict for each segment, with its `name` and the `start` and
    `stop` of its tokens. What the method does not give is None.
    """
    missing = [None] * len(explanation)
    pairs = zip(explanation.scores, explanation.mask, strict=True)
    arrays = {name: getattr(explanation, name) for name in _NUMBERS}
    return {
        "tokens": explanation.tokens,
        "scores": [scores[is_real].tolist() for scores, is_real in pairs],
        "words": explanation.words or missing,
        "segments": _segments(explanation),
        "target_name": explanation.target_name,
        **{name: missing if array is None else array.tolist() for name, array in arrays.items()},
    }


def rows(explanation: Explanation) -> list[dict[str, Any]]:
    """Returns a dict for each example, with the columns of `columns`.

    Example:
        >>> rows(tfs.explain(model, ["good jokes"]))[0]["tokens"]
        ['good', 'jokes']
    """
    values = columns(explanation)
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def schema() -> Any:
    """Returns the `pyarrow.Schema` of the columns.

    Raises:
        ImportError: without pyarrow, which the extra `parquet` installs.
    """
    pa, _ = import_pyarrow()
    segment = pa.struct([("name", pa.string()), ("start", pa.int32()), ("stop", pa.int32())])
    return pa.schema(
        [
            ("tokens", pa.list_(pa.string())),
            ("scores", pa.list_(pa.float32())),
            ("words", pa.list_(pa.int32())),
            ("segments", pa.list_(segment)),
            ("target_name", pa.string()),
            ("target", pa.int64()),
            ("output", pa.float64()),
            ("baseline_output", pa.float64()),
            ("convergence_delta", pa.float64()),
            ("error_estimate", pa.float64()),
            ("converged", pa.bool_()),
            ("evaluations", pa.int64()),
        ]
    )


def _segments(explanation: Explanation) -> list[list[dict[str, Any]]]:
    """Returns the segments of each example among its real tokens."""
    if explanation.parts is not None:
        return [
            [{"name": name, "start": s.start, "stop": s.stop} for name, s in parts.items()]
            for parts in explanation.parts
        ]
    names = list(explanation.segments)
    widths = [explanation.mask[:, s].sum(axis=1) for s in explanation.segments.values()]
    stops = np.cumsum(widths, axis=0).T.tolist()
    return [
        [
            {"name": name, "start": start, "stop": stop}
            for name, start, stop in zip(names, [0, *row_stops], row_stops, strict=False)
        ]
        for row_stops in stops
    ]
