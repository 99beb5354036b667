"""From what a user passes as `target` to a target."""

from typing import Any

from tf_salience.targets import kinds
from tf_salience.targets.position import Position
from tf_salience.targets.span import Span


def get(target: Any) -> kinds.Target:
    """A `Target` from what a user passes.

    Raises:
        TypeError: if it is none of the things a target can be.
    """
    return target if isinstance(target, Position | Span) else kinds.get(target)
