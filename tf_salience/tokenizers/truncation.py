"""The warning for texts that a tokenizer truncates."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.utils import validation, warnings


def warn_of_truncation(lengths: npt.NDArray[Any], limit: int) -> None:
    """Warns of texts that are longer than the model takes.

    Args:
        lengths: (batch,), the number of tokens of each text.
        limit: the number of tokens that the model takes.
    """
    truncated = np.flatnonzero(lengths > limit).tolist()
    if truncated:
        warnings.warn(
            f"The model takes {limit} tokens; {validation.format_examples(truncated)} "
            f"{'is' if len(truncated) == 1 else 'are'} longer (up to {lengths.max()}). The tokens "
            "that the tokenizer cuts off are not seen by the model and have no score.",
            warnings.TruncatedTextWarning,
        )
