"""What LIT's page and users set of an interpreter, and LIT's kind of error for what is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from lit_nlp.api import types
from lit_nlp.components.gradient_maps import CLASS_KEY, INTERPOLATION_KEY, NORMALIZATION_KEY

from tf_salience.utils import validation

Config = Mapping[str, Any] | None


def spec(class_key: str, *, normalize: bool, steps: int | None = None) -> types.Spec:
    """Returns LIT's types of what can be set.

    Args:
        class_key: the default of the class to explain; "" for that of the label field.
        normalize: the default.
        steps: the default; None for an interpreter without steps.
    """
    values: dict[str, Any] = {
        CLASS_KEY: types.TextSegment(default=class_key, required=False),
        NORMALIZATION_KEY: types.Boolean(default=normalize, required=False),
    }
    if steps is not None:
        values[INTERPOLATION_KEY] = types.Scalar(
            min_val=5, max_val=max(100, steps), default=steps, step=1, required=False
        )
    return values


def steps(config: Config, default: int, *, least: int) -> int:
    """Returns the number of interpolation steps.

    Raises:
        RuntimeError: for a value that is not a number, as LIT raises; or one below `least`.
    """
    value = (config or {}).get(INTERPOLATION_KEY, default)
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise RuntimeError(f'Failed to parse interpolation steps from "{value}".') from error
    if number < least:
        raise RuntimeError(f"`{INTERPOLATION_KEY}` must be at least {least}. Received: {number}")
    return number


def normalize(config: Config, default: bool) -> bool:
    """Returns whether scores are normalized.

    Raises:
        RuntimeError: for a value that is not a boolean.
    """
    value = (config or {}).get(NORMALIZATION_KEY, default)
    if not isinstance(value, bool):
        raise RuntimeError(f'Failed to parse normalization from "{value}": it is true or false.')
    return value


def class_name(config: Config, default: str, classes: Sequence[str] | None) -> str:
    """Returns the class to explain; "" for that of each example's label field.

    Args:
        config: what is set.
        default: of the interpreter.
        classes: the names that there are; None for a model of another kind.

    Raises:
        RuntimeError: for a class that does not exist.
    """
    value = (config or {}).get(CLASS_KEY, default)
    if not isinstance(value, str) or (value and classes is not None and value not in classes):
        names = validation.format_value(list(classes or ()))
        raise RuntimeError(
            f"`{CLASS_KEY}` must be the name of a class, one of {names}, or empty. "
            f"Received: {validation.format_value(value)}"
        )
    return value
