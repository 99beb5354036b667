"""The metadata of an exported SavedModel: a JSON file beside it, read without TensorFlow.

TensorFlow Serving ignores files that it does not know in `assets.extra`, so the file stays with the
model wherever it is copied.
"""

import json
from os import PathLike
from pathlib import Path
from typing import Any

from tf_salience.version import __version__

_FILE = Path("assets.extra") / "tf_salience.json"
#: Grows when a reader of the old file would misread the new one.
_FORMAT = 1


def write(folder: Path, content: dict[str, Any]) -> None:
    """Writes the file into a SavedModel's folder."""
    path = folder / _FILE
    path.parent.mkdir(exist_ok=True)
    text = json.dumps({"format": _FORMAT, **content}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_signature(filepath: str | PathLike[str]) -> dict[str, Any]:
    """Reads how the attributions of an exported SavedModel are made. Needs no TensorFlow.

    Args:
        filepath: a directory that `export_saved_model` wrote, or the one above its versions, of
            which the highest is read, as TensorFlow Serving does.

    Returns:
        "method" (its name and config: steps, rule, baseline, ...), "target", "class_names",
        "embeddings", "model", "segments" (their names, in the order of the columns), "max_rows",
        "jit_compile", "versions", and "signatures": for each its inputs and outputs, name to dtype
        and shape, in which None is a dimension that may be anything.

    Raises:
        FileNotFoundError: where there is no SavedModel.
        ValueError: for a SavedModel that `export_saved_model` did not write, or a later one did.

    Example:
        >>> folder = tfs.export_saved_model(model, "reviews", method="gradient_norm")
        >>> tfs.read_signature(folder)["method"]
        {'class_name': 'gradient_norm', 'config': {}}
    """
    folder = newest(Path(filepath))
    path = folder / _FILE
    if not path.is_file():
        raise ValueError(
            f"The SavedModel does not say how to explain itself: it has no {_FILE}. Received: "
            f"{str(folder)!r}. Write it with `tf_salience.export_saved_model(model, filepath)`."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        file_format = content["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged. Export the model again.") from error
    if file_format != _FORMAT:
        raise ValueError(
            f"{path} has format {file_format}, and tf_salience {__version__} reads format "
            f"{_FORMAT}. Install the version that wrote it."
        )
    return dict(content)


def newest(folder: Path) -> Path:
    """Returns the folder itself if it holds a SavedModel, else that of its highest version.

    Raises:
        FileNotFoundError: where there is neither.
    """
    if (folder / "saved_model.pb").is_file():
        return folder
    versions = [
        version
        for version in (folder.iterdir() if folder.is_dir() else ())
        if version.name.isdecimal() and (version / "saved_model.pb").is_file()
    ]
    if not versions:
        raise FileNotFoundError(f"There is no SavedModel in {str(folder)!r}.")
    return max(versions, key=lambda version: int(version.name))
