"""`--import`: runs Python files and modules of the user, whose layers a saved model holds."""

import importlib
import inspect
import pathlib
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tf_salience.utils.validation import format_error, format_value

_KERAS_PACKAGES = ("keras", "keras_hub")


def import_custom_objects(names: Sequence[str]) -> dict[str, Any]:
    """Imports files or modules, which runs their code.

    Args:
        names: paths that end in `.py`, or names of modules, found from the working directory too.

    Returns:
        Their layers, models and functions by name, as `keras.models.load_model` takes
        `custom_objects`. Registered classes are found by Keras itself.

    Raises:
        ImportError: if the code raises an error; the message names file and line.
    """
    custom_objects: dict[str, Any] = {}
    for name in names:
        try:
            module = _import_file(pathlib.Path(name)) if is_file(name) else _import(name, "")
        # A script may end by `sys.exit`.
        except (Exception, SystemExit) as error:
            raise ImportError(
                f"--import {name}: {_line(name, error)}{type(error).__name__}: "
                f"{format_error(error)}"
            ) from error
        custom_objects |= _custom_objects(module)
    return custom_objects


def is_file(name: str) -> bool:
    """True for a path, False for the name of a module."""
    return name.endswith(".py")


def _import_file(path: pathlib.Path) -> ModuleType:
    path = path.resolve()
    module = _import(path.stem, str(path.parent))
    if module.__file__ is None or pathlib.Path(module.__file__).resolve() != path:
        raise ImportError(
            f"Python has another module {format_value(path.stem)}, {module.__file__}. Rename the "
            "file."
        )
    return module


def _import(name: str, folder: str) -> ModuleType:
    # As for a script: what it imports may lie beside it.
    sys.path.insert(0, folder)
    return importlib.import_module(name)


def _line(name: str, error: BaseException) -> str:
    """Returns the line of an imported file where an error arose, or nothing."""
    path = pathlib.Path(name).resolve()
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if pathlib.Path(frame.filename) == path]
    return f"line {lines[-1]}: " if lines else ""


def _custom_objects(module: ModuleType) -> dict[str, Any]:
    """Returns the layers of a module, imported ones too, and its own functions."""
    return {
        name: value
        for name, value in vars(module).items()
        if _is_custom_layer(value)
        or (inspect.isfunction(value) and value.__module__ == module.__name__)
    }


def _is_custom_layer(value: Any) -> bool:
    import keras

    return (
        isinstance(value, type)
        and issubclass(value, keras.Layer)
        and value.__module__.partition(".")[0] not in _KERAS_PACKAGES
    )
