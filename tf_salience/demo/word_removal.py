"""Quality of token scores: the drop in probability when the top-scored word is removed."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from tf_salience.demo.model import probabilities, token_ids

_RANDOM_DRAWS = 20


@dataclass(frozen=True)
class ScoreQuality:
    """Quality of one kind of scores, a row of the demo's table.

    Attributes:
        name: name of the method, or "random".
        drop: mean drop of the predicted class' probability when the top word is removed.
        gold_share: share of texts whose top word carries the label; None without gold words.
        seconds: duration of the explanation, or None.
    """

    name: str
    drop: float
    gold_share: float | None
    seconds: float | None


class WordRemoval:
    """Removes the token with the top score from each text and predicts again.

    Args:
        model: from `text_classifier`.
        texts: batch strings.
        gold: for each text a flag for each token, (tokens,), or None.
    """

    def __init__(
        self, model: keras.Model, texts: Sequence[str], gold: Sequence[np.ndarray] | None
    ) -> None:
        self._model = model
        self._ids = token_ids(model, texts)
        self._gold = gold
        self._lengths = (self._ids != 0).sum(axis=1)
        probability = probabilities(model, self._ids)
        self._predicted = probability.argmax(axis=1)
        self._probability = probability.max(axis=1)

    def evaluate(
        self, name: str, scores: Sequence[np.ndarray], seconds: float | None = None
    ) -> ScoreQuality:
        """Returns the quality of scores, (tokens,) for each text."""
        tops = np.array([row.argmax() if row.size else 0 for row in scores], dtype=np.int64)
        drop = self._probability - self._probability_without(tops)
        # A text without tokens has no top word.
        mean_drop = float(drop[self._lengths > 0].mean())
        return ScoreQuality(name, mean_drop, self._gold_share(tops), seconds)

    def evaluate_random(self, *, seed: int) -> ScoreQuality:
        """Returns the mean quality of random scores over several draws."""
        rng = np.random.default_rng(seed)
        draws = [
            self.evaluate("random", [rng.random(length) for length in self._lengths])
            for _ in range(_RANDOM_DRAWS)
        ]
        shares = [draw.gold_share for draw in draws if draw.gold_share is not None]
        return ScoreQuality(
            "random",
            float(np.mean([draw.drop for draw in draws])),
            float(np.mean(shares)) if shares else None,
            None,
        )

    def _probability_without(self, positions: np.ndarray) -> np.ndarray:
        """Returns the predicted class' probability, (batch,), without one token of each text."""
        batch, tokens = self._ids.shape
        keep = np.arange(tokens) != positions[:, None]
        # The padding at the end keeps a batch of one-token texts from having no column at all.
        ids = np.pad(self._ids[keep].reshape(batch, tokens - 1), ((0, 0), (0, 1)))
        return np.asarray(probabilities(self._model, ids)[np.arange(batch), self._predicted])

    def _gold_share(self, tops: np.ndarray) -> float | None:
        if self._gold is None:
            return None
        return float(np.mean([gold[top] for gold, top in zip(self._gold, tops, strict=True)]))
