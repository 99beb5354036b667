"""The warning of texts whose end the model never sees."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.utils import validation, warnings


def warn_of_lost_text(lengths: npt.NDArray[Any], most: int) -> None:
    """Warns of texts that are longer than the model takes.

    Args:
        lengths: (batch,), the tokens of each.
        most: how many the model takes.
    """
    if not (lengths > most).any():
        return
    cut = np.flatnonzero(lengths > most).tolist()
    warnings.warn(
        f"The model takes {most} tokens; {validation.format_examples(cut)} "
        f"{'is' if len(cut) == 1 else 'are'} longer (up to {lengths.max()}). What the tokenizer "
        "cuts off is not seen by the model and has no score.",
        warnings.TruncatedTextWarning,
    )
