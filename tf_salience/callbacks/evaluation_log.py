"""Where evaluations go: a log of JSON lines and TensorBoard summaries; errors become warnings."""

from collections.abc import Mapping
from pathlib import Path

from tf_salience.callbacks import log
from tf_salience.callbacks.evaluation import Evaluation, is_complete
from tf_salience.callbacks.failures import Failures
from tf_salience.callbacks.history import ScoreHistory
from tf_salience.callbacks.tensorboard import TensorBoardWriter
from tf_salience.utils import validation, warnings


class EvaluationLog:
    """Writes evaluations to `<log_dir>/<name>.jsonl` and to `<log_dir>/validation`.

    Whatever cannot be written is handed to `failures`, and the next evaluation is tried again.

    Args:
        log_dir: the folder of the logs.
        name: the name of the log and the prefix of the scalars.
        failures: handles the errors.
    """

    def __init__(self, log_dir: Path, name: str, failures: Failures) -> None:
        self._file = log_dir / (name + log.SUFFIX)
        self._tensorboard = TensorBoardWriter(log_dir / "validation", name)
        self._failures = failures
        self._history = ScoreHistory()

    @property
    def file(self) -> str:
        """The path of the log, for messages."""
        return validation.format_value(str(self._file))

    def continue_earlier(self) -> int:
        """Reads the log of an earlier run; returns the number of evaluations in it."""
        evaluations = 0
        try:
            records = log.read_log(self._file) if self._file.is_file() else []
            complete = list(filter(is_complete, records))
            self._history = ScoreHistory(complete)
            evaluations = 1 + max((record["evaluation"] for record in complete), default=-1)
            if len(complete) < len(records):
                raise ValueError(
                    "A record must have the keys that a `SalienceLogger` writes. Received: "
                    f"{len(records) - len(complete)} of {len(records)} records without them"
                )
        except Exception as error:
            self._failures.handle(
                error,
                kind="the earlier log",
                lost=f"The log {self.file} of an earlier run is continued without what is "
                "not readable.",
            )
        return evaluations

    def write(self, evaluation: Evaluation, scalars: Mapping[str, float]) -> None:
        """Writes an evaluation and its scalars."""
        try:
            log.append(self._file, evaluation.records())
        except Exception as error:
            self._failures.handle(
                error,
                kind="the log",
                lost=f"Evaluation {evaluation.number} is missing from the log {self.file}; each "
                "later one is tried again.",
            )
        for probe, scores in evaluation.scores.items():
            self._history.append(probe, scores)
        saliences = {
            probe: explanation.salience for probe, explanation in evaluation.explanations.items()
        }
        try:
            self._tensorboard.write(scalars, saliences, evaluation.step)
            self._draw()
        except Exception as error:
            self._handle_tensorboard_error(error)

    def close(self) -> None:
        """Closes the event file; a later evaluation creates a new one."""
        try:
            self._draw(at_end=True)
            self._tensorboard.close()
        except Exception as error:
            self._handle_tensorboard_error(error)

    def _draw(self, *, at_end: bool = False) -> None:
        try:
            self._tensorboard.draw(self._history, at_end=at_end)
        except ImportError as error:
            self._failures.warn_once(
                "TensorBoard has no pictures of the probes' histories; all the rest is logged. "
                f"{error}",
                warnings.NotLoggedWarning,
                kind="pictures",
            )

    def _handle_tensorboard_error(self, error: Exception) -> None:
        self._failures.handle(
            error,
            kind="TensorBoard",
            lost="TensorBoard summaries of an evaluation are missing; each later one is tried "
            "again.",
        )
