import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tf_salience.evaluation import rankings

SCORES = arrays(np.float32, st.integers(2, 12), elements=st.integers(-5, 5).map(float))


def test_equal_scores_share_the_mean_of_their_ranks():
    assert rankings.ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_spearman_by_hand():
    # 1 - 6 Σ d² / (n (n² - 1)), where no scores are equal.
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([10.0, 40.0, 20.0, 30.0])
    assert rankings.spearman(a, b) == pytest.approx(1 - 6 * (0 + 4 + 1 + 1) / (4 * 15))


@given(SCORES)
def test_spearman_depends_on_the_order_alone(scores):
    correlation = rankings.spearman(scores, scores**3 + 7)
    if len(set(scores.tolist())) == 1:
        assert correlation is None
    else:
        assert correlation == pytest.approx(1.0)
        assert rankings.spearman(scores, -scores) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("tokens", "fraction", "count"),
    [
        (0, 0.2, 0),
        (1, 0.2, 1),
        (4, 0.2, 1),
        (5, 0.2, 1),
        (6, 0.2, 2),
        (10, 0.2, 2),
        (35, 0.2, 7),
        (100, 0.07, 7),
    ],
)
def test_a_fraction_is_rounded_up(tokens, fraction, count):
    assert len(rankings.top_fraction(np.arange(tokens), fraction)) == count


def test_the_top_is_signed_and_of_equals_the_earlier():
    assert rankings.top_k(np.array([-9.0, 1.0, 2.0, 2.0]), 3).tolist() == [2, 3, 1]


def test_jaccard():
    assert rankings.jaccard(np.array([0, 1, 2]), np.array([2, 3])) == 0.25
    assert rankings.jaccard(np.array([], int), np.array([], int)) is None


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.0, -5.0, 0.0], 0.0),
        ([1.0, -1.0, 1.0, -1.0], 1.0),
        ([0.5, 0.5, 0.0, 0.0], math.log(2) / math.log(4)),
        ([0.0, 0.0], None),
        ([1.0], None),
    ],
)
def test_entropy(scores, expected):
    entropy = rankings.entropy(np.array(scores))
    assert entropy == (None if expected is None else pytest.approx(expected))


@given(SCORES)
def test_entropy_and_mass_are_shares(scores):
    mask = np.arange(len(scores)) % 2 == 0
    if not scores.any():
        assert rankings.entropy(scores) is None
        assert rankings.mass(scores, mask) is None
        return
    assert 0.0 <= rankings.entropy(scores) <= 1.0 + 1e-12
    total = rankings.mass(scores, mask) + rankings.mass(scores, ~mask)
    assert total == pytest.approx(1.0)
