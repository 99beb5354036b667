"""tf_salience: explains Keras text models token by token, with numbers that say how right they are.

The public names are resolved when they are first used: importing the package imports neither
TensorFlow nor Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tf_salience.version import __version__

if TYPE_CHECKING:
    from tf_salience import targets
    from tf_salience.checks import (
        NotCompiledWarning,
        NotConvergedWarning,
        NoTokensWarning,
        SmallerChunksWarning,
        TruncatedTextWarning,
        UnknownTokensWarning,
    )
    from tf_salience.explainer import Explainer, explain
    from tf_salience.explanation import Explanation, TokenSalience
    from tf_salience.methods import GradientDotInput, GradientNorm, IntegratedGradients

_HOMES = {
    "Explainer": "explainer",
    "explain": "explainer",
    "Explanation": "explanation",
    "TokenSalience": "explanation",
    "GradientNorm": "methods",
    "GradientDotInput": "methods",
    "IntegratedGradients": "methods",
    "NoTokensWarning": "checks",
    "NotCompiledWarning": "checks",
    "NotConvergedWarning": "checks",
    "SmallerChunksWarning": "checks",
    "TruncatedTextWarning": "checks",
    "UnknownTokensWarning": "checks",
}

__all__ = [
    "Explainer",
    "Explanation",
    "GradientDotInput",
    "GradientNorm",
    "IntegratedGradients",
    "NoTokensWarning",
    "NotCompiledWarning",
    "NotConvergedWarning",
    "SmallerChunksWarning",
    "TokenSalience",
    "TruncatedTextWarning",
    "UnknownTokensWarning",
    "__version__",
    "explain",
    "targets",
]


def __getattr__(name: str) -> Any:
    if name == "targets":
        return importlib.import_module("tf_salience.targets")
    if name in _HOMES:
        return getattr(importlib.import_module(f"tf_salience.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
