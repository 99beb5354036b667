"""`Position`: the tag that a tagger gives one token."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets import token_positions
from tf_salience.targets.class_targets import Unit
from tf_salience.targets.context import Context, IntArray
from tf_salience.targets.target import Target, TokenTarget, as_target, reads_logits
from tf_salience.utils.validation import format_value


@dataclass(frozen=True)
class Position:
    """The outputs of a tagger at one token, and a target in them.

    For outputs of shape (batch, tokens, classes).

    Attributes:
        position: the column of the token, counting padding and special tokens; negative from the
            end of the real tokens; or one per example. None: the first real token;
            `Explainer.matrix` explains all of them.
        target: the target at that token, as for a classifier: "predicted", a class index or name,
            `Margin`, `Probability`, `LogProbability`.

    Example:
        >>> target = tfs.targets.Position(1, 2)  # class 2 of the second token
        >>> tfs.explain(tagger, ["good film"], tokenizer=words, target=target).target_name
        ['class 2 at 1']
    """

    position: int | Sequence[int] | None = None
    target: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """The output units that the inner target selects."""
        return self._inner.units

    @property
    def reads_logits(self) -> bool:
        """Whether the inner target reads logits."""
        return reads_logits(self._inner)

    @property
    def _inner(self) -> Target:
        inner = as_target(self.target)
        if isinstance(inner, TokenTarget):
            raise TypeError(
                "The `target` of a `Position` must be one for outputs of shape (batch, classes). "
                f"Received: target={format_value(self.target)}"
            )
        return inner

    def resolve(self, context: Context) -> IntArray:
        """Returns the position and the inner target's selection there, (batch, 1 + columns)."""
        outputs = token_positions.token_outputs(context, "Position", "tagger")
        rows = np.arange(len(outputs))
        if self.position is not None:
            columns = token_positions.columns(self.position, "position", context, outputs.shape[1])
            token_positions.check_real(columns, context)
        elif context.predicted_tokens is not None:
            columns = token_positions.bounds(context.predicted_tokens.mask)[0]
        else:
            columns = np.zeros_like(rows)
        selection = self._inner.resolve(replace(context, outputs=outputs[rows, columns]))
        return np.concatenate([columns[:, None], selection], axis=1).astype(np.int32)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the inner target of each row at its position, (batch,)."""
        at_position = tf.gather(outputs, target_indices[:, 0], axis=1, batch_dims=1)
        return self._inner.score(at_position, target_indices[:, 1:])

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns the inner target's name and the position, `noun at 3`."""
        at_first = replace(context, outputs=np.asarray(context.outputs)[:, 0])
        return f"{self._inner.name(target_indices[1:], at_first)} at {target_indices[0]}"

    @property
    def for_all_tokens(self) -> "Position":
        """The target before it is split by token: at the first token, which may be padding."""
        return replace(self, position=None)

    def token_targets(self, target_indices: IntArray, context: Context) -> list[tuple[int, int]]:
        """Returns every real token, (row in `context`, column) each."""
        del target_indices
        if context.predicted_tokens is None:
            return []
        real = np.argwhere(context.predicted_tokens.mask).tolist()
        return [(row, column) for row, column in real]

    def at_columns(self, columns: Sequence[int], examples: Sequence[int]) -> "Position":
        """Returns the target at one column of each of these examples, which may repeat."""
        inner = self._inner
        if isinstance(inner, Unit):
            inner = Unit(token_positions.values_at(inner.which, examples))
        return Position(list(columns), inner)

    def get_config(self) -> dict[str, Any]:
        """Returns the target as plain values."""
        return {
            "class_name": "Position",
            "position": np.asarray(self.position).tolist(),
            "target": self._inner.get_config(),
        }
