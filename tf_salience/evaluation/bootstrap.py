"""Bootstrap intervals of means over examples."""

import numpy as np

from tf_salience.utils.arrays import Array

_RESAMPLES = 2000
#: Numbers that are drawn at a time.
_BLOCK = 2_000_000


def interval(values: Array, *, level: float = 0.95, seed: int = 0) -> Array:
    """Computes percentile intervals of means (Efron 1979, "Bootstrap Methods").

    All rows are resampled by the same examples.

    Args:
        values: (..., examples), with at least one example.
        level: the share of samples whose interval holds the true mean.
        seed: of the resampling.

    Returns:
        (..., 2), the lower and the upper end; the value itself where there is one example.
    """
    values = np.asarray(values, np.float64)
    examples = values.shape[-1]
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // examples)
    means: list[Array] = []
    for start in range(0, _RESAMPLES, block):
        drawn = generator.integers(0, examples, (min(block, _RESAMPLES - start), examples))
        counts = np.apply_along_axis(np.bincount, 1, drawn, minlength=examples)
        means.append(values @ counts.T / examples)
    tail = (1.0 - level) / 2.0
    ends = np.quantile(np.concatenate(means, axis=-1), [tail, 1.0 - tail], axis=-1)
    return np.moveaxis(ends, 0, -1)
