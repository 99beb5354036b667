"""Classes of a report: their names, the labels, what each run predicted, and how often rightly."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_salience.data.class_names import check_class_names
from tf_salience.reporting.runs import Run, TargetScores
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array
from tf_salience.utils.validation import format_value

UNKNOWN = -1
#: Of a table of labels beside predictions.
MOST_CLASSES = 40
#: A label of a larger index is likely an id.
_MOST_UNNAMED = 100_000
#: Targets of one class, with the field that says which.
_CLASS_FIELDS = {"Unit": "which", "Probability": "of", "LogProbability": "of"}
#: Above it the second class is predicted; a logit of this size says the same.
_PROBABILITY = 0.5
#: What a single unit without names is called; it is no class.
_SINGLE_UNIT = "output"


def class_names(passed: Any, runs: Sequence[Run], labels: Sequence[Any] | None) -> list[str]:
    """Returns the names of the classes by index; without names `class 0`, `class 1`, ...

    Args:
        passed: as `write_report` takes it, or None: those of the runs.
        runs: all runs.
        labels: as passed, or None.

    Raises:
        ValueError: if the runs have different names, or a class has none.
    """
    highest = max((int(max(c)) for c in _all_indices(runs)), default=UNKNOWN)
    names = check_class_names(passed)
    if names is not None and highest >= len(names):
        raise ValueError(
            f"`class_names` must name every class. Received: a list of length {len(names)}, and "
            f"explanations of class {highest}"
        )
    if names is not None:
        return names
    by_run = [(run.name, list(run.config["class_names"])) for run in runs if _has_names(run)]
    for run_name, other in by_run[1:]:
        if other != by_run[0][1]:
            raise ValueError(
                "The runs of a report must have the same classes in the same order. Received: "
                f"{format_value(by_run[0][1])} in {format_value(by_run[0][0])} and "
                f"{format_value(other)} in {format_value(run_name)}. Pass `class_names=`."
            )
    if by_run:
        return by_run[0][1]
    highest = max([highest, *(label for label in labels or () if validation.is_integer(label))])
    if highest >= _MOST_UNNAMED:
        raise ValueError(
            f"Class indices must be below {_MOST_UNNAMED:,}. Received: {highest}. Pass "
            "`class_names=` if there are as many classes."
        )
    return [f"class {index}" for index in range(highest + 1)]


def _all_indices(runs: Sequence[Run]) -> list[Array]:
    columns = [class_indices(target) for run in runs for target in run.targets]
    return [column for column in columns if len(column)]


def _has_names(run: Run) -> bool:
    return bool(run.config.get("class_names"))


def class_indices(target: TargetScores) -> Array:
    """Returns the index of each example's class, (batch,); (0,) where the target is no class."""
    is_single_unit = set(target.names) == {_SINGLE_UNIT}
    if target.classes is None or is_single_unit or target.config.get("class_name") == "Position":
        return np.zeros(0, np.int64)
    return target.classes


def indices_of(name: str, values: Sequence[Any] | None, names: Sequence[str]) -> Array | None:
    """Returns class indices, (batch,), of indices or names; None and -1 are unknown.

    Args:
        name: of the argument, for messages.
        values: as passed, or None.
        names: of the classes.

    Raises:
        TypeError: for a class that is neither an integer nor a string.
        ValueError: for a class that does not exist.
    """
    if values is None:
        return None
    places = {class_name: index for index, class_name in enumerate(names)}
    indices = [
        _index(name, value, example, places, len(names)) for example, value in enumerate(values)
    ]
    return np.array(indices, np.int64)


def _index(name: str, value: Any, example: int, places: Mapping[str, int], classes: int) -> int:
    if value is None or (validation.is_integer(value) and value == UNKNOWN):
        return UNKNOWN
    if isinstance(value, str) and value in places:
        return places[value]
    if isinstance(value, str):
        raise ValueError(
            f"`{name}` must hold class indices or names, {format_value(list(places))}. Received: "
            f"{format_value(value)} for example {example}. Pass `class_names=` in the order of "
            "the model's outputs if these are not the classes."
        )
    if not validation.is_integer(value):
        raise TypeError(
            f"`{name}` must hold class indices or class names. Received: {format_value(value)} "
            f"(of type {type(value).__name__}) for example {example}"
        )
    if not 0 <= value < classes:
        raise ValueError(
            f"`{name}` must hold class indices from 0 to {classes - 1}. Received: {value} for "
            f"example {example}. Pass `class_names=` with the name of each class."
        )
    return int(value)


def predictions(run: Run, classes: int) -> Array | None:
    """Returns the class that the model predicted for each example, (batch,); None if unknown.

    It is known where the predicted class was explained, or each class was: then it is that of the
    largest output. A single unit is compared with 0.5 if it is a probability, and with 0 if it is a
    logit; where that is not certain, the prediction is not known.

    Args:
        run: the run.
        classes: the number of classes.
    """
    for target in run.targets:
        if _which(target) == "predicted":
            return _predicted(run, target, classes)
    columns = [class_indices(target) for target in run.targets]
    kinds = {target.config.get("class_name") for target in run.targets}
    are_classes = len(kinds) == 1 and all(_which(target) is not None for target in run.targets)
    if not are_classes or any(len(set(column.tolist())) != 1 for column in columns):
        return None
    order = [int(column[0]) for column in columns]
    is_single_unit = any("−" in name for target in run.targets for name in target.names[:1])
    if is_single_unit or classes < 2 or sorted(order) != list(range(classes)):
        return None
    outputs = np.stack([target.output for target in run.targets])
    return np.array(order, np.int64)[outputs.argmax(axis=0)]


def _predicted(run: Run, target: TargetScores, classes: int) -> Array | None:
    """Returns the predictions of a run whose target is the predicted class."""
    indices = class_indices(target)
    units = run.config.get("units")
    # What was saved by 0.1.0, or stands in a folder, does not say how many units there are.
    may_be_single = units == 1 or (units is None and classes == 2 and not (indices == 0).any())
    if not may_be_single:
        return indices if len(indices) else None
    if classes != 2:
        return None
    threshold = _threshold(run, target)
    return None if threshold is None else (target.output > threshold).astype(np.int64)


def _threshold(run: Run, target: TargetScores) -> float | None:
    """Returns the output above which a single unit says the second class; None if unknown."""
    outputs, kind = target.output, target.config.get("class_name")
    is_settled = bool((outputs > _PROBABILITY).all())
    if kind == "LogProbability":
        return float(np.log(_PROBABILITY))
    if kind == "Probability" or run.config.get("activation") == "sigmoid" or is_settled:
        return _PROBABILITY
    are_logits = bool((outputs < 0).any() or (outputs > 1).any())
    return 0.0 if are_logits and run.config.get("units") == 1 else None


def _which(target: TargetScores) -> Any:
    """Returns what a target of one class says of the class; None for another target."""
    field = _CLASS_FIELDS.get(str(target.config.get("class_name")))
    return None if field is None else target.config.get(field)


def accuracy(labels: Array | None, predicted: Array | None, classes: int) -> dict[str, Any] | None:
    """Compares labels with predictions where both are known; None where neither is.

    Returns:
        `value`, the share that is right; `correct`; `count`; `confusion`, (labels, predictions),
        or None for many classes.
    """
    if labels is None or predicted is None:
        return None
    is_known = (labels != UNKNOWN) & (predicted != UNKNOWN)
    count = int(is_known.sum())
    if not count:
        return None
    correct = int((labels == predicted)[is_known].sum())
    confusion = None
    if classes <= MOST_CLASSES:
        cells = labels[is_known] * classes + predicted[is_known]
        confusion = np.bincount(cells, minlength=classes**2).reshape(classes, classes).tolist()
    return {
        "value": correct / count,
        "correct": correct,
        "count": count,
        "confusion": confusion,
    }
