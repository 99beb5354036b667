"""Failures of a `SalienceLogger`: they end the training, or a warning tells of them once."""

from tf_salience.utils import validation, warnings


class Failures:
    """Raises errors, or warns of the first of each kind.

    Args:
        raise_errors: True to raise.
    """

    def __init__(self, *, raise_errors: bool) -> None:
        self.raise_errors = raise_errors
        self._warned: set[str] = set()

    def handle(self, error: Exception, *, kind: str, lost: str) -> None:
        """Raises an error of reading or writing a log, or warns of it.

        Args:
            error: the error.
            kind: what could not be read or written; there is one warning for each kind.
            lost: a sentence that says what is lost.
        """
        if self.raise_errors:
            raise error
        self.warn_once(
            f"{lost} Training continues, and there is no second warning of {kind}. "
            f"{type(error).__name__}: {validation.format_error(error)}",
            warnings.NotLoggedWarning,
            kind=kind,
        )

    def warn_once(self, message: str, category: type[UserWarning], *, kind: str) -> None:
        """Warns of the first failure of a kind."""
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, category)
