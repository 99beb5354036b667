"""A user's own `tf.function`s, run as parts of the trace around them.

Traced on its own such a function would keep the hooks, and the tensors that they captured, for the
model's later calls. While an explanation is traced its thread runs the Python code of every
`tf.function` instead; in all other threads they run as before.
"""

import atexit
import functools
import inspect
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.models.embeddings.calls_in_progress import CallsInProgress

_Function: Any = tf.__internal__.function.Function
_call_function: Callable[..., Any] = _Function.__call__

_lock = threading.RLock()
_calls: CallsInProgress[None] = CallsInProgress()
_replaced = _call_function


def run_inlined(function: Callable[[], Any]) -> Any:
    """Runs a function; the `tf.function`s that it calls, in this thread, become part of its trace.

    Args:
        function: the function.

    Returns:
        Its result.
    """
    try:
        _calls.add(sys._getframe(), None)
        update_class()
        return function()
    finally:
        _calls.remove(sys._getframe())
        update_class()


@atexit.register
def update_class() -> None:
    """Replaces `__call__` of TensorFlow's functions while a call is in progress, else restores it.

    An interrupt may leave it half done: it goes by what is there, and a later call completes it.
    """
    global _replaced
    with _lock:
        current = vars(_Function)["__call__"]
        if _calls.of_all_threads():
            if current is not _call:
                _replaced = current
                _Function.__call__ = _call
        elif current is _call:
            _Function.__call__ = _replaced


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    # A function of a SavedModel, of a class derived from this one, has no Python code.
    if type(self) is not _Function or not _calls.of_this_thread():
        return _call_function(self, *args, **kwargs)
    positional, named = _as_arguments(self, args, kwargs)
    outputs = _with_autograph(self)(*positional, **named)
    return tf.nest.map_structure(_as_output, outputs)


def _with_autograph(function: Any) -> Callable[..., Any]:
    """Returns the Python code of a `tf.function`, converted as TensorFlow would."""
    python_function = function.python_function
    if not function._autograph:
        return tf.autograph.experimental.do_not_convert(python_function)
    return functools.partial(_converted_apply(), python_function)


def _apply(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


@functools.cache
def _converted_apply() -> Callable[..., Any]:
    # What it calls is converted too: functions, bound methods, partials, callable objects.
    return tf.autograph.to_graph(_apply)


def _as_arguments(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Converts arguments as a `tf.function` does: numpy arrays, and those of its signature."""
    signature = function.input_signature or ()
    if signature:
        bound = inspect.signature(function.python_function).bind(*args, **kwargs)
        args, kwargs = bound.args, bound.kwargs
    args = [
        tf.nest.map_structure(_as_specified, signature[number], argument)
        if number < len(signature)
        else argument
        for number, argument in enumerate(args)
    ]
    converted: tuple[Sequence[Any], Mapping[str, Any]] = tf.nest.map_structure(
        _as_argument, (args, dict(kwargs))
    )
    return converted


def _as_specified(spec: Any, value: Any) -> Any:
    return tf.convert_to_tensor(value, spec.dtype) if isinstance(spec, tf.TensorSpec) else value


def _as_argument(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return tf.convert_to_tensor(value)
    return _without_mask(value)


def _as_output(value: Any) -> Any:
    if isinstance(value, bool | int | float | np.ndarray | np.generic):
        return tf.convert_to_tensor(value)
    return _without_mask(value)


def _without_mask(value: Any) -> Any:
    """Drops the mask of a tensor, as the call of a `tf.function` does."""
    return value if getattr(value, "_keras_mask", None) is None else tf.identity(value)
