"""`Context`: the examples, as a target sees them when it selects output units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Context:
    """The examples, as a target sees them when it selects output units.

    Attributes:
        outputs: the model's outputs at the input, (batch, classes), (batch, 1) or (batch,); for a
            target that reads logits those, where the model ends in a softmax or sigmoid.
        examples: (batch,), the numbers of these examples among those that the user passed.
        total: the number of examples that the user passed.
        labels: (total,) class indices or names, or one-hot rows, (total, classes); a dict or tuple
            of these where it is not plain which are those of the explained output; or None.
        class_names: the name of each class, or None.
        activation: "softmax" or "sigmoid", where the model is known to end in it, else None.
        predicted_tokens: the segment to whose tokens the outputs belong, for a model with one
            output per token, or None. It has `mask`, (batch, tokens), true for real tokens, and
            `ids`, (batch, tokens), or None if the ids that the outputs predict are unknown.
        spans: (batch, 2), start and stop columns of the text to explain in it, or None.
        detokenize: a function from ids to text, or None.
        encode_text: a function from text to ids, or None.
    """

    outputs: Any
    examples: npt.NDArray[Any]
    total: int
    labels: Any = None
    class_names: Sequence[str] | None = None
    activation: str | None = None
    predicted_tokens: Any = None
    spans: IntArray | None = None
    detokenize: Callable[[Any], str] | None = None
    encode_text: Callable[[str], list[int]] | None = None
