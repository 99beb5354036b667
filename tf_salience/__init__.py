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
    from tf_salience.attribution.occlusion import Occlusion
    from tf_salience.batch.explain_dataset import explain_dataset
    from tf_salience.batch.summarize import summarize
    from tf_salience.callbacks.log import read_log
    from tf_salience.callbacks.salience_logger import SalienceLogger
    from tf_salience.evaluation.evaluate import evaluate
    from tf_salience.evaluation.evaluation import Evaluation
    from tf_salience.evaluation.shortcut_protocol import find_shortcuts
    from tf_salience.evaluation.shortcuts import plant_shortcut
    from tf_salience.explainer.explainer import Explainer, explain
    from tf_salience.explanation import Explanation, SalienceMatrix, TokenSalience
    from tf_salience.export.metadata import read_signature
    from tf_salience.export.saved_model import export_saved_model
    from tf_salience.models.report import inspect
    from tf_salience.reporting.write_report import write_report
    from tf_salience.utils.warnings import (
        DamagedLogWarning,
        GradientUnderflowWarning,
        NotCompiledWarning,
        NotConvergedWarning,
        NotLoggedWarning,
        NoTokensWarning,
        ProbeWarning,
        SmallerChunksWarning,
        TruncatedTextWarning,
        UnexplainedRowsWarning,
        UnknownTokensWarning,
        UnmaskedPaddingWarning,
    )
    from tf_salience.visualization import plot

_HOMES = {
    "Explainer": "explainer.explainer",
    "explain": "explainer.explainer",
    "explain_dataset": "batch.explain_dataset",
    "Explanation": "explanation",
    "Evaluation": "evaluation.evaluation",
    "evaluate": "evaluation.evaluate",
    "find_shortcuts": "evaluation.shortcut_protocol",
    "plant_shortcut": "evaluation.shortcuts",
    "SalienceMatrix": "explanation",
    "TokenSalience": "explanation",
    "GradientNorm": "attribution.methods",
    "GradientDotInput": "attribution.methods",
    "IntegratedGradients": "attribution.methods",
    "Occlusion": "attribution.occlusion",
    "summarize": "batch.summarize",
    "SalienceLogger": "callbacks.salience_logger",
    "read_log": "callbacks.log",
    "export_saved_model": "export.saved_model",
    "inspect": "models.report",
    "read_signature": "export.metadata",
    "DamagedLogWarning": "utils.warnings",
    "GradientUnderflowWarning": "utils.warnings",
    "NoTokensWarning": "utils.warnings",
    "NotCompiledWarning": "utils.warnings",
    "NotConvergedWarning": "utils.warnings",
    "NotLoggedWarning": "utils.warnings",
    "ProbeWarning": "utils.warnings",
    "SmallerChunksWarning": "utils.warnings",
    "TruncatedTextWarning": "utils.warnings",
    "UnexplainedRowsWarning": "utils.warnings",
    "UnknownTokensWarning": "utils.warnings",
    "UnmaskedPaddingWarning": "utils.warnings",
    "write_report": "reporting.write_report",
}

__all__ = [
    "DamagedLogWarning",
    "Evaluation",
    "Explainer",
    "Explanation",
    "GradientDotInput",
    "GradientNorm",
    "GradientUnderflowWarning",
    "IntegratedGradients",
    "NoTokensWarning",
    "NotCompiledWarning",
    "NotConvergedWarning",
    "NotLoggedWarning",
    "Occlusion",
    "ProbeWarning",
    "SalienceLogger",
    "SalienceMatrix",
    "SmallerChunksWarning",
    "TokenSalience",
    "TruncatedTextWarning",
    "UnexplainedRowsWarning",
    "UnknownTokensWarning",
    "UnmaskedPaddingWarning",
    "__version__",
    "evaluate",
    "explain",
    "explain_dataset",
    "export_saved_model",
    "find_shortcuts",
    "inspect",
    "plant_shortcut",
    "plot",
    "read_log",
    "read_signature",
    "summarize",
    "targets",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name == "targets":
        return importlib.import_module("tf_salience.targets")
    if name == "plot":
        return importlib.import_module("tf_salience.visualization.plot")
    if name in _HOMES:
        return getattr(importlib.import_module(f"tf_salience.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
