"""What TensorBoard shows of an evaluation."""

from collections.abc import Mapping
from os import PathLike

import numpy as np

from tf_salience.callbacks.history import History
from tf_salience.callbacks.summaries import Summaries
from tf_salience.explanation import TokenSalience
from tf_salience.visualization import history_image, markdown

#: The pictures are drawn anew once there are so many times more evaluations than they show: all of
#: the first twenty, and ever fewer of a long run, whose event file would else grow with its square.
_GROWN = 1.05


class Board:
    """Writes summaries.

    Args:
        log_dir: the folder of the run.
        name: what the tags begin with.
    """

    def __init__(self, log_dir: str | PathLike[str], name: str) -> None:
        self._summaries = Summaries(log_dir)
        self._name = name
        self._shown = self._pictured = 0

    def show(
        self,
        scalars: Mapping[str, float],
        saliences: Mapping[int, TokenSalience],
        history: History,
        step: int,
    ) -> None:
        """Shows one evaluation.

        Args:
            scalars: by name.
            saliences: by the number of the probe.
            history: of the probes, this evaluation included.
            step: of the optimizer.
        """
        self._shown += 1
        for key, value in scalars.items():
            self._summaries.scalar(f"{self._name}/{key}", value, step)
        scores = [salience.scores for salience in saliences.values()]
        if sum(map(len, scores)):
            self._summaries.histogram(f"{self._name}/scores", np.concatenate(scores), step)
        for probe, salience in saliences.items():
            text = markdown.table(salience.header, salience.tokens, salience.scores.tolist())
            self._summaries.text(f"{self._name}/probe_{probe}/tokens", text, step)
        if self._shown >= _GROWN * self._pictured:
            self._draw(history)
        self._summaries.flush()

    def close(self, history: History) -> None:
        """Draws what was not drawn yet, and ends the event file."""
        if self._pictured < self._shown:
            self._draw(history)
        self._summaries.close()

    def _draw(self, history: History) -> None:
        """The history of each probe, as a picture."""
        self._pictured = self._shown
        for probe, columns in history.columns.items():
            targets = dict.fromkeys(column.target_name for column in columns)
            png, size = history_image.strip(
                f"probe {probe}: {', then '.join(targets)}",
                columns[-1].tokens,
                [(column.label, column.scores) for column in columns],
            )
            tag = f"{self._name}/probe_{probe}/history"
            self._summaries.image(tag, png, size, columns[-1].step)
