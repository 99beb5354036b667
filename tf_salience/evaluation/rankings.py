"""Statistics of one sentence's scores, by their order and their shares; needs numpy alone."""

import math

import numpy as np

from tf_salience.utils.arrays import Array


def ranks(scores: Array) -> Array:
    """Computes the rank of each score, (tokens,), from 1; equal scores share their mean rank."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]


def spearman(a: Array, b: Array) -> float | None:
    """Computes Spearman's rank correlation of two scores of the same tokens, both (tokens,).

    Returns:
        The correlation, in [-1, 1]; None where `a` or `b` has no order: fewer than two tokens, or
        all scores equal.
    """
    centered_a, centered_b = (ranks(scores) - (len(scores) + 1) / 2.0 for scores in (a, b))
    norm = math.sqrt(float(centered_a @ centered_a) * float(centered_b @ centered_b))
    return float(centered_a @ centered_b) / norm if norm > 0 else None


def top_k(scores: Array, k: int) -> Array:
    """Finds the positions of the k largest scores, the largest first; of equals the earlier."""
    return np.argsort(-scores, kind="stable")[:k]


def top_fraction(scores: Array, fraction: float) -> Array:
    """Finds the positions of the top fraction of the tokens, rounded up, as `top_k` does."""
    # 0.07 * 100 is a little more than 7 in floating point, and must not be rounded up to 8.
    return top_k(scores, math.ceil(round(fraction * len(scores), 9)))


def jaccard(a: Array, b: Array) -> float | None:
    """Computes |A and B| / |A or B| of two sets of positions; None if both are empty."""
    union = np.union1d(a, b)
    return len(np.intersect1d(a, b)) / len(union) if len(union) else None


def entropy(scores: Array) -> float | None:
    """Computes the Shannon entropy of |s| / sum |s|, divided by its maximum, log(tokens).

    Returns:
        From 0, one token has all, to 1, all are equal; None for fewer than two tokens, or all 0.
    """
    sizes = np.abs(scores).astype(np.float64)
    if len(sizes) < 2 or sizes.sum() == 0:
        return None
    shares = sizes[sizes > 0] / sizes.sum()
    return float(max(0.0, -(shares * np.log(shares)).sum() / math.log(len(sizes))))


def mass(scores: Array, mask: Array) -> float | None:
    """Computes the share of sum |scores| under the mask, (tokens,); None if all scores are 0."""
    sizes = np.abs(scores).astype(np.float64)
    return float(sizes[mask].sum() / sizes.sum()) if sizes.sum() > 0 else None


def kendall_tau(a: Array, b: Array) -> float:
    """Computes Kendall's rank correlation tau-b of two scores of the same tokens, both (tokens,).

    tau-b (Kendall 1945, "The treatment of ties in ranking problems") is 1 for equal orders, -1 for
    opposite ones, and corrects for ties. Scores without any order are related to nothing: 0.
    """
    signs = [np.sign(scores[:, None] - scores[None, :]) for scores in (a, b)]
    norm = math.sqrt(float(np.abs(signs[0]).sum()) * float(np.abs(signs[1]).sum()))
    return float((signs[0] * signs[1]).sum()) / norm if norm > 0 else 0.0


def descending(scores: Array, tie_break: Array) -> Array:
    """Orders positions from the largest score to the smallest.

    Args:
        scores: (tokens,).
        tie_break: (tokens,), the larger first among equals: with random numbers scores that say
            nothing do not rank by place.
    """
    return np.lexsort((-tie_break, -scores))
