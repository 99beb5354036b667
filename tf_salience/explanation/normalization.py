"""Factors that bring scores to a common scale."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.utils import validation

NORMALIZATIONS = ("l1", "max")


def factors(scores: npt.NDArray[Any], mask: npt.NDArray[np.bool_], how: str) -> npt.NDArray[Any]:
    """Computes the factor that normalizes each row over its real tokens.

    Args:
        scores: (batch, tokens).
        mask: (batch, tokens), true for real tokens.
        how: "l1" (the sum of |scores| becomes 1) or "max" (the largest |score| becomes 1).

    Returns:
        (batch,), float64; 0 for a row whose real tokens all score 0: it stays zeros, never NaN.

    Raises:
        ValueError: for another `how`.
    """
    validation.check_one_of("how", how, NORMALIZATIONS)
    # In float64, where even the smallest float32 has an inverse.
    sizes = np.where(mask, np.abs(scores), 0).astype(np.float64)
    total = sizes.sum(axis=-1) if how == "l1" else sizes.max(axis=-1, initial=0)
    return np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
