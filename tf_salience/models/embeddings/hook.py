"""The hook, which stands in front of a layer's `call` for the length of one trace.

It is an instance attribute that Keras does not track. Threads that trace the same model at once
share one hook; it hands a call to the handler of its own thread, and is no more than the layer's
own `call` wherever no trace is in progress.
"""

import atexit
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras

from tf_salience.models.embeddings.calls_in_progress import CallsInProgress

Call = Callable[..., Any]
Handler = Callable[[keras.layers.Layer, Call, tuple[Any, ...], dict[str, Any]], Any]

_METHODS = ("call", "quantized_call")


class _Hooks(NamedTuple):
    """The hooks of a layer, and the attributes of its own that they hide."""

    layer: keras.layers.Layer
    hooks: dict[str, Call]
    hidden: dict[str, Any]


_lock = threading.RLock()
_installed: dict[int, _Hooks] = {}
_calls: CallsInProgress[tuple[Sequence[keras.layers.Layer], Handler]] = CallsInProgress()


def run_hooked(
    function: Callable[[], Any], layers: Sequence[keras.layers.Layer], handler: Handler
) -> Any:
    """Runs a function, and sends its calls of some layers, in this thread, to the handler.

    Args:
        function: the function.
        layers: the layers.
        handler: called with the layer, its own `call`, and the arguments; returns the output.

    Returns:
        The result of the function.
    """
    try:
        _calls.add(sys._getframe(), (layers, handler))
        update_hooks()
        return function()
    finally:
        _calls.remove(sys._getframe())
        update_hooks()


@atexit.register
def update_hooks() -> None:
    """Installs the hooks that calls in progress need, and removes all others.

    An interrupt may leave it half done: it goes by what is there, and a later call completes it.
    """
    with _lock:
        needed = {id(layer): layer for layers, _ in _calls.of_all_threads() for layer in layers}
        for layer in needed.values():
            _install(layer)
        for key in [key for key in _installed if key not in needed]:
            _remove(key)


def _install(layer: keras.layers.Layer) -> None:
    own = vars(layer)
    if id(layer) not in _installed:
        # All originals are bound before the first hook stands.
        hooks = {name: _hook(layer, getattr(layer, name)) for name in _METHODS}
        hidden = {name: own[name] for name in _METHODS if name in own}
        _installed[id(layer)] = _Hooks(layer, hooks, hidden)
    own.update(_installed[id(layer)].hooks)


def _remove(key: int) -> None:
    layer, hooks, hidden = _installed[key]
    own = vars(layer)
    for name, hook in hooks.items():
        if own.get(name) is hook and name in hidden:
            own[name] = hidden[name]
        elif own.get(name) is hook:
            del own[name]
    del _installed[key]


def _hook(layer: keras.layers.Layer, original: Call) -> Call:
    def call(*args: Any, **kwargs: Any) -> Any:
        handlers = [handler for layers, handler in _calls.of_this_thread() if layer in layers]
        if not handlers:
            update_hooks()  # an interrupt may have left this one behind
        # `ReversibleEmbedding` is also a language model's head; that call embeds nothing.
        if not handlers or kwargs.get("reverse"):
            return original(*args, **kwargs)
        return handlers[0](layer, original, args, kwargs)

    return call


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
