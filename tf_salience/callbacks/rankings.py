"""What scores say by their order and their shares: numpy alone, one sentence at a time."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def ranks(scores: Array) -> Array:
    """The rank of each score, (tokens,), from 1; equal scores share the mean of their ranks."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2.0)[place]


def spearman(one: Array, other: Array) -> float | None:
    """Spearman's rank correlation of two scores of the same tokens, in [-1, 1].

    Args:
        one: (tokens,).
        other: (tokens,).

    Returns:
        The correlation; None where one of them has no order: fewer than two tokens, or all equal.
    """
    a, b = (ranks(scores) - (len(scores) + 1) / 2.0 for scores in (one, other))
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else None


def top(scores: Array, count: int) -> Array:
    """The positions of the largest scores, the largest first; of equals the earlier."""
    return np.argsort(-scores, kind="stable")[:count]


def top_share(scores: Array, share: float) -> Array:
    """As `top`, for a share of the tokens: rounded up, so at least one where there is a token."""
    # 0.2 * 5 is a little more than 1 in floating point, and is to be 1.
    return top(scores, math.ceil(round(share * len(scores), 9)))


def jaccard(one: Array, other: Array) -> float | None:
    """How much two sets of positions have in common: |A and B| / |A or B|; None if both empty."""
    union = np.union1d(one, other)
    return len(np.intersect1d(one, other)) / len(union) if len(union) else None


def entropy(scores: Array) -> float | None:
    """How evenly |scores| are spread over the tokens: 0 for one token has all, 1 for all the same.

    The Shannon entropy of |s| / sum |s| over its largest value, log(tokens).

    Returns:
        None where nothing is spread: fewer than two tokens, or zeros.
    """
    sizes = np.abs(scores).astype(np.float64)
    if len(sizes) < 2 or sizes.sum() == 0:
        return None
    shares = sizes[sizes > 0] / sizes.sum()
    return float(max(0.0, -(shares * np.log(shares)).sum() / math.log(len(sizes))))


def mass(scores: Array, where: Array) -> float | None:
    """The share of sum |scores| that lies where `where` is true; None for zeros alone."""
    sizes = np.abs(scores).astype(np.float64)
    return float(sizes[where].sum() / sizes.sum()) if sizes.sum() > 0 else None
