"""`Target`: the scalar that is explained, computed from the model's outputs.

A target first selects output units at the input (`resolve`): the predicted class, or the label.
The selection is a row of column numbers per example and stays the same along the whole path, so the
class cannot change on the way. Then it computes the scalar from the outputs inside the graph
(`score`).
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from tf_salience.targets.class_targets import Unit
from tf_salience.targets.context import Context, IntArray
from tf_salience.targets.custom import Custom
from tf_salience.utils import validation
from tf_salience.utils.validation import format_value


@runtime_checkable
class Target(Protocol):
    """The scalar that is explained; any object with these members is a target."""

    @property
    def units(self) -> tuple[Any, ...]:
        """The selected output units, as `Unit.which` has them, one per column of `resolve`."""

    def resolve(self, context: Context) -> IntArray:
        """Returns the selection at the input, (batch, columns), int32."""

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the scalar of each row, (batch,), inside the graph.

        Args:
            outputs: the model's outputs for these rows.
            target_indices: (batch, columns), the rows' selection from `resolve`.
        """

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns the name of what is explained for one example.

        Args:
            target_indices: (columns,), the example's selection from `resolve`.
            context: the examples.
        """

    def get_config(self) -> dict[str, Any]:
        """Returns plain values from which the target can be made again."""


@runtime_checkable
class TokenTarget(Target, Protocol):
    """A target at a place among the tokens, which `Explainer.matrix` splits by token."""

    @property
    def for_all_tokens(self) -> Target:
        """The target before it is split by token."""

    def token_targets(self, target_indices: IntArray, context: Context) -> list[tuple[int, int]]:
        """Returns the tokens that it splits into, (row, column) each.

        Args:
            target_indices: (batch, columns), the selection of `for_all_tokens`.
            context: the examples; `row` counts them.
        """

    def at_columns(self, columns: Sequence[int], examples: Sequence[int]) -> Target:
        """Returns the target at one column of each of these examples, which may repeat.

        Args:
            columns: (targets,), the columns of the tokens.
            examples: (targets,), their examples' numbers among those that the user passed.
        """


def reads_logits(target: Target) -> bool:
    """True if a target reads logits where the model ends in a softmax or sigmoid that is seen.

    Such a target has an attribute `reads_logits`, true; any other reads the outputs as they are.
    """
    return bool(getattr(target, "reads_logits", False))


def as_target(value: Any) -> Target:
    """Returns a target from a target, an identifier of output units, or a callable.

    Raises:
        TypeError: for anything else.
    """
    is_class = isinstance(value, type)
    methods = ("resolve", "score", "name", "get_config")
    missing = [name for name in methods if not callable(getattr(value, name, None))]
    missing = missing if hasattr(value, "units") else ["units", *missing]
    if not missing and not is_class:
        return value
    if isinstance(value, str | Sequence | np.ndarray) or validation.is_integer(value):
        return Unit(value)
    if callable(value) and not is_class:
        return Custom(value)
    reason = f", without {', '.join(missing)}" if len(missing) <= len(methods) else ""
    reason = ", a class: pass an instance" if is_class else reason
    raise TypeError(
        "`target` must be 'predicted', 'label', a class index, a class name, one of these for each "
        "example, a `tf_salience.targets` object, a callable `outputs -> (batch,)`, or an object "
        "with `units`, `resolve`, `score`, `name` and `get_config`. "
        f"Received: target={format_value(value)} (of type {type(value).__name__}{reason})"
    )
