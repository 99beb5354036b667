"""From the model's outputs to the scalar that is explained, (batch,)."""

from tf_salience.targets.columns import Context
from tf_salience.targets.kinds import (
    Custom,
    LogProbability,
    Margin,
    Probability,
    Target,
    Unit,
    get,
)

__all__ = ["Context", "Custom", "LogProbability", "Margin", "Probability", "Target", "Unit", "get"]
