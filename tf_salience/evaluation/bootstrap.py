"""Bootstrap intervals of a mean over examples."""

import numpy as np

from tf_salience.utils.arrays import Array

_RESAMPLES = 2000
#: Numbers that are drawn at a time.
_BLOCK = 2_000_000


def interval(values: Array, *, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Computes the percentile interval of a mean (Efron 1979, "Bootstrap Methods").

    Args:
        values: (examples,), at least one.
        level: the share of samples whose interval holds the true mean.
        seed: of the resampling.

    Returns:
        The lower and the upper end; both the value itself where there is one example.
    """
    values = np.asarray(values, np.float64)
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // len(values))
    means: list[Array] = []
    for start in range(0, _RESAMPLES, block):
        size = (min(block, _RESAMPLES - start), len(values))
        means.append(values[generator.integers(0, len(values), size)].mean(axis=1))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(np.concatenate(means), [tail, 1.0 - tail])
    return float(low), float(high)
