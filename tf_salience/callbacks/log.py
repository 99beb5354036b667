"""An append-only log of JSON lines, which a crash leaves readable."""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tf_salience.utils import validation, warnings

SUFFIX = ".jsonl"


def append(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Appends records to a log, one per line; creates the file and its folder if needed.

    Raises:
        OSError: if they cannot be written; the log is then as before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
    with path.open("a+b", buffering=0) as file:
        size = file.tell()
        if size:
            file.seek(-1, os.SEEK_END)
            # A line that a crash cut short must not run into the next one.
            lines = lines if file.read() == b"\n" else "\n" + lines
        data = lines.encode("ascii")
        try:
            while data:
                # A full disk may take a part.
                data = data[file.write(data) :]
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)
            raise


def read_log(path: str | os.PathLike[str], name: str = "salience") -> list[dict[str, Any]]:
    """Reads the log of a `SalienceLogger`.

    Args:
        path: the `log_dir` of the logger, or the file itself.
        name: the `name` of the logger, where `path` is a folder.

    Returns:
        One dict per probe and evaluation, in the order of writing; docs/watch_training.md lists the
        keys. An incomplete line, as a crash leaves it, is skipped with a `DamagedLogWarning`.

    Raises:
        FileNotFoundError: if there is no such log.

    Example:
        >>> logger = tfs.SalienceLogger("logs", ["good fun"], method="gradient_norm")
        >>> _ = model.fit(tf.constant(texts), labels, verbose=0, callbacks=[logger])
        >>> [(record["epoch"], record["tokens"]) for record in tfs.read_log("logs")]
        [(0, ['good', 'fun'])]
    """
    file = Path(path)
    if file.is_dir():
        file /= name + SUFFIX
    if not file.is_file():
        raise FileNotFoundError(
            "`path` must be the `log_dir` of a `SalienceLogger` or its log file. "
            f"Received: path={validation.format_value(str(path))}, but there is no file "
            f"{validation.format_value(str(file))}"
        )
    records, damaged = [], []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):  # RecursionError: brackets nested by the thousand
            record = None
        if isinstance(record, dict):
            records.append(record)
        elif line.strip():
            damaged.append(number)
    if damaged:
        warnings.warn(
            f"{len(damaged)} of the lines of {validation.format_value(str(file))} are incomplete, "
            f"as after a crash, and are skipped: line {', '.join(map(str, damaged[:5]))}"
            f"{' and more' if len(damaged) > 5 else ''}.",
            warnings.DamagedLogWarning,
        )
    return records
