"""The scores that a model gives to its padding.

A model that masks its padding gives it exactly 0. Many models lose the mask on the way: a layer of
the user's own that does not pass it on, an average over all positions. Padding then takes part in
the decision, and without its scores those of the tokens do not add up.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: A smaller share than this is rounding, or too small to report.
SMALLEST_SHARE = 1e-3


def salience(scores: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Computes the sum of the scores of padding, (batch,).

    Args:
        scores: (batch, tokens), or (tokens,) of one example.
        mask: of the same shape, true for real tokens.
    """
    return np.where(mask, 0.0, scores.astype(np.float64)).sum(axis=-1)


def share(scores: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Computes the share of sum |scores| that padding has, (batch,); 0 where all scores are 0.

    Args:
        scores: (batch, tokens), or (tokens,) of one example.
        mask: of the same shape, true for real tokens.
    """
    sizes = np.abs(scores.astype(np.float64))
    total = sizes.sum(axis=-1)
    of_padding = np.where(mask, 0.0, sizes).sum(axis=-1)
    return np.divide(of_padding, total, out=np.zeros_like(total), where=total > 0)
