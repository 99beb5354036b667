"""Targets from what a user passes, to plain values and back."""

from typing import Any

from tf_salience.targets.class_targets import LogProbability, Margin, Probability, Unit
from tf_salience.targets.custom import Custom
from tf_salience.targets.position import Position
from tf_salience.targets.span import Span
from tf_salience.targets.target import Target, as_target
from tf_salience.utils.validation import format_value

#: The targets of this package by name; their configs are flat.
BUILT_IN: dict[str, Any] = {
    target.__name__: target
    for target in (Unit, Margin, Probability, LogProbability, Custom, Position, Span)
}


def get(target: Any) -> Target:
    """Returns a target from what a user passes as `target`.

    Args:
        target: "predicted", "label", a class index or name, or a sequence of one index or name per
            example; a callable `outputs -> (batch,)`; an object with the members of `Target`; or a
            dict from `serialize`.

    Raises:
        TypeError: for anything else.
        ValueError: for a dict that names no target that can be made again.

    Example:
        >>> tfs.targets.get("predicted")
        Unit(which='predicted')
    """
    return _restored(target) if isinstance(target, dict) else as_target(target)


def serialize(target: Target) -> dict[str, Any]:
    """Returns a target as plain values, from which `get` makes it again.

    A target of this package: its `get_config()`. A target of the user:
    `{"class_name": ..., "config": target.get_config()}`, with the name under which
    `keras.saving.register_keras_serializable` has registered its class.

    Example:
        >>> tfs.targets.serialize(tfs.targets.Margin(1, 0))
        {'class_name': 'Margin', 'a': 1, 'b': 0}
    """
    if type(target) is Position:
        return {**target.get_config(), "target": serialize(as_target(target.target))}
    if type(target) in BUILT_IN.values():
        return target.get_config()
    import keras

    class_name = keras.saving.get_registered_name(type(target))
    return {"class_name": class_name, "config": target.get_config()}


def _restored(config: dict[str, Any]) -> Target:
    class_name = config.get("class_name")
    if class_name in BUILT_IN and "config" not in config:
        arguments = {name: value for name, value in config.items() if name != "class_name"}
        if class_name == "Custom":
            raise ValueError(
                "A callable `target` cannot be made again from its name. Received: "
                f"target={format_value(config)}. Pass the callable itself."
            )
        if class_name == "Position":
            arguments["target"] = get(arguments["target"])
        return BUILT_IN[class_name](**arguments)
    import keras

    target_class = keras.saving.get_registered_object(class_name) if class_name else None
    if target_class is None:
        raise ValueError(
            f"A `target` config must name one of {list(BUILT_IN)} or a registered class. Received: "
            f"target={format_value(config)}. Register your class with "
            "`keras.saving.register_keras_serializable()`, and import it before this."
        )
    from_config = getattr(target_class, "from_config", lambda config: target_class(**config))
    return as_target(from_config(config.get("config", {})))
