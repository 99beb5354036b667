"""The hook, which stands in front of a layer's `call` for the length of one trace.

It is an instance attribute that Keras does not track. Installing and removing it is counted under a
lock, so that threads which trace the same model at once share one hook; each thread has handlers of
its own.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

Call = Callable[..., Any]
Handler = Callable[[keras.layers.Layer, Call, tuple[Any, ...], dict[str, Any]], Any]

_lock = threading.RLock()
_installed: dict[int, tuple[int, dict[str, Any]]] = {}
_thread = threading.local()
_METHODS = ("call", "quantized_call")


@contextlib.contextmanager
def hooked(layers: Sequence[keras.layers.Layer], handler: Handler) -> Iterator[None]:
    """Sends calls of these layers, in this thread, to the handler.

    Args:
        layers: the layers.
        handler: called with the layer, its own `call`, and the arguments; returns the output.
    """
    unique = list(dict.fromkeys(layers))
    before = getattr(_thread, "handlers", {})
    hooked: list[keras.layers.Layer] = []
    try:
        for layer in unique:
            hooked.append(layer)
            _install(layer)
        _thread.handlers = {**before, **{id(layer): handler for layer in unique}}
        yield
    finally:
        _thread.handlers = before
        for layer in hooked:
            _remove(layer)


def _install(layer: keras.layers.Layer) -> None:
    with _lock:
        count, saved = _installed.get(id(layer), (0, {}))
        if count == 0:
            own = vars(layer)
            saved = {name: own[name] for name in _METHODS if name in own}
            # All originals are bound before the first hook stands.
            for name, hook in {
                name: _hook(layer, getattr(layer, name)) for name in _METHODS
            }.items():
                own[name] = hook
        _installed[id(layer)] = (count + 1, saved)


def _remove(layer: keras.layers.Layer) -> None:
    with _lock:
        count, saved = _installed.get(id(layer), (0, {}))
        if count > 1:
            _installed[id(layer)] = (count - 1, saved)
        elif count == 1:
            for name in _METHODS:
                vars(layer).pop(name, None)
            vars(layer).update(saved)
            del _installed[id(layer)]


def _hook(layer: keras.layers.Layer, original: Call) -> Call:
    def call(*args: Any, **kwargs: Any) -> Any:
        handler = getattr(_thread, "handlers", {}).get(id(layer))
        # `ReversibleEmbedding` is also a language model's head; that call embeds nothing.
        reverse = kwargs.get("reverse") or (
            isinstance(layer, keras.layers.ReversibleEmbedding) and len(args) > 1 and args[1]
        )
        if handler is None or reverse:
            return original(*args, **kwargs)
        return handler(layer, original, args, kwargs)

    return call


_inlining = 0
_ran_eagerly = False


@contextlib.contextmanager
def functions_inlined() -> Iterator[None]:
    """Makes a user's own `@tf.function` part of the trace around it.

    Traced on its own it would keep the hook, and the tensors that the hook captured, for the
    model's later calls. TensorFlow has one switch for the whole process, so its users are counted.
    """
    global _inlining, _ran_eagerly
    with _lock:
        if _inlining == 0:
            _ran_eagerly = tf.config.functions_run_eagerly()
            tf.config.run_functions_eagerly(True)
        _inlining += 1
    try:
        yield
    finally:
        with _lock:
            _inlining -= 1
            if _inlining == 0:
                tf.config.run_functions_eagerly(_ran_eagerly)


@contextlib.contextmanager
def losses_kept(layers: Sequence[keras.layers.Layer]) -> Iterator[None]:
    """Restores the losses of the layers' last call, which a model clears when it runs."""
    before = [(layer._losses, list(layer._losses), set(layer._loss_ids)) for layer in layers]
    try:
        yield
    finally:
        for layer, (losses, values, ids) in zip(layers, before, strict=True):
            losses[:] = values
            layer._loss_ids.clear()
            layer._loss_ids.update(ids)
