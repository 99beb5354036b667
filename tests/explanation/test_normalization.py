import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tf_salience.explanation import normalization


@given(
    hnp.arrays(np.float32, (3, 5), elements=st.floats(-1e3, 1e3, width=32)),
    hnp.arrays(bool, (3, 5)),
    st.sampled_from(normalization.NORMALIZATIONS),
)
def test_normalized_rows_sum_to_one_or_stay_zeros(scores, mask, how):
    factors = normalization.factors(scores, mask, how)
    sizes = np.where(mask, np.abs(scores), 0).astype(np.float64) * factors[:, None]
    total = sizes.sum(1) if how == "l1" else sizes.max(1)
    is_zero = ~np.where(mask, scores != 0, False).any(axis=1)
    np.testing.assert_allclose(total[~is_zero], 1, rtol=1e-12)
    assert not total[is_zero].any()
    assert np.isfinite(factors).all()


def test_another_normalization():
    with pytest.raises(ValueError, match="how='l2'"):
        normalization.factors(np.ones((1, 1)), np.ones((1, 1), bool), "l2")
