"""Values of the options: files, texts, labels, the method. None of it needs TensorFlow."""

import argparse
import dataclasses
import importlib.util
import pathlib
import socket
from typing import Any

from tf_salience.attribution.methods import METHODS, Method
from tf_salience.cli.custom_layers import is_file
from tf_salience.data.files import read_file
from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.explanation import storage
from tf_salience.utils.validation import format_value

_METHOD_OPTIONS = ("steps", "rule", "baseline", "span", "unit")
_PADDING, _UNKNOWN = ("", "[PAD]", "<pad>"), ("[UNK]", "<unk>", "<OOV>")


def field_names(dataclass: Any) -> set[str]:
    """Returns the names of a dataclass's fields."""
    return {field.name for field in dataclasses.fields(dataclass)}


def method(options: argparse.Namespace) -> Method:
    """Returns the method with the options that were passed for it.

    Raises:
        ValueError: if the method does not have such an option, or the value does not fit it.
    """
    config = {
        name: value for name in _METHOD_OPTIONS if (value := getattr(options, name)) is not None
    }
    unsupported = config.keys() - field_names(METHODS[options.method])
    if unsupported:
        suitable = [name for name, cls in METHODS.items() if config.keys() <= field_names(cls)]
        raise ValueError(
            f"--method {options.method} does not take --{' or --'.join(sorted(unsupported))}. "
            f"Choose a method that does: {', '.join(suitable)}."
        )
    if "rule" in config and config.get("steps", "auto") == "auto":
        raise ValueError("--rule needs a number of --steps; 'auto' has its own rule.")
    return METHODS[options.method](**config)


def methods(options: argparse.Namespace) -> dict[str, Method]:
    """Returns the methods of --methods by name; those with a baseline have that of --baseline.

    Raises:
        ValueError: for a name that is not a method, or one that comes twice.
    """
    chosen: dict[str, Method] = {}
    for name in options.methods:
        if name not in METHODS or name in chosen:
            raise ValueError(
                f"--methods must be names of {format_value(list(METHODS))}, each once. "
                f"Received: {format_value(','.join(options.methods))}"
            )
        has_baseline = options.baseline is not None and "baseline" in field_names(METHODS[name])
        chosen[name] = METHODS[name](**({"baseline": options.baseline} if has_baseline else {}))
    return chosen


def model_path(options: argparse.Namespace) -> pathlib.Path:
    """Returns the path of the model.

    Raises:
        FileNotFoundError: if it or a file of --import does not exist.
    """
    path = pathlib.Path(options.model)
    if not path.exists():
        raise FileNotFoundError(f"The model {format_value(options.model)} does not exist.")
    for name in filter(is_file, options.imports):
        if not pathlib.Path(name).is_file():
            raise FileNotFoundError(f"The file {format_value(name)} of --import does not exist.")
    return path


def texts(options: argparse.Namespace) -> LabelledTexts:
    """Returns the texts of --text or --data, at most --max of them."""
    if getattr(options, "text", None) is not None:
        data = LabelledTexts(options.text)
    else:
        data = read_file(
            options.data,
            text_column=options.text_column,
            label_column=options.label_column,
            rating_column=options.rating_column,
            rationale_column=getattr(options, "rationale_column", None),
        )
    return data.take(range(len(data))[: options.max])


def class_names(options: argparse.Namespace) -> list[str] | None:
    """Returns the names of --class-names or of the lines of --class-names-file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not UTF-8 or has an empty line.
    """
    if options.class_names_file is None:
        return options.class_names
    path = pathlib.Path(options.class_names_file)
    names = [line.strip() for line in _read_lines(path, "--class-names-file")]
    if "" in names:
        raise ValueError(f"{path}:{names.index('') + 1}: expected a class name. Received: ''")
    return names


def labels(
    options: argparse.Namespace, data: LabelledTexts, class_names: list[str] | None
) -> list[int] | list[str] | None:
    """Returns the labels for the target 'label', by name where the file has names; else None.

    The names of a file are sorted by alphabet, which need not be the order of the model's outputs.
    Numbers are names where all of them are `class_names`, and indices else.

    Raises:
        ValueError: if there are no labels, or if they are names and `class_names` does not say
            which output is which.
    """
    if options.target != "label":
        return None
    if data.labels is None:
        raise ValueError(
            "The target 'label' needs labels: pass --data with a --label-column or "
            "--rating-column, or choose another --target."
        )
    if data.class_names is None:
        indices = data.labels.tolist()
        digits = list(map(str, indices))
        return digits if class_names is not None and set(digits) <= {*class_names} else indices
    if class_names is None:
        raise ValueError(
            f"The labels of the file are names, {format_value(list(data.class_names))}: say which "
            "output of the model is which with --class-names A,B,... or --class-names-file FILE."
        )
    return [data.class_names[label] for label in data.labels]


def vocabulary(options: argparse.Namespace) -> list[str] | None:
    """Returns the tokens of --vocabulary without padding and unknown, which Keras adds itself.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not UTF-8, or its first two lines are not padding and unknown.
    """
    if options.vocabulary is None:
        return None
    path = pathlib.Path(options.vocabulary)
    tokens = _read_lines(path, "--vocabulary")
    if len(tokens) < 3 or tokens[0] not in _PADDING or tokens[1] not in _UNKNOWN:
        raise ValueError(
            f"{path}: the first line must be padding (empty, [PAD] or <pad>) and the second the "
            f"unknown token ([UNK], <unk> or <OOV>), since ids 0 and 1 mean these. "
            f"Received: {format_value(tokens[:2])}"
        )
    return tokens[2:]


def _read_lines(path: pathlib.Path, option: str) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"The file {format_value(str(path))} of {option} does not exist.")
    try:
        return path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}). "
            "Save it as UTF-8 and try again."
        ) from error


def output_path(options: argparse.Namespace) -> pathlib.Path | None:
    """Returns the path of --output, once it is certain that it can be written.

    Raises:
        ValueError: if the suffix is not that of a supported format.
        FileNotFoundError: if the directory does not exist.
        ImportError: if the format needs a package that is not installed.
    """
    if options.output is None:
        return None
    path = pathlib.Path(options.output)
    storage.check_suffix(path)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"The directory of --output {options.output} does not exist. Create it first."
        )
    if path.suffix == ".parquet":
        require("pyarrow", extra="parquet", purpose=f"--output {path}")
    return path


def check_free_port(host: str, port: int) -> None:
    """Checks, before any work, that a server can listen.

    Raises:
        OSError: if the port is taken, or there is no such host or port.
    """
    try:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((host, port))
    except (OSError, OverflowError) as error:
        raise OSError(
            f"No server can listen at {host}, port {port}: {error}. Choose another --port."
        ) from error


def require(package: str, *, extra: str, purpose: str) -> None:
    """Checks, before any work, that an optional package is installed.

    Raises:
        ImportError: if it is not.
    """
    if importlib.util.find_spec(package) is None:
        raise ImportError(
            f"{purpose} needs {package}. Install it with `pip install 'tf-salience[{extra}]'`."
        )
