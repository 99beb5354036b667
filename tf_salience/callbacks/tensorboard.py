"""TensorBoard summaries of an evaluation."""

from collections.abc import Mapping
from os import PathLike

import numpy as np

from tf_salience.callbacks.history import ScoreHistory
from tf_salience.callbacks.summaries import SummaryWriter
from tf_salience.explanation import TokenSalience
from tf_salience.visualization import history_image, markdown

#: Images are drawn again once the number of evaluations has grown by this factor: at each of the
#: first 20, then ever more rarely. The event file of a long run would else grow quadratically.
_REDRAW_FACTOR = 1.05


class TensorBoardWriter:
    """Writes the scalars, tables, images and histograms of evaluations.

    Args:
        log_dir: the folder of the run.
        name: the prefix of the tags.
    """

    def __init__(self, log_dir: str | PathLike[str], name: str) -> None:
        self._summaries = SummaryWriter(log_dir)
        self._name = name
        self._evaluations = self._drawn_evaluations = 0

    def write(
        self,
        scalars: Mapping[str, float],
        saliences: Mapping[int, TokenSalience],
        history: ScoreHistory,
        step: int,
    ) -> None:
        """Writes one evaluation.

        Args:
            scalars: by name.
            saliences: by the number of the probe.
            history: the scores of the probes, up to this evaluation.
            step: the optimizer's iterations.
        """
        self._evaluations += 1
        for key, value in scalars.items():
            self._summaries.scalar(f"{self._name}/{key}", value, step)
        scores = [salience.scores for salience in saliences.values()]
        if sum(map(len, scores)):
            self._summaries.histogram(f"{self._name}/scores", np.concatenate(scores), step)
        for probe, salience in saliences.items():
            text = markdown.table(salience.header, salience.tokens, salience.scores.tolist())
            self._summaries.text(f"{self._name}/probe_{probe}/tokens", text, step)
        if self._evaluations >= _REDRAW_FACTOR * self._drawn_evaluations:
            self._write_images(history)
        self._summaries.flush()

    def close(self, history: ScoreHistory) -> None:
        """Draws the evaluations since the last images, and closes the event file."""
        if self._drawn_evaluations < self._evaluations:
            self._write_images(history)
        self._summaries.close()

    def _write_images(self, history: ScoreHistory) -> None:
        """Writes one image per probe: its tokens by its evaluations."""
        for probe, evaluations in history.by_probe.items():
            targets = dict.fromkeys(scores.target_name for scores in evaluations)
            png, size = history_image.draw_history(
                f"probe {probe}: {', then '.join(targets)}",
                evaluations[-1].tokens,
                [(scores.label, scores.scores) for scores in evaluations],
            )
            tag = f"{self._name}/probe_{probe}/history"
            self._summaries.image(tag, png, size, evaluations[-1].step)
        self._drawn_evaluations = self._evaluations
