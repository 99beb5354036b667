"""`Task`: what the outputs of a model mean to LIT: probabilities of classes, or a score."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tf_salience import targets
from tf_salience.targets import output_units
from tf_salience.utils.arrays import Array


@dataclass(frozen=True)
class Task:
    """What the outputs of a model mean to LIT.

    Attributes:
        classes: the names of the classes; None for a regression score.
        units: the number of output units.
        are_probabilities: whether the outputs are probabilities, rather than logits or a score.
    """

    classes: tuple[str, ...] | None
    units: int
    are_probabilities: bool

    @classmethod
    def from_outputs(
        cls, outputs: Any, class_names: list[str] | None, activation: str | None
    ) -> "Task":
        """Reads the task off some outputs.

        A single unit is a regression score if it has neither two class names nor a sigmoid.

        Args:
            outputs: of some examples, (batch, units) or (batch,).
            class_names: the name of each class, or None.
            activation: "softmax" or "sigmoid", where the output is seen to end in it.

        Raises:
            ValueError: for outputs of another rank.
        """
        matrix = np.asarray(output_units.as_matrix(outputs), np.float64)
        units = matrix.shape[1]
        output_units.check_class_names(class_names, units)
        sum_to_one = (matrix >= 0).all() and np.allclose(matrix.sum(axis=1), 1, atol=1e-3)
        are_probabilities = activation is not None or (units > 1 and bool(sum_to_one))
        if units == 1 and class_names is not None and len(class_names) == 2:
            classes = tuple(class_names)
        elif units == 1 and not are_probabilities:
            return cls(None, 1, False)
        else:
            named = class_names if units > 1 else None
            classes = tuple(named or map(str, range(max(units, 2))))
        return cls(classes, units, are_probabilities)

    @property
    def gradient_target(self) -> targets.Target:
        """The target of LIT's models: the probability of the label's class, or the score."""
        if self.classes is None:
            return targets.Unit("predicted")
        of_label = targets.Unit if self.are_probabilities else targets.Probability
        return of_label("label")

    def of_label(self, target: targets.Target) -> targets.Target:
        """Returns a target of the predicted class as that of the label; another as it is.

        LIT tells the class to explain by the label field, which its page sets to the predicted one.
        """
        if self.classes is None:
            return target
        if isinstance(target, targets.Unit):
            return replace(target, which="label")
        if isinstance(target, targets.Probability | targets.LogProbability):
            return replace(target, of="label")
        return target

    def probabilities(self, outputs: Array) -> Array:
        """Computes the probability of each class, (batch, classes), float32.

        Args:
            outputs: (batch, units) or (batch,).
        """
        matrix = np.asarray(output_units.as_matrix(outputs), np.float64)
        if not self.are_probabilities:
            matrix = _sigmoid(matrix) if self.units == 1 else _softmax(matrix)
        if self.units == 1:
            matrix = np.concatenate([1.0 - matrix, matrix], axis=1)
        return matrix.astype(np.float32)

    def columns(self, classes: Array) -> Array:
        """Returns the target indices of classes, (batch, 1), int32."""
        if self.classes is None:
            return np.zeros((len(classes), 1), np.int32)
        first = output_units.first_class(self.units, self.classes)
        return np.asarray(classes - first, np.int32)[:, None]

    def class_index(self, name: Any) -> int:
        """Returns the index of a class by its name, or -1 for what is none."""
        names = self.classes or ()
        return names.index(name) if isinstance(name, str) and name in names else -1


def _sigmoid(logits: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -logits))


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
