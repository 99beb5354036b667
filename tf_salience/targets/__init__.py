"""Targets: from the model's outputs to the scalar that is explained, (batch,)."""

from tf_salience.targets.class_targets import LogProbability, Margin, Probability, Unit
from tf_salience.targets.context import Context
from tf_salience.targets.custom import Custom
from tf_salience.targets.position import Position
from tf_salience.targets.serialization import get, serialize
from tf_salience.targets.span import Span
from tf_salience.targets.target import Target, TokenTarget, reads_logits

__all__ = [
    "Context",
    "Custom",
    "LogProbability",
    "Margin",
    "Position",
    "Probability",
    "Span",
    "Target",
    "TokenTarget",
    "Unit",
    "get",
    "reads_logits",
    "serialize",
]
