"""Calls of a function that are in progress, told from those that have ended by the stack.

An interrupt may strike between any two lines, those of a `finally` too, so a record of a call may
outlive it. The stack cannot: a call has ended once its frame has left the stack of its thread.
"""

import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Generic, TypeVar

Value = TypeVar("Value")


class CallsInProgress(Generic[Value]):
    """A value for each call in progress, in all threads."""

    def __init__(self) -> None:
        self._calls: dict[FrameType, tuple[int, Value]] = {}

    def add(self, frame: FrameType, value: Value) -> None:
        """Adds a call that this thread makes.

        Args:
            frame: the frame of the call.
            value: what to keep until the call has ended.
        """
        self._calls[frame] = (threading.get_ident(), value)

    def remove(self, frame: FrameType) -> None:
        """Removes a call, if it is there."""
        self._calls.pop(frame, None)

    def of_this_thread(self) -> list[Value]:
        """Returns the values of the calls that this thread is in, innermost first."""
        if not self._calls:
            return []
        return [self._calls[frame][1] for frame in _stack() if frame in self._calls]

    def of_all_threads(self) -> list[Value]:
        """Returns the values of all calls, after removing those that have ended."""
        own_frames, own_thread = set(_stack()), threading.get_ident()
        # Frames of threads that go on running cannot be read in peace: only whether they live.
        living = sys._current_frames()
        for frame, (thread, _) in list(self._calls.items()):
            ended = frame not in own_frames if thread == own_thread else thread not in living
            if ended:
                self.remove(frame)
        return [value for _, value in list(self._calls.values())]


def _stack() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
