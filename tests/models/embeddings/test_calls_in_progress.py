"""Calls in progress, which are told by the stack whether they were removed or not."""

import sys
import threading

from tf_salience.models.embeddings.calls_in_progress import CallsInProgress


def during(calls, value, function):
    """Calls a function while a value is held for this call; what is left is not removed."""
    calls.add(sys._getframe(), value)
    return function()


def test_the_innermost_call_comes_first():
    calls = CallsInProgress()
    read = calls.of_this_thread
    assert during(calls, "outer", lambda: during(calls, "inner", read)) == ["inner", "outer"]


def test_a_call_that_was_not_removed_has_ended_all_the_same():
    calls = CallsInProgress()
    during(calls, "interrupted", lambda: None)
    assert calls.of_this_thread() == []
    assert during(calls, "next", calls.of_all_threads) == ["next"]
    assert calls.of_all_threads() == []


def test_a_call_that_was_removed():
    calls = CallsInProgress()

    def run():
        calls.add(sys._getframe(), 1)
        calls.remove(sys._getframe())
        calls.remove(sys._getframe())
        return calls.of_this_thread()

    assert run() == []


def test_a_call_of_another_thread_lasts_until_its_thread_has_ended():
    calls = CallsInProgress()
    entered, leave = threading.Event(), threading.Event()

    def wait():
        entered.set()
        leave.wait()

    thread = threading.Thread(target=during, args=(calls, "there", wait))
    thread.start()
    entered.wait()
    try:
        assert calls.of_this_thread() == []
        assert during(calls, "here", calls.of_all_threads) == ["there", "here"]
    finally:
        leave.set()
        thread.join()
    assert calls.of_all_threads() == []
