"""Measures of a ranking, beside direct versions and cases by hand."""

import math

import numpy as np
import pytest

from tf_salience.evaluation import faithfulness, rankings
from tf_salience.evaluation.faithfulness import Curves

WEIGHTS = np.array([0.1, 0.5, -0.2, 0.3])


def curves_of(output, order):
    """The curves of a function of kept tokens, (sets, tokens), true for what is left."""
    values = output(~faithfulness.curve_masks(np.asarray(order)))
    return Curves(*values.reshape(2, -1))


def linear(kept):
    return kept @ WEIGHTS


def test_the_masks_of_the_curves():
    masks = faithfulness.curve_masks(np.array([2, 0, 1])).astype(int)
    assert masks[:4].tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1]]
    assert masks[4:].tolist() == [[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]]
    top, rest = faithfulness.top_masks(np.array([2, 0, 1]), 1).tolist()
    assert (top, rest) == ([False, False, True], [True, True, False])


@pytest.mark.parametrize(
    ("fraction", "tokens", "count"), [(0.05, 10, 1), (0.2, 10, 2), (0.5, 5, 3), (0.07, 100, 7)]
)
def test_a_fraction_of_the_tokens_is_rounded_up(fraction, tokens, count):
    assert faithfulness.count_of(fraction, tokens) == count


def test_of_a_linear_model_by_hand():
    # Order 1, 3, 0, 2; 5, 10 and 20 % of four tokens are one, 50 % are two.
    measures = faithfulness.measures(curves_of(linear, [1, 3, 0, 2]))
    # Whole 0.7; without token 1 0.2, without 1 and 3 -0.1; token 1 alone 0.5, with 3 0.8.
    assert measures["comprehensiveness"] == pytest.approx((3 * 0.5 + 0.8) / 4)
    assert measures["sufficiency"] == pytest.approx((3 * 0.2 - 0.1) / 4)
    # Deletion 0.7, 0.2, -0.1, -0.2, 0; insertion 0, 0.5, 0.8, 0.9, 0.7.
    assert measures["deletion"] == pytest.approx((0.35 + 0.2 - 0.1 - 0.2) / 4)
    assert measures["insertion"] == pytest.approx((0.5 + 0.8 + 0.9 + 0.35) / 4)


def test_of_a_linear_model_the_true_order_is_best():
    best = faithfulness.measures(curves_of(linear, np.argsort(-WEIGHTS)))
    for order in ([0, 1, 2, 3], [2, 0, 3, 1], [3, 1, 0, 2]):
        other = faithfulness.measures(curves_of(linear, order))
        assert best["comprehensiveness"] >= other["comprehensiveness"]
        assert best["insertion"] > other["insertion"]
        assert best["sufficiency"] <= other["sufficiency"]
        assert best["deletion"] < other["deletion"]


def test_against_direct_versions():
    generator = np.random.default_rng(0)
    for tokens in (2, 3, 9, 20):
        tables = generator.random(1 << min(tokens, 10))

        def output(kept, tables=tables):
            numbers = kept[:, :10] @ (1 << np.arange(min(kept.shape[1], 10)))
            return tables[numbers]

        order = generator.permutation(tokens)
        measures = faithfulness.measures(curves_of(output, order))
        whole = output(np.ones((1, tokens), bool))[0]
        falls, rises = [], []
        for fraction in (0.05, 0.1, 0.2, 0.5):
            kept = np.ones(tokens, bool)
            kept[order[: math.ceil(fraction * tokens - 1e-9)]] = False
            falls.append(whole - output(kept[None])[0])
            rises.append(whole - output(~kept[None])[0])
        assert measures["comprehensiveness"] == pytest.approx(np.mean(falls), abs=1e-12)
        assert measures["sufficiency"] == pytest.approx(np.mean(rises), abs=1e-12)
        deletion = []
        kept = np.ones(tokens, bool)
        for token in (None, *order):
            kept[token if token is not None else []] = False
            deletion.append(output(kept[None])[0])
        area = np.trapezoid(deletion, np.linspace(0, 1, tokens + 1))
        assert measures["deletion"] == pytest.approx(area, abs=1e-12)
        aopc = np.mean([whole - value for value in deletion[1:]])
        assert faithfulness.aopc(np.array(deletion)) == pytest.approx(aopc, abs=1e-12)


def test_eraser_s_definitions_by_hand():
    """m(x)_j = 0.9. Without the top 5, 10, 20, 50 % of ten tokens 0.8, 0.8, 0.5, 0.1."""
    assert faithfulness.comprehensiveness(0.9, [0.8, 0.8, 0.5, 0.1]) == pytest.approx(
        ((0.9 - 0.8) + (0.9 - 0.8) + (0.9 - 0.5) + (0.9 - 0.1)) / 4
    )
    assert faithfulness.sufficiency(0.9, [0.2, 0.2, 0.6, 0.95]) == pytest.approx(
        ((0.9 - 0.2) + (0.9 - 0.2) + (0.9 - 0.6) + (0.9 - 0.95)) / 4
    )


def test_log_odds_by_hand():
    curve = np.array([0.8, 0.4, 0.2, 0.1, 0.1, 0.1])  # one of five tokens is 20 %
    assert faithfulness.curve_log_odds(curve) == pytest.approx(math.log(0.4) - math.log(0.8))
    assert math.isfinite(faithfulness.log_odds(1.0, 0.0))


def naive_tau(a, b):
    """Kendall's tau-b by counting pairs."""
    concordant = discordant = tied_a = tied_b = 0
    for i in range(len(a)):
        for j in range(i):
            product = (a[i] - a[j]) * (b[i] - b[j])
            concordant += product > 0
            discordant += product < 0
            tied_a += a[i] == a[j] and b[i] != b[j]
            tied_b += b[i] == b[j] and a[i] != a[j]
    pairs = concordant + discordant
    return (concordant - discordant) / math.sqrt((pairs + tied_a) * (pairs + tied_b))


def test_kendall_s_tau():
    generator = np.random.default_rng(0)
    for _ in range(20):
        a, b = generator.integers(0, 5, (2, 9)).astype(float)
        assert rankings.kendall_tau(a, b) == pytest.approx(naive_tau(a, b), abs=1e-12)
    assert rankings.kendall_tau(np.arange(4.0), np.arange(4.0) ** 3) == 1.0
    assert rankings.kendall_tau(np.arange(4.0), -np.arange(4.0)) == -1.0
    assert rankings.kendall_tau(np.zeros(4), np.arange(4.0)) == 0.0


def test_ties_are_broken_by_the_other_numbers():
    order = rankings.descending(np.array([1.0, 3.0, 1.0, 1.0]), np.array([0.1, 0.0, 0.9, 0.5]))
    assert order.tolist() == [1, 2, 3, 0]
