"""A log of JSON lines that is only ever added to, and reads back what a crash has left of it."""

import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from tf_salience.utils import warnings

SUFFIX = ".jsonl"


def append(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Adds records to the end of a log, one a line, and makes the log and its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
    with path.open("a+b") as file:
        # A line that a crash cut short must not swallow the one after it.
        if file.tell() and _last_byte(file) != b"\n":
            lines = "\n" + lines
        file.write(lines.encode("ascii"))


def read_log(path: str | PathLike[str], name: str = "salience") -> list[dict[str, Any]]:
    """Reads what a `SalienceLogger` wrote.

    Args:
        path: its `log_dir`, or the file itself.
        name: its `name`, where `path` is a folder.

    Returns:
        One dict for each probe and evaluation, in the order in which they were written; the README
        lists its keys. A line that is not whole, after a crash, is skipped with a
        `DamagedLogWarning`.

    Raises:
        FileNotFoundError: if there is no such log.
    """
    file = Path(path)
    if file.is_dir():
        file /= name + SUFFIX
    if not file.is_file():
        raise FileNotFoundError(
            f"There is no log of a `SalienceLogger`. Received: path={str(path)!r}, where it would "
            f"be {str(file)!r}"
        )
    records, damaged = [], []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            records.append(record)
        elif line.strip():
            damaged.append(number)
    if damaged:
        warnings.warn(
            f"{len(damaged)} of the lines of {str(file)!r} are not whole, as after a crash, and "
            f"are skipped: line {', '.join(map(str, damaged[:5]))}"
            f"{' and more' if len(damaged) > 5 else ''}.",
            warnings.DamagedLogWarning,
        )
    return records


def _last_byte(file: Any) -> bytes:
    file.seek(-1, 2)
    return bytes(file.read(1))
