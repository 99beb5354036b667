"""`Fingerprint`: the parts of a model that its traced graphs have fixed.

A graph reads variables anew each time it runs; all else is as it was while it was traced: the
variables themselves, dtype policies, LoRA and quantization, activations, vocabularies, and the
Python values that a user's own `call` reads.
"""

import dis
import functools
import types
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.structure import all_layers

_FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)
_PLAIN = (bool, int, float, complex, str, bytes, Enum, np.generic, type(None))
#: Packages whose code does not change while a program runs.
_LIBRARIES = ("keras", "keras_hub", "tensorflow", "tensorflow_text", "numpy", "jax", "torch")
#: What of Keras' private attributes a layer's `call` reads.
_KERAS_ATTRIBUTES = ("_dtype_policy", "_kernel", "_embeddings", "_is_quantized")
#: Attributes that training and prediction set, and the methods in front of which a hook may stand.
_VOLATILE = frozenset(
    (
        *("optimizer", "history", "train_function", "test_function", "predict_function"),
        *("stop_training", "stop_evaluating", "stop_predicting"),
        *("call", "quantized_call"),
    )
)
#: How deep containers, plain objects and functions are read.
_DEPTH = 3
#: Larger containers and arrays are known by their identity alone.
_MOST_ITEMS = 64


class Fingerprint:
    """The parts of a model that its traced graphs have fixed, at the time this is made.

    Args:
        model: the model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._values: list[Any] = []
        self._seen: set[int] = set()
        for layer in (model, *all_layers(model)):
            self._values.append(layer)
            self._values.extend(_read_layer(layer, self._seen))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fingerprint) or len(self._values) != len(other._values):
            return False
        return all(map(_same, self._values, other._values))

    def differs_in_values_alone(self, other: "Fingerprint") -> bool:
        """True if objects are the same, and some plain values of the user's differ."""
        return len(self._values) == len(other._values) and all(
            _same(first, second)
            or (type(first) is type(second) and isinstance(first, int | float | str))
            for first, second in zip(self._values, other._values, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]


def _same(first: Any, second: Any) -> bool:
    if first is second:
        return True
    # NaN is a value like any other here.
    return type(first) is type(second) and isinstance(first, _PLAIN) and repr(first) == repr(second)


def _read_layer(layer: keras.layers.Layer, seen: set[int]) -> Iterator[Any]:
    attributes = vars(layer)
    is_model = isinstance(layer, keras.Model)
    if _is_of_library(type(layer)):
        # Those that any model has are for `compile` and `fit`.
        ignored = _VOLATILE | _base_attributes(is_model=True) if is_model else _VOLATILE
        public = [
            value for name, value in attributes.items() if name[0] != "_" and name not in ignored
        ]
        yield from public
        yield from map(attributes.get, _KERAS_ATTRIBUTES)
        for value in public:
            if isinstance(value, _FUNCTIONS):  # of a `Lambda`, or an activation
                yield from _read_function(value, seen, _DEPTH)
        return
    base = _base_attributes(is_model=is_model)
    for name, value in list(attributes.items()):
        if name in _KERAS_ATTRIBUTES or (name not in base and name not in _VOLATILE):
            yield from _read(value, seen, _DEPTH)
    yield from _read_methods(type(layer), ("call",), seen, _DEPTH)


def _read(value: Any, seen: set[int], depth: int) -> Iterator[Any]:
    """Yields a value, and what it holds as far as it is not Keras', TensorFlow's or numpy's."""
    if isinstance(value, tf.Tensor):
        yield from _read_tensor(value)
        return
    yield value
    if isinstance(value, _PLAIN) or depth == 0 or id(value) in seen:
        return
    if isinstance(value, np.ndarray):
        if value.size <= _MOST_ITEMS:
            yield value.tobytes()
        return
    if isinstance(value, _FUNCTIONS):
        yield from _read_function(value, seen, depth)
    elif isinstance(value, dict):
        yield from _read_items(list(value.values()), seen, depth)
    elif isinstance(value, list | tuple):
        yield from _read_items(list(value), seen, depth)
    elif _is_plain_object(value):
        seen.add(id(value))
        yield from _read_items(list(vars(value).values()), seen, depth)


def _read_tensor(tensor: tf.Tensor) -> Iterator[Any]:
    """Yields a constant; a tensor of a graph is one that `call` has kept, and says nothing."""
    if hasattr(tensor, "numpy"):
        yield tensor.numpy().tobytes() if tensor.shape.num_elements() <= _MOST_ITEMS else tensor


def _is_plain_object(value: Any) -> bool:
    """True if a value has attributes of its own, a config for instance, and is no layer."""
    kinds = (type, types.ModuleType, keras.layers.Layer)
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, kinds)
        and not _is_of_library(type(value))
    )


def _read_items(values: Sequence[Any], seen: set[int], depth: int) -> Iterator[Any]:
    if len(values) > _MOST_ITEMS:
        yield str(len(values))
        return
    # Together they are one value, however many `call` adds while it is traced.
    yield repr([value for value in values if isinstance(value, _PLAIN)])
    for value in values:
        if not isinstance(value, _PLAIN):
            yield from _read(value, seen, depth - 1)


def _read_function(
    function: Any, seen: set[int], depth: int, kind: type | None = None
) -> Iterator[Any]:
    """Yields the values that a function of the user reads: of its closure and of its module.

    Args:
        function: the function or property; one of a library yields nothing.
        seen: the ids of what has been read.
        depth: how deep what it reads is read.
        kind: the layer's class, whose other methods and properties it may use.
    """
    function = getattr(function, "python_function", function)
    function = getattr(function, "func", function)
    function = getattr(function, "fget", function)
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None or id(function) in seen or _is_of_library(function) or depth == 0:
        return
    seen.add(id(function))
    for cell in function.__closure__ or ():
        try:
            yield from _read(cell.cell_contents, seen, depth - 1)
        except ValueError:  # a cell that is still empty
            continue
    for name in _names(code, "LOAD_GLOBAL"):
        value = function.__globals__.get(name)
        if not isinstance(value, types.ModuleType):
            yield from _read(value, seen, depth - 1)
    if kind is not None:
        names = _names(code, "LOAD_METHOD", "LOAD_ATTR", "LOAD_SUPER_ATTR")
        yield from _read_methods(kind, names, seen, depth)


def _read_methods(kind: type, names: Sequence[str], seen: set[int], depth: int) -> Iterator[Any]:
    """Yields what methods and properties read, those of the user's base classes too."""
    for base in kind.__mro__:
        if not _is_of_library(base):
            for name in names:
                yield from _read_function(vars(base).get(name), seen, depth, kind)


@functools.lru_cache(maxsize=4096)
def _names(code: types.CodeType, *operations: str) -> tuple[str, ...]:
    """Returns the names that a function's code loads by these operations.

    `co_names` has all of them together: an attribute `scale` would be taken for a global `scale`,
    which in a notebook may change at any time. Functions inside it, comprehensions say, count.
    """
    names = [step.argval for step in dis.get_instructions(code) if step.opname in operations]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names.extend(_names(constant, *operations))
    return tuple(dict.fromkeys(names))


def _is_of_library(kind: Any) -> bool:
    return _root_of_module(getattr(kind, "__module__", None)) in _LIBRARIES


@functools.cache
def _root_of_module(name: str | None) -> str:
    return (name or "").partition(".")[0]


@functools.cache
def _base_attributes(*, is_model: bool) -> frozenset[str]:
    """Returns the names of the attributes that Keras gives to any layer, or any model."""
    return frozenset(vars(keras.Model() if is_model else keras.layers.Layer()))
