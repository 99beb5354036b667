"""The warning classes of the package, and `warn`, which attributes a warning to the user's code."""

import inspect
import warnings


class NoTokensWarning(UserWarning):
    """An example has no real token, as an empty text has none, so there is nothing to explain."""


class UnknownTokensWarning(UserWarning):
    """All tokens of an example are unknown to the vocabulary."""


class TruncatedTextWarning(UserWarning):
    """A text is longer than the model accepts; its truncated end has no scores."""


class UnmaskedPaddingWarning(UserWarning):
    """The model does not mask its padding, which therefore has a part of the salience."""


class NotConvergedWarning(UserWarning):
    """Integrated gradients did not meet the tolerance, by `max_steps` or at all."""


class GradientUnderflowWarning(UserWarning):
    """The gradients of an example are 0, or too small for the model's float16."""


class SmallerChunksWarning(UserWarning):
    """The device ran out of memory; the computation continues with fewer rows at a time."""


class NotCompiledWarning(UserWarning):
    """XLA could not compile the model; the computation continues without XLA."""


class UnexplainedRowsWarning(UserWarning):
    """Rows of a data set could not be explained; the folder has them with their reasons."""


class DamagedLogWarning(UserWarning):
    """Lines of a log are incomplete, for example after a crash, and are skipped."""


class NotLoggedWarning(UserWarning):
    """A `SalienceLogger` could not write or read its log; training continues."""


class ProbeWarning(UserWarning):
    """Probes could not be explained; training continues, and the log records the error."""


def warn(message: str, category: type[UserWarning]) -> None:
    """Issues a warning, attributed to the first caller outside this package."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("tf_salience"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
