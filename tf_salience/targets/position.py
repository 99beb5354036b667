"""`Position`: what a tagger says of one token."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets import kinds, places
from tf_salience.targets.columns import Context, IntArray


@dataclass(frozen=True)
class Position:
    """What a tagger says of one token: a target in the outputs of a position.

    For outputs of shape (batch, tokens, classes).

    Attributes:
        position: the column of the token, padding and special tokens counted; negative from the end
            of the real tokens; or one an example. None: the first real one; `Explainer.matrix`
            explains them all.
        target: what is explained there, as for any model: "predicted", a class index or name,
            `Margin`, `Probability`, `LogProbability`.
    """

    position: int | Sequence[int] | None = None
    target: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """Which output units are held."""
        return self._inner.units

    @property
    def _inner(self) -> Any:
        return kinds.get(self.target)

    def resolve(self, context: Context) -> IntArray:
        """The position, and what the target there holds: (batch, 1 + columns)."""
        outputs = places.ranked(context, "Position", "tagger")
        if self.position is not None:
            columns = places.columns_of(self.position, "position", context, outputs.shape[1])
            places.check_real(columns, context)
        elif context.predicted is not None:
            columns = context.predicted.ends()[0]
        else:
            columns = np.zeros(len(outputs), np.int64)
        there = replace(context, outputs=outputs[np.arange(len(outputs)), columns])
        return np.concatenate([columns[:, None], self._inner.resolve(there)], axis=1).astype(
            np.int32
        )

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """The inner target of each row at its position: (batch,)."""
        there = tf.gather(outputs, target_indices[:, 0], axis=1, batch_dims=1)
        return self._inner.score(there, target_indices[:, 1:])

    def name(self, target_indices: IntArray, context: Context) -> str:
        """`noun at 3`."""
        there = replace(context, outputs=np.asarray(context.outputs)[:, 0])
        return f"{self._inner.name(held[1:], there)} at {target_indices[0]}"

    @property
    def for_all_tokens(self) -> "Position":
        """What is asked of the model before each token is: the first, even of an empty text."""
        return replace(self, position=None)

    def token_targets(self, target_indices: IntArray, context: Context) -> list[tuple[int, int]]:
        """Every real token of each example, as rows of its number in `context` and a column."""
        del target_indices
        real = [] if context.predicted is None else np.argwhere(context.predicted.mask).tolist()
        return [(row, column) for row, column in real]

    def at_columns(self, columns: Sequence[int], examples: Sequence[int]) -> "Position":
        """The same target at one column of each of these examples, which may be repeated."""
        inner = self._inner
        if isinstance(inner, kinds.Unit):
            inner = kinds.Unit(places.repeated(inner.which, examples))
        return Position(list(columns), inner)

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
        return {
            "class_name": "Position",
            "position": None if self.position is None else np.asarray(self.position).tolist(),
            "target": self._inner.get_config(),
        }
