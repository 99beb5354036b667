"""`Context`: the examples, as a target sees them when it selects output units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class PredictedTokens:
    """The tokens that the outputs belong to, for a model with one output per token.

    Attributes:
        ids: (batch, tokens), or None if the ids that the outputs predict are unknown.
        mask: (batch, tokens), true for real tokens.
        spans: (batch, 2), start and stop columns of the text to explain, or None.
    """

    ids: Any
    mask: npt.NDArray[np.bool_]
    spans: Any = None

    def bounds(self) -> tuple[Any, Any]:
        """Returns the columns of the first real token and after the last one, (batch,) both."""
        columns, has_tokens = np.arange(self.mask.shape[1]), self.mask.any(axis=1)
        first = np.where(self.mask, columns, len(columns)).min(axis=1)
        return np.where(has_tokens, first, 0), np.where(self.mask, columns + 1, 0).max(axis=1)


@dataclass(frozen=True)
class Context:
    """The examples, as a target sees them when it selects output units.

    Attributes:
        outputs: the model's outputs at the input, (batch, classes), (batch, 1) or (batch,).
        examples: (batch,), the numbers of these examples among those that the user passed.
        total: the number of examples that the user passed.
        labels: (total,) class indices or names, or None.
        class_names: the name of each class, or None.
        ends_in_probabilities: True if the model is known to end in a sigmoid or softmax.
        predicted_tokens: the tokens that the outputs belong to, or None.
        detokenize: a function from ids to text, or None.
        encode_text: a function from text to ids, or None.
    """

    outputs: Any
    examples: npt.NDArray[Any]
    total: int
    labels: Any = None
    class_names: Sequence[str] | None = None
    ends_in_probabilities: bool = False
    predicted_tokens: PredictedTokens | None = None
    detokenize: Callable[[Any], str] | None = None
    encode_text: Callable[[str], list[int]] | None = None
