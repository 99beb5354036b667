import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.attribution import quadrature

STEPS = [2, 3, 4, 8, 17, 64, 129]


@pytest.mark.parametrize("name", quadrature.RULES)
@pytest.mark.parametrize("steps", STEPS)
def test_weights_sum_to_one_and_nodes_ascend_in_the_unit_interval(name, steps):
    rule = quadrature.RULES[name](steps)
    assert rule.weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert (np.diff(rule.nodes) > 0).all()
    assert rule.nodes[0] >= 0
    assert rule.nodes[-1] <= 1


@pytest.mark.parametrize("name", ["trapezoid", "midpoint", "gauss_legendre"])
def test_one_step_is_a_rule_too(name):
    assert quadrature.RULES[name](1).weights.sum() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("steps", STEPS)
def test_trapezoid_holds_both_ends_at_half_weight(steps):
    rule = quadrature.trapezoid(steps)
    assert len(rule.nodes) == steps + 1
    assert rule.nodes[0] == 0.0
    assert rule.nodes[-1] == 1.0
    assert rule.weights[0] == rule.weights[-1] == 0.5 / steps


@given(st.integers(1, 40), st.integers(0, 60))
def test_gauss_legendre_is_exact_up_to_degree_2n_minus_1(steps, degree):
    rule = quadrature.gauss_legendre(steps)
    found = rule.weights @ rule.nodes**degree
    if degree <= 2 * steps - 1:
        assert found == pytest.approx(1 / (degree + 1), rel=1e-12)


@pytest.mark.parametrize("name", ["trapezoid", "midpoint"])
@pytest.mark.parametrize("steps", [1, 2, 5, 32])
def test_low_order_rules_are_exact_for_lines(name, steps):
    rule = quadrature.RULES[name](steps)
    assert rule.weights @ (3 * rule.nodes + 1) == pytest.approx(2.5, abs=1e-13)


def test_doubling_trapezoid_steps_cuts_the_error_four_times():
    errors = []
    for steps in (8, 16, 32, 64):
        rule = quadrature.trapezoid(steps)
        errors.append(abs(rule.weights @ np.exp(rule.nodes) - (np.e - 1)))
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    np.testing.assert_allclose(ratios, 4, rtol=0.02)


def test_lit_stops_short_of_the_end_and_so_is_of_first_order():
    rule = quadrature.lit(10)
    np.testing.assert_allclose(rule.nodes, np.arange(10) / 10)
    np.testing.assert_allclose(rule.weights, [1 / 18] + [1 / 9] * 8 + [1 / 18])
    # The integral of 2x is 1; LIT's nodes have their mean at 0.45.
    assert rule.weights @ (2 * rule.nodes) == pytest.approx(0.9)
    with pytest.raises(ValueError, match=r"at least 2 with rule='lit'.*Received: steps=1"):
        quadrature.lit(1)


class TestClenshawCurtis:
    rule = quadrature.clenshaw_curtis(128)

    def test_sizes(self):
        assert self.rule.sizes == (5, 9, 17, 33, 65, 129)
        assert quadrature.clenshaw_curtis(20).sizes == (5, 9, 17)
        assert quadrature.clenshaw_curtis(4096).sizes[-3:] == (257, 513, 1025)

    def test_the_finest_level(self):
        rule = quadrature.clenshaw_curtis(1024)
        assert len(set(rule.nodes)) == 1025
        np.testing.assert_allclose(rule.weights.sum(axis=1), 1.0, atol=1e-13)
        assert rule.weights[-1] @ np.cos(300 * rule.nodes) == pytest.approx(np.sin(300) / 300)

    def test_levels_are_nested_and_hold_both_ends(self):
        for level, size in enumerate(self.rule.sizes):
            assert not self.rule.weights[level, size:].any()
            assert {0.0, 1.0} <= set(self.rule.nodes[:size])
        assert len(set(self.rule.nodes)) == 129

    @pytest.mark.parametrize("level", range(6))
    def test_a_level_of_n_nodes_is_exact_up_to_degree_n_minus_1(self, level):
        weights = self.rule.weights[level]
        assert weights.sum() == pytest.approx(1.0, abs=1e-14)
        for degree in range(self.rule.sizes[level]):
            exact = 1 / (degree + 1)
            assert weights @ self.rule.nodes**degree == pytest.approx(exact, abs=1e-14)

    def test_nodes_are_the_chebyshev_points(self):
        expected = (1 - np.cos(np.arange(129) * np.pi / 128)) / 2
        np.testing.assert_allclose(np.sort(self.rule.nodes), expected, atol=1e-15)
