"""Completion of the command line in a shell, by shtab."""

import argparse
from typing import Any

import shtab

#: Values of options and arguments that are files or folders, by their metavar.
_PATHS = {
    "FILE": shtab.FILE,
    "FILE.html": shtab.FILE,
    "FILE.html|none": shtab.FILE,
    "FILE.py|MODULE": shtab.FILE,
    "FILE_OR_FOLDER": shtab.FILE,
    "MODEL.keras": shtab.FILE,
    "DIR": shtab.DIRECTORY,
    "FOLDER": shtab.DIRECTORY,
    "OUT": shtab.DIRECTORY,
}


class _StoreAction(argparse.Action):
    """Stores a value. Shells complete it by its metavar."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.metavar in _PATHS:
            self.complete = _PATHS[self.metavar]

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None
    ) -> None:
        setattr(namespace, self.dest, values)


def complete_paths(parser: argparse.ArgumentParser) -> None:
    """Has shells complete the files and folders among the values of a parser without arguments."""
    parser.register("action", None, _StoreAction)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--print-completion SHELL` to the parser of the whole command."""
    shtab.add_argument_to(
        parser,
        "--print-completion",
        help="print the completion script of a shell; in bash: "
        "source <(tf-salience --print-completion bash)",
    )
