"""How well a score finds the words that matter: take its top word out and see what happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from tf_salience.demo.model import probabilities, token_ids

_RANDOM_DRAWS = 20


@dataclass(frozen=True)
class Row:
    """One row of the demo's table.

    Attributes:
        name: of the score.
        fall: mean fall of the predicted class' probability when the top word is taken out.
        gold: share of texts whose top word carries the label, or None where that is not known.
        seconds: what the scores took, or None.
    """

    name: str
    fall: float
    gold: float | None
    seconds: float | None


class Removal:
    """Takes one token out of each of some texts and asks the model again.

    Args:
        model: from `text_classifier`.
        texts: batch strings.
        gold: for each text one flag a token, (tokens,), or None.
    """

    def __init__(
        self, model: keras.Model, texts: Sequence[str], gold: Sequence[np.ndarray] | None
    ) -> None:
        self._model = model
        self._ids = token_ids(model, texts)
        self._gold = gold
        self.lengths = (self._ids != 0).sum(axis=1)
        before = probabilities(model, self._ids)
        self._predicted = before.argmax(axis=1)
        self._before = before.max(axis=1)

    def row(self, name: str, scores: Sequence[np.ndarray], seconds: float | None = None) -> Row:
        """The row of a score, given for each text its scores (tokens,)."""
        tops = np.array([row.argmax() if row.size else 0 for row in scores], dtype=np.int64)
        fall = self._before - self._after(tops)
        # A text without a token has no top word and nothing to take out.
        return Row(name, float(fall[self.lengths > 0].mean()), self._gold_share(tops), seconds)

    def random_row(self, *, seed: int) -> Row:
        """The row of random scores, the mean over many draws."""
        rng = np.random.default_rng(seed)
        rows = [
            self.row("random", [rng.random(length) for length in self.lengths])
            for _ in range(_RANDOM_DRAWS)
        ]
        shares = [row.gold for row in rows if row.gold is not None]
        return Row(
            "random",
            float(np.mean([row.fall for row in rows])),
            float(np.mean(shares)) if shares else None,
            None,
        )

    def _after(self, tops: np.ndarray) -> np.ndarray:
        """The predicted class' probability without each text's token `tops`, (batch,)."""
        batch, tokens = self._ids.shape
        kept = np.arange(tokens) != tops[:, None]
        shorter = self._ids[kept].reshape(batch, tokens - 1)
        # The padding that is put back keeps a one-token text from having no column at all.
        shorter = np.pad(shorter, ((0, 0), (0, 1)))
        return np.asarray(probabilities(self._model, shorter)[np.arange(batch), self._predicted])

    def _gold_share(self, tops: np.ndarray) -> float | None:
        if self._gold is None:
            return None
        return float(np.mean([gold[top] for gold, top in zip(self._gold, tops, strict=True)]))
