"""tf_salience: explains Keras text models token by token, with numbers that say how right they are.

The public names are resolved when they are first used: importing the package imports neither
TensorFlow nor Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tf_salience.version import __version__

if TYPE_CHECKING:
    from tf_salience import targets
    from tf_salience.attribution.methods import GradientDotInput, GradientNorm, IntegratedGradients
    from tf_salience.callbacks import SalienceLogger
    from tf_salience.callbacks.log import read_log
    from tf_salience.explainer.explainer import Explainer, explain
    from tf_salience.explanation import Explanation, SalienceMatrix, TokenSalience
    from tf_salience.export import export_saved_model
    from tf_salience.export.metadata import read_signature
    from tf_salience.models.report import inspect
    from tf_salience.utils.validation import (
        DamagedLogWarning,
        NotCompiledWarning,
        NotConvergedWarning,
        NoTokensWarning,
        ProbeWarning,
        SmallerChunksWarning,
        TruncatedTextWarning,
        UnknownTokensWarning,
    )

_HOMES = {
    "Explainer": "explainer.explainer",
    "explain": "explainer.explainer",
    "Explanation": "explanation",
    "SalienceMatrix": "explanation",
    "TokenSalience": "explanation",
    "GradientNorm": "attribution.methods",
    "GradientDotInput": "attribution.methods",
    "IntegratedGradients": "attribution.methods",
    "SalienceLogger": "callbacks",
    "read_log": "callbacks.log",
    "export_saved_model": "export",
    "inspect": "models.report",
    "read_signature": "export.metadata",
    "DamagedLogWarning": "utils.validation",
    "NoTokensWarning": "utils.validation",
    "NotCompiledWarning": "utils.validation",
    "NotConvergedWarning": "utils.validation",
    "ProbeWarning": "utils.validation",
    "SmallerChunksWarning": "utils.validation",
    "TruncatedTextWarning": "utils.validation",
    "UnknownTokensWarning": "utils.validation",
}

__all__ = [
    "DamagedLogWarning",
    "Explainer",
    "Explanation",
    "GradientDotInput",
    "GradientNorm",
    "IntegratedGradients",
    "NoTokensWarning",
    "NotCompiledWarning",
    "NotConvergedWarning",
    "ProbeWarning",
    "SalienceLogger",
    "SalienceMatrix",
    "SmallerChunksWarning",
    "TokenSalience",
    "TruncatedTextWarning",
    "UnknownTokensWarning",
    "__version__",
    "explain",
    "export_saved_model",
    "inspect",
    "read_log",
    "read_signature",
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
