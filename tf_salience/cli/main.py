"""Entry point of the `tf-salience` command. Help and argument errors do not load TensorFlow."""

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from tf_salience.cli import arguments, commands

_USER_ERRORS = (ValueError, TypeError, OSError, ImportError)
_FAILED, _INTERRUPTED, _BROKEN_PIPE = 2, 130, 141


def main(command_line: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        command_line: arguments without the program's name; None reads `sys.argv`.

    Returns:
        Exit code: 0, 2 for a user error, 130 for Ctrl-C, 141 for a broken pipe.
    """
    options = arguments.parser().parse_args(command_line)
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
        # Python flushes standard output again at exit, which would report the error once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except _USER_ERRORS as error:
        if options.traceback:
            traceback.print_exc()
        else:
            _print_message("error", error)
        return _FAILED
    return 0


def _print_message(kind: str, message: Any) -> None:
    print(f"tf-salience: {kind}: {' '.join(str(message).split())}", file=sys.stderr)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _print_message("warning", message)
