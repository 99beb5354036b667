"""Types of the values on the command line: each reads a text, or says what it must be."""

import argparse
import re
from typing import Any

from tf_salience.utils.validation import format_value


def _number(text: str) -> int | None:
    """Returns a number of ASCII digits, or None; `int` takes the digits of all scripts."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def count(text: str) -> int:
    """Reads a positive integer."""
    number = _number(text)
    if not number:
        raise argparse.ArgumentTypeError(
            f"must be a positive integer. Received: {format_value(text)}"
        )
    return number


def integer(text: str) -> int:
    """Reads an integer from 0."""
    number = _number(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"must be a number. Received: {format_value(text)}")
    return number


def steps(text: str) -> int | str:
    """Reads a positive integer or "auto"."""
    if text == "auto":
        return text
    number = _number(text)
    if not number:
        raise argparse.ArgumentTypeError(
            f"must be a positive integer or auto. Received: {format_value(text)}"
        )
    return number


def index_or_name(text: str) -> int | str:
    """Reads an index; any other text is a name."""
    number = _number(text)
    return text if number is None else number


def comma_separated(text: str) -> list[str]:
    """Reads a list with commas between its parts."""
    return [name.strip() for name in text.split(",")]


#: The keywords of an option that is a positive integer.
COUNT: dict[str, Any] = {"type": count, "metavar": "N"}
