"""TensorBoard summaries of an evaluation."""

from collections.abc import Mapping
from os import PathLike

import numpy as np

from tf_salience.callbacks.history import ScoreHistory
from tf_salience.callbacks.summaries import SummaryWriter
from tf_salience.explanation import TokenSalience
from tf_salience.visualization import color_scale, history_image, markdown

#: Images are drawn again once the number of evaluations has grown by this factor, and at the end. A
#: picture of matplotlib takes as long as many an explanation.
_REDRAW_FACTOR = 4


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
        step: int,
    ) -> None:
        """Writes one evaluation.

        Args:
            scalars: by name.
            saliences: by the number of the probe.
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
        self._summaries.flush()

    def draw(self, history: ScoreHistory, *, at_end: bool = False) -> None:
        """Draws the histories, at the first evaluation, the fourth, the sixteenth and so on.

        Args:
            history: the scores of the probes, up to this evaluation.
            at_end: True: whatever is not drawn yet.

        Raises:
            ImportError: without matplotlib, which the extra `plot` installs.
        """
        drawn = self._drawn_evaluations
        if self._evaluations >= (drawn + 1 if at_end or not drawn else _REDRAW_FACTOR * drawn):
            self._write_images(history)
            self._summaries.flush()

    def close(self) -> None:
        """Closes the event file."""
        self._summaries.close()

    def _write_images(self, history: ScoreHistory) -> None:
        """Writes one image per probe: its tokens by its evaluations."""
        self._drawn_evaluations = self._evaluations
        for probe, evaluations in history.by_probe.items():
            targets = dict.fromkeys(scores.target_name for scores in evaluations)
            png, size = history_image.draw_history(
                f"probe {probe}: {', then '.join(targets)}",
                evaluations[-1].tokens,
                [(scores.label, scores.scores) for scores in evaluations],
                signed=color_scale.is_signed(evaluations[-1].method),
            )
            tag = f"{self._name}/probe_{probe}/history"
            self._summaries.image(tag, png, size, evaluations[-1].step)
