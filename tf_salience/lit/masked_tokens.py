"""`MaskedTokens`: the log-likelihood of the tokens that LIT's page has marked."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tf_salience.targets import Context, Span

#: The most marked tokens that share a graph are powers of two, from this one on.
_LEAST_COLUMNS = 4


@dataclass(frozen=True)
class MaskedTokens:
    """The log-likelihood of marked tokens: `targets.Span` of a whole text, for some of its tokens.

    The labels of a call are the marks, (batch, tokens), true for tokens to explain, counted among
    the real tokens. The first token has no say: nothing predicts it.
    """

    reads_logits: ClassVar[bool] = True

    @property
    def units(self) -> tuple[Any, ...]:
        """Empty: no unit is selected for all tokens."""
        return ()

    def resolve(self, context: Context) -> Any:
        """Returns predicting positions, predicted ids and alternatives, as `Span.resolve`."""
        whole = Span().resolve(context)
        whole = whole.reshape(len(whole), 3, -1)
        marks = np.asarray(context.labels, bool)[context.examples]
        real = np.asarray(context.predicted_tokens.mask, bool)
        rows = []
        for columns, row_marks, row_real in zip(whole, marks, real, strict=True):
            number = np.cumsum(row_real) - 1  # of each column among the real tokens
            is_marked = row_marks[number[columns[0] + 1]] & (columns[0] >= 0)
            rows.append(columns[:, is_marked])
        longest = max(_LEAST_COLUMNS, *(row.shape[1] for row in rows))
        size = 1 << (longest - 1).bit_length()
        target_indices = np.full((len(rows), 3, size), -1, np.int32)
        for row, columns in enumerate(rows):
            target_indices[row, :, : columns.shape[1]] = columns
        return target_indices.reshape(len(rows), -1)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the log-likelihood of each row's marked tokens in nats, (batch,)."""
        return Span().score(outputs, target_indices)

    def name(self, target_indices: Any, context: Context) -> str:
        """Returns `log P(mat)`."""
        return Span().name(target_indices, context)

    def get_config(self) -> dict[str, Any]:
        """Returns the target as plain values."""
        return {"class_name": type(self).__name__}
