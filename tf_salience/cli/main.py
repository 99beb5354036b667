"""Entry point of the `tf-salience` command. Help and argument errors do not load TensorFlow."""

import argparse
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from tf_salience.cli import arguments, beam_runner, commands, streams
from tf_salience.utils.text import printable, printable_lines

_USER_ERRORS = (ValueError, TypeError, OSError, ImportError)
_LONGEST_MESSAGE = 1500
_FAILED, _INTERRUPTED, _BROKEN_PIPE = 2, 130, 141


def main(command_line: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        command_line: arguments without the program's name; None reads `sys.argv`.

    Returns:
        Exit code: 0, 2 for a user error, 130 for Ctrl-C, 141 for a broken pipe.
    """
    streams.accept_any_text()
    own, beam_options = beam_runner.split_options(
        sys.argv[1:] if command_line is None else command_line
    )
    parser = arguments.parser()
    if not own:
        parser.print_help()
        return 0
    options = _parse(parser, own)
    options.beam_options = beam_options
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Deprecations address developers; Python hides them from users by default too.
            for category in (DeprecationWarning, PendingDeprecationWarning):
                warnings.simplefilter("ignore", category)
            warnings.showwarning = _show_warning
            getattr(commands, options.command)(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return _BROKEN_PIPE
    except _USER_ERRORS as error:
        if options.traceback:
            print(printable_lines(traceback.format_exc()), end="", file=sys.stderr)
        else:
            _print_message("error", error)
        try:
            sys.stdout.flush()
        except OSError:
            _discard_output()
        return _FAILED
    return 0


def _parse(parser: argparse.ArgumentParser, command_line: Sequence[str]) -> argparse.Namespace:
    """Parses the arguments; the files of `report` may stand before, between and after options."""
    options, rest = parser.parse_known_args(command_line)
    if rest and (options.command != "report" or any(text.startswith("-") for text in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.explanations += rest
    return options


def _discard_output() -> None:
    """Drops what cannot be written; Python would try again at exit, and report the error again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_message(kind: str, message: Any) -> None:
    text = printable(" ".join(str(message).split()))
    text = text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} ..."
    print(f"tf-salience: {kind}: {text}", file=sys.stderr)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _print_message("warning", message)
