"""Types of the columns of the source that stand beside the explanations, and what fits them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tf_salience.data.rows import Row
from tf_salience.explanation.storage import import_pyarrow
from tf_salience.utils.validation import format_error, format_value


def schema_of(rows: Sequence[Row], names: Sequence[str], types: Mapping[str, Any]) -> Any:
    """Returns the schema of columns of the source, with the types of its first rows.

    The source's own `types` go first where few rows do not tell: digits of decimals, nulls alone.
    """
    pa, _ = import_pyarrow()
    fields = []
    for name in names:
        values = [row.cells[name] for row in rows]
        try:
            column = pa.array(values)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                "A column of `keep` must hold values of one type that Parquet supports. Received: "
                f"keep={format_value(name)} ({format_error(error)})"
            ) from error
        known = types.get(name, pa.null())
        if pa.types.is_decimal(known) or pa.types.is_uint64(known):
            fields.append((name, known))
        elif not pa.types.is_null(column.type):
            fields.append((name, column.type))
        else:
            fields.append((name, _wide(known)))
    return pa.schema(fields)


def _wide(arrow_type: Any) -> Any:
    """Returns the type in which Python's values of an Arrow type are kept."""
    pa, _ = import_pyarrow()
    if pa.types.is_integer(arrow_type):
        return pa.int64()
    if pa.types.is_floating(arrow_type):
        return pa.float64()
    is_same = (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_nested)
    return arrow_type if any(test(arrow_type) for test in is_same) else pa.string()


def fits(values: list[Any], arrow_type: Any) -> bool:
    """True if an Arrow array holds the values as they are; pyarrow makes 2.5 an integer, 2."""
    pa, _ = import_pyarrow()
    try:
        written = pa.array(values, arrow_type).to_pylist()
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return all(map(_is_whole, values, written))


def _is_whole(value: Any, written: Any) -> bool:
    """True if nothing of a value is lost; a dict may gain keys whose value is None."""
    if isinstance(value, dict):
        return all(_is_whole(item, (written or {}).get(key)) for key, item in value.items())
    if isinstance(value, list):
        is_list = isinstance(written, list) and len(value) == len(written)
        return is_list and all(map(_is_whole, value, written))
    return bool(value == written or value != value)
