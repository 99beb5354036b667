"""The way of the inputs through the package, seen while it explains a tiny model.

The inputs have a batch and a tokens axis of lengths that nothing else has. An object of one of the
package's own classes (dataclass, NamedTuple or plain) is a record of the data if its attributes
hold an array, a tensor or a list with such an axis; a tensor of a graph may leave the axis open.
Only frames whose code lies under the package are looked at, and only the public interface is named.
"""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from benchmarks.source_code import PACKAGE

#: Lengths that no axis of the model, of a quadrature rule or of a list of arguments has.
_BATCH, _TOKENS = 19, 23
_DEPTH = 5


@dataclasses.dataclass(frozen=True)
class DataFlow:
    """The records of one call and their moves.

    Attributes:
        moves: the ordered pairs of modules between which a record of the data goes, as an argument
            (`self` aside) or as a result; each pair once, in the order of their first move.
        records: the classes whose instances were created as records of the data, `module.Class`.
        files_from_method: the files on the stack from the method to the frame that takes the
            gradient.
        files_from_call: the same from the call of the explainer.
    """

    moves: list[tuple[str, str]]
    records: list[str]
    files_from_method: list[str]
    files_from_call: list[str]


def measure(root: Path) -> DataFlow:
    """Explains a tiny model with the package in the directory `root`.

    Raises:
        ImportError: if another copy of the package is imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(root))
    import keras
    import numpy as np

    import tf_salience

    package = Path(tf_salience.__file__).parent
    if not package.samefile(root / PACKAGE):
        raise ImportError(f"The package must be the one in {root}. Received: {package}")
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(30, 5),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )
    inputs = np.random.default_rng(0).integers(1, 30, (_BATCH, _TOKENS))
    recorder = Recorder(package)
    explainer = tf_salience.Explainer(model, "integrated_gradients")
    recorder.run(lambda: explainer(inputs))
    method = tf_salience.GradientDotInput()
    stack = _gradient_stack(package, lambda: tf_salience.Explainer(model, method)(inputs))
    home = _module(package, sys.modules[type(method).__module__].__file__ or "")
    from_method = stack[stack.index(home) :] if home in stack else stack
    return DataFlow(
        moves=list(recorder.moves),
        records=sorted(recorder.records),
        files_from_method=list(dict.fromkeys(from_method)),
        files_from_call=list(dict.fromkeys(stack)),
    )


class Recorder:
    """Records moves and records of the data while a function runs.

    Args:
        package: the directory of the package.
    """

    def __init__(self, package: Path) -> None:
        self.moves: dict[tuple[str, str], None] = {}
        self.records: set[str] = set()
        self._package = package

    def run(self, function: Callable[[], Any]) -> None:
        """Calls the function and watches the calls and returns in it."""
        sys.setprofile(self._profile)
        try:
            function()
        finally:
            sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, value: Any) -> None:
        if event not in ("call", "return"):
            return
        # Reading a shape or an attribute runs Python code, which is no move.
        sys.setprofile(None)
        try:
            if event == "return":
                self._record_creation(frame, value)
            self._record_move(frame, event, value)
        finally:
            sys.setprofile(self._profile)

    def _record_creation(self, frame: FrameType, value: Any) -> None:
        """Records the class of a new object: at the end of `__init__`, or a returned NamedTuple."""
        if frame.f_code.co_name == "__init__":
            value = next(iter(_arguments(frame).values()), None)
        elif not isinstance(value, tuple):
            return
        if _is_of_package(value) and holds_data(value):
            kind = type(value)
            self.records.add(f"{kind.__module__.partition('.')[2]}.{kind.__qualname__}")

    def _record_move(self, frame: FrameType, event: str, value: Any) -> None:
        module = _module(self._package, frame.f_code.co_filename)
        caller = next(_modules(self._package, frame.f_back), None)
        if not module or not caller or module == caller:
            return
        if event == "return":
            if _carries_record(value):
                self.moves[module, caller] = None
            return
        arguments = _arguments(frame)
        arguments.pop("self", None)
        if _carries_record(list(arguments.values())):
            self.moves[caller, module] = None


def _carries_record(value: Any) -> bool:
    """True for a record of the data, or a container of one."""
    if _is_of_package(value):
        return holds_data(value)
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list | tuple) and any(map(_carries_record, value))


def holds_data(value: Any, depth: int = _DEPTH) -> bool:
    """True if a value has a batch or a tokens axis, or holds something that has one."""
    if depth < 0 or isinstance(value, str | bytes | type):
        return False
    if _is_of_package(value):
        return any(holds_data(attribute, depth - 1) for attribute in _attributes(value))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        has_axis = len(value) in (_BATCH, _TOKENS)
        return has_axis or any(holds_data(item, depth - 1) for item in value)
    return bool({_BATCH, _TOKENS, None} & set(_shape(value)))


def _shape(value: Any) -> tuple[Any, ...]:
    try:
        return tuple(value.shape)
    except (AttributeError, TypeError, ValueError):  # No tensor, or one of unknown rank.
        return ()


def _is_of_package(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == PACKAGE


def _attributes(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return list(value)
    fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    # A dataclass may have slots and no `__dict__`.
    return [
        *(getattr(value, field.name, None) for field in fields),
        *getattr(value, "__dict__", {}).values(),
    ]


def _arguments(frame: FrameType) -> dict[str, Any]:
    """Returns the arguments of a call, before or after it ran."""
    code = frame.f_code
    # 4 and 8 are the flags of `*args` and `**kwargs`.
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 4) + bool(code.co_flags & 8)
    local = frame.f_locals
    return {name: local[name] for name in code.co_varnames[:count] if name in local}


def _module(package: Path, file: str) -> str:
    """Returns the name of a module of the package, or "" for any other file."""
    if not file.startswith(f"{package}{os.sep}"):  # Quicker than a Path for every call.
        return ""
    return ".".join(Path(file).relative_to(package).with_suffix("").parts)


def _modules(package: Path, frame: FrameType | None) -> Iterator[str]:
    """Yields the package's modules on the stack, from a frame outwards."""
    while frame is not None:
        if module := _module(package, frame.f_code.co_filename):
            yield module
        frame = frame.f_back


def _gradient_stack(package: Path, function: Callable[[], Any]) -> list[str]:
    """Returns the modules on the stack when a gradient is taken, outermost first.

    In a graph it is taken while the graph is traced. Of several stacks, the deepest.
    """
    import tensorflow as tf

    stacks: list[list[str]] = []
    original = tf.GradientTape.gradient

    def gradient(tape: Any, *arguments: Any, **keywords: Any) -> Any:
        stacks.append(list(_modules(package, sys._getframe(1)))[::-1])
        return original(tape, *arguments, **keywords)

    with mock.patch.object(tf.GradientTape, "gradient", gradient):
        function()
    return max(stacks, key=lambda stack: len(set(stack)))
