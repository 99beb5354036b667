"""The model of a command, loaded from its file."""

import argparse
import pathlib
import re
from typing import Any

from tf_salience.cli import option_values
from tf_salience.cli.custom_layers import import_custom_objects
from tf_salience.utils.validation import format_error, format_value

_UNKNOWN_OBJECT = re.compile(r"(?:Could not locate (?:class|function)|Unknown [\w ]+:) '([^']+)'")


def load_model(path: pathlib.Path, options: argparse.Namespace) -> Any:
    """Loads a saved model, after what `--import` names; Keras itself imports KerasHub.

    Raises:
        ImportError: if `--import` fails, or the model needs KerasHub, which is not installed.
        ValueError: if it is a folder, or a file that cannot be loaded.
    """
    import keras

    if path.is_dir():
        raise ValueError(
            f"The model {format_value(str(path))} must be a file, `.keras`. Received: a folder. A "
            "SavedModel has no layers that could be explained; one that `tf-salience export` wrote "
            "explains itself, by its signature `attributions`."
        )
    custom_objects = import_custom_objects(options.imports)
    try:
        return keras.models.load_model(path, custom_objects=custom_objects, compile=False)
    # A damaged or hostile file may raise anything.
    except Exception as error:
        if "keras_hub" in str(error):
            option_values.require("keras_hub", extra="hub", purpose=str(path))
        unknown = _UNKNOWN_OBJECT.search(str(error))
        if unknown is None:
            raise ValueError(
                f"The model {format_value(str(path))} cannot be loaded. "
                f"{type(error).__name__}: {format_error(error)}"
            ) from error
        imports = "".join(f" nor --import {name}" for name in options.imports)
        raise ValueError(
            f"The model {format_value(str(path))} holds {format_value(unknown[1])}, which neither "
            f"Keras{imports or ' nor this command'} defines. Pass --import with the Python file or "
            "the module that does, under the name that it was saved with."
        ) from error


def make_tokenizer(vocabulary: list[str] | None) -> Any:
    """Returns the tokenizer of a vocabulary, without padding and unknown; None for None."""
    import keras

    return None if vocabulary is None else keras.layers.TextVectorization(vocabulary=vocabulary)
