"""From the model's outputs to the scalar that is explained, (batch,)."""

from tf_salience.models.outputs import chosen
from tf_salience.targets.columns import Context, PredictedTokens
from tf_salience.targets.given import get
from tf_salience.targets.kinds import (
    Custom,
    LogProbability,
    Margin,
    Probability,
    Target,
    Unit,
)
from tf_salience.targets.position import Position
from tf_salience.targets.span import Span

__all__ = [
    "Context",
    "Custom",
    "LogProbability",
    "Margin",
    "Position",
    "Predicted",
    "Probability",
    "Span",
    "Target",
    "Unit",
    "chosen",
    "get",
]
