"""A folder of explanations as `explain_dataset` leaves it: its shards and its manifest, read.

Made without TensorFlow.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_salience.explanation.storage import import_pyarrow
from tf_salience.utils.validation import format_value

MANIFEST = "manifest.json"
FORMAT, VERSION = "tf_salience.explained_dataset", 1


def open_shards(folder: Path, columns: Sequence[str]) -> Any:
    """Returns the shards of a folder, in their order, as one `pyarrow.dataset.Dataset`.

    Args:
        folder: the folder.
        columns: those that it must have.

    Raises:
        FileNotFoundError: if it has no shards.
        ImportError: without pyarrow, which the extra `parquet` installs.
        ValueError: if it has other `.parquet` files.
    """
    import_pyarrow()
    import pyarrow.dataset as arrow_dataset

    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise FileNotFoundError(
            f"There are no shards, `*.parquet`, in the folder {format_value(str(folder))}. "
            "Make some with `explain_dataset`."
        )
    dataset = arrow_dataset.dataset([str(path) for path in paths])
    missing = [name for name in columns if name not in dataset.schema.names]
    if missing:
        raise ValueError(f"{_foreign(folder)} Received: no column {format_value(missing[0])}")
    return dataset


def check_rows(batch: Any, folder: Path) -> None:
    """Raises a ValueError if rows, a `pyarrow.RecordBatch` or table, are no explanations."""
    if batch.column("tokens").null_count or batch.column("scores").null_count:
        raise ValueError(f"{_foreign(folder)} Received: rows without tokens or scores")


def _foreign(folder: Path) -> str:
    """Returns the start of the message for a folder that holds other files."""
    return (
        f"All `*.parquet` in the folder {format_value(str(folder))} must be shards of "
        "`explain_dataset`. Move other files elsewhere."
    )


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Reads the manifest of a folder as JSON values; None where there is none.

    Raises:
        ValueError: for a file that is not a manifest, or one of another version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{damaged(path)} ({error})") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(damaged(path))
    if document.get("version") != VERSION:
        raise ValueError(
            f"The version of the manifest must be {VERSION}. Received: "
            f"version={document.get('version')} in {format_value(str(path))}. "
            "Use the release of tf_salience that wrote it."
        )
    return document


def damaged(path: Path) -> str:
    """Returns the message for a file that is not a manifest."""
    return (
        f"The file {format_value(str(path))} is no manifest of explanations, so it is not known of "
        "what the shards beside it were made. Bring the file back, or pass another `output`."
    )
