"""Measures of how well a ranking of tokens tells what the model uses, from its two curves.

A curve is of one text: the model's output as tokens are taken away, or put in, one by one.
"""

import math
from dataclasses import dataclass

import numpy as np

from tf_salience.utils.arrays import Array

#: The shares of the tokens of AOPC, and that of the log-odds.
FRACTIONS = (0.05, 0.1, 0.2, 0.5)
LOG_ODDS_FRACTION = 0.2
_SMALLEST = 1e-300


@dataclass(frozen=True)
class Curves:
    """The output of a model for one text as tokens go, and as they come, the top ones first.

    Attributes:
        deletion: (tokens + 1,), with 0, 1, ... of the top tokens erased.
        insertion: (tokens + 1,), with 0, 1, ... of the top tokens alone.
    """

    deletion: Array
    insertion: Array


def curve_masks(order: Array) -> Array:
    """Builds the tokens to erase for both curves, (2 · tokens + 2, tokens).

    Args:
        order: (tokens,), the positions of the tokens, the top one first.

    Returns:
        The masks of the deletion curve, then those of the insertion curve.
    """
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    deleted = rank < np.arange(len(order) + 1)[:, None]
    return np.concatenate([deleted, ~deleted])


def top_masks(order: Array, count: int) -> Array:
    """Builds two masks of tokens to erase, (2, tokens): the top ones, and all but these."""
    top = np.zeros(len(order), bool)
    top[order[:count]] = True
    return np.stack([top, ~top])


def count_of(fraction: float, tokens: int) -> int:
    """Returns how many tokens a fraction of them is, rounded up."""
    # 0.07 * 100 is a little more than 7 in floating point, and must not be rounded up to 8.
    return math.ceil(round(fraction * tokens, 9))


def comprehensiveness(whole: float, without_top: Array) -> float:
    r"""Computes the mean fall of the output without the top tokens; good when large.

    m(x)_j - m(x \ r)_j (DeYoung et al. 2020, arXiv:1911.03429, equation 1), averaged over the
    given shares of the tokens.

    Args:
        whole: the output for the whole text.
        without_top: (shares,), the output without the top tokens.
    """
    return float(np.mean(whole - np.asarray(without_top)))


def sufficiency(whole: float, top_alone: Array) -> float:
    """Computes the mean fall of the output with the top tokens alone; good when small.

    m(x)_j - m(r)_j (DeYoung et al. 2020, equation 2), averaged over the given shares.

    Args:
        whole: the output for the whole text.
        top_alone: (shares,), the output with the top tokens alone.
    """
    return float(np.mean(whole - np.asarray(top_alone)))


def log_odds(whole: float, without_top: float) -> float:
    """Computes log p without the top tokens - log p; good when very negative (Shrikumar 2017)."""
    return math.log(max(without_top, _SMALLEST)) - math.log(max(whole, _SMALLEST))


def curve_log_odds(deletion: Array) -> float:
    """Computes the log-odds at 20 % of the tokens of a deletion curve of probabilities."""
    count = count_of(LOG_ODDS_FRACTION, len(deletion) - 1)
    return log_odds(float(deletion[0]), float(deletion[count]))


def area(curve: Array) -> float:
    """Computes the area under a curve over the share of the tokens, by the trapezoid rule."""
    return float(np.mean((curve[1:] + curve[:-1]) / 2.0))


def aopc(deletion: Array) -> float:
    """Computes the mean fall along a deletion curve, each step of one token (Edin et al. 2025)."""
    return float(np.mean(deletion[0] - deletion[1:]))


def measures(curves: Curves) -> dict[str, float]:
    """Computes the measures of one text's curves, by name."""
    tokens = len(curves.deletion) - 1
    counts = [count_of(fraction, tokens) for fraction in FRACTIONS]
    whole = float(curves.deletion[0])
    return {
        "comprehensiveness": comprehensiveness(whole, curves.deletion[counts]),
        "sufficiency": sufficiency(whole, curves.insertion[counts]),
        "deletion": area(curves.deletion),
        "insertion": area(curves.insertion),
    }
