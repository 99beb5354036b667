"""Interrupts at every line of some modules, one at a time."""

import sys


def at_every_line(function, modules, check):
    """Calls a function again and again, interrupted at each line of the modules that it reaches.

    Args:
        function: what is interrupted.
        modules: the modules.
        check: called after each call with whether it was interrupted.

    Returns:
        The places of the interrupts, file and line, in order.
    """
    places = []
    while True:
        place = _interrupted(function, {module.__file__ for module in modules}, len(places))
        check(place is not None)
        if place is None:
            return places
        places.append(place)


def _interrupted(function, files, number):
    """Calls a function with an interrupt at the line event of a number; returns its place."""
    events, places = iter(range(number + 1)), []

    def trace_line(frame, event, _):
        if event == "line" and not places and next(events) == number:
            places.append((frame.f_code.co_filename, frame.f_lineno))
            raise KeyboardInterrupt
        return trace_line

    def trace_call(frame, event, _):
        return trace_line if frame.f_code.co_filename in files else None

    before = sys.gettrace()
    sys.settrace(trace_call)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return places[0] if places else None
