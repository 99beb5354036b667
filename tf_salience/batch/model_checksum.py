"""What a model is, as checksums: by them a job knows whether it goes on with the same one."""

import hashlib
import json
import types
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tf_salience.models.embeddings import structure
from tf_salience.utils.validation import format_value


def model_facts(model: keras.Model) -> dict[str, str]:
    """Returns checksums of the layers and their settings, of all weights, and of vocabularies.

    Names that Keras counts up (`dense_3`) do not matter.
    """
    weights = hashlib.sha256()
    for variable in model.variables:
        array = np.asarray(variable.value)
        weights.update(f"{array.dtype}{array.shape}".encode())
        # A view of bytes: bfloat16 has no buffer of its own.
        weights.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    layers = list(structure.all_layers(model))
    vocabularies = [tokenizer_facts(layer) for layer in layers if hasattr(layer, "get_vocabulary")]
    return {
        "architecture": _digest(_config(model, layers)),
        "weights": weights.hexdigest(),
        "vocabularies": _digest(vocabularies),
    }


def tokenizer_facts(tokenizer: Any) -> Any:
    """Returns plain values that tell one tokenizer from another."""
    if tokenizer is None or isinstance(tokenizer, str):
        return tokenizer
    if isinstance(tokenizer, Mapping):
        return {str(name): tokenizer_facts(value) for name, value in tokenizer.items()}
    if isinstance(tokenizer, list | tuple):
        return _digest(list(map(str, tokenizer)))
    inner = getattr(tokenizer, "tokenizer", tokenizer)  # of a KerasHub preprocessor
    return {
        "class_name": type(tokenizer).__name__,
        "config": _digest(_config(tokenizer, [])),
        "vocabulary": _digest(
            [*_vocabulary(inner), *map(str, getattr(inner, "merges", None) or ())]
        ),
    }


def _vocabulary(tokenizer: Any) -> list[str]:
    """Returns the words of a tokenizer; none of one of bytes, which has no list."""
    try:
        return list(map(str, tokenizer.get_vocabulary()))
    except (AttributeError, NotImplementedError):
        return []


def function_facts(function: Any) -> str | None:
    """Returns a checksum of a function of Python, its code and what it closes over; else None."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    cells = [plain_facts(cell.cell_contents) for cell in function.__closure__ or ()]
    return _digest([_code_facts(code), cells, plain_facts(function.__defaults__ or ())])


def _code_facts(code: types.CodeType) -> list[Any]:
    """Returns what code does, without the file and the lines where it stands."""
    constants = [
        _code_facts(value)
        if isinstance(value, types.CodeType)
        else sorted(map(repr, value))
        if isinstance(value, frozenset)
        else repr(value)
        for value in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), constants]


def plain_facts(value: Any) -> Any:
    """Returns a value as JSON values; what has none by its name, layers for instance."""
    if isinstance(value, Mapping):
        return {str(key): plain_facts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_facts(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return plain_facts(value.tolist()) if value.size <= 16 else _digest(value.tolist())
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "name", None) or getattr(value, "__qualname__", None) or str(type(value))


def _config(model: Any, layers: list[Any]) -> Any:
    """Returns the config of a model or tokenizer, the names of its layers numbered."""
    try:
        config = keras.saving.serialize_keras_object(model)
    # A subclassed model may have no config, or one of values that Keras cannot write.
    except (NotImplementedError, TypeError, ValueError):
        return [type(layer).__name__ for layer in (model, *layers)]
    numbers: dict[str, str] = {}
    _count_names(config, numbers)
    return _renamed(plain_facts(config), numbers)


def _count_names(config: Any, numbers: dict[str, str]) -> None:
    """Numbers the names of the layers in the order in which they come."""
    if isinstance(config, dict):
        name = config.get("name")
        if isinstance(name, str):
            numbers.setdefault(name, f"layer {len(numbers)}")
        for value in config.values():
            _count_names(value, numbers)
    elif isinstance(config, list | tuple):
        for value in config:
            _count_names(value, numbers)


def _renamed(value: Any, numbers: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {numbers.get(key, key): _renamed(item, numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, numbers) for item in value]
    return numbers.get(value, value) if isinstance(value, str) else value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """Lists what differs between two nests of plain values: `name: old, now new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        return [
            line
            for key in keys
            for line in differences(old.get(key), new.get(key), f"{name}.{key}".strip("."))
        ]
    if old == new:
        return []
    return [f"{name}: {format_value(old)}, now {format_value(new)}"]
