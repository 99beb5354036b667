"""Warning classes, one for each thing that may be unwelcome, and `warn`."""

import inspect
import warnings


class NoTokensWarning(UserWarning):
    """An example has no real token, an empty text for instance: nothing in it can be explained."""


class UnknownTokensWarning(UserWarning):
    """Every token of an example is unknown to the vocabulary: the model saw no word of it."""


class TruncatedTextWarning(UserWarning):
    """A text is longer than the model takes: its end was never seen, so it has no score."""


class NotConvergedWarning(UserWarning):
    """Integrated gradients reached `max_steps` before the tolerance was met."""


class SmallerChunksWarning(UserWarning):
    """The device ran out of memory; the work goes on with fewer rows at a time."""


class NotCompiledWarning(UserWarning):
    """XLA could not compile the model; the work goes on without it."""


class DamagedLogWarning(UserWarning):
    """Lines of a log are not whole, as after a crash; they are skipped."""


class ProbeWarning(UserWarning):
    """Probes could not be explained; training goes on, and the log says what was wrong."""


def warn(message: str, category: type[UserWarning]) -> None:
    """Warns at the line outside this package that led here."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("tf_salience"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
