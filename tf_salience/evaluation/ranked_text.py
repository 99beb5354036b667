"""`RankedText`: one text with the scores of every method, and random ones."""

import numpy as np

from tf_salience.evaluation import faithfulness, rankings
from tf_salience.evaluation.faithfulness import Curves
from tf_salience.utils.arrays import Array

#: Random rankings of a text, over which the figures of `random` are averaged.
RANDOM_RANKINGS = 2


class RankedText:
    """One text with the scores of every method, and random ones.

    Args:
        number: of the example in the user's inputs.
        row: of the example among those that are explained together.
        scores: (methods, tokens), of the tokens that may be erased.
        generator: of random scores and of the order of ties.

    Attributes:
        rankings: (rankings, tokens), the scores with the random ones at the end.
        orders: (rankings, tokens), the positions of the tokens, the top one first.
    """

    def __init__(
        self, number: int, row: int, scores: Array, generator: np.random.Generator
    ) -> None:
        self.number, self.row, self.scores = number, row, scores
        random = generator.random((RANDOM_RANKINGS, scores.shape[1]))
        self.rankings = np.concatenate([scores, random])
        # Ties are in the order of the first random ranking: all-zero scores are ranked like it.
        self.orders = np.stack([rankings.descending(row, random[0]) for row in self.rankings])

    @property
    def tokens(self) -> int:
        """The number of tokens that may be erased."""
        return int(self.scores.shape[1])

    def masks(self) -> Array:
        """Builds all tokens to erase: the curves of every ranking, then each token by itself."""
        curves = [faithfulness.curve_masks(order) for order in self.orders]
        return np.concatenate([*curves, np.eye(self.tokens, dtype=bool)])

    def curves(self, outputs: Array) -> tuple[list[Curves], Array]:
        """Splits the outputs for `masks` into the curves, and those without each token."""
        points = self.tokens + 1
        size = 2 * points * len(self.orders)
        both = outputs[:size].reshape(len(self.orders), 2, points)
        return [Curves(deletion, insertion) for deletion, insertion in both], outputs[size:]

    def averaged(self, values: Array) -> Array:
        """Averages over the random rankings: (rankings, ...) to (methods + 1, ...)."""
        methods = len(self.scores)
        return np.concatenate([values[:methods], values[methods:].mean(axis=0, keepdims=True)])
