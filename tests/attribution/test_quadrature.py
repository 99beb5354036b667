"""Rules of quadrature, and the integrals of a path by them."""

import numpy as np
import pytest
from formula_path import FormulaPath
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
def test_one_step_is_a_rule(name):
    assert quadrature.RULES[name](1).weights.sum() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("steps", STEPS)
def test_trapezoid_has_both_ends_at_half_weight(steps):
    rule = quadrature.trapezoid(steps)
    assert len(rule.nodes) == steps + 1
    assert rule.nodes[0] == 0.0
    assert rule.nodes[-1] == 1.0
    assert rule.weights[0] == rule.weights[-1] == 0.5 / steps


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 2 * n - 1))))
def test_gauss_legendre_is_exact_up_to_degree_2n_minus_1(steps_and_degree):
    steps, degree = steps_and_degree
    rule = quadrature.gauss_legendre(steps)
    assert rule.weights @ rule.nodes**degree == pytest.approx(1 / (degree + 1), rel=1e-12)


@pytest.mark.parametrize("name", ["trapezoid", "midpoint"])
@pytest.mark.parametrize("steps", [1, 2, 5, 32])
def test_low_order_rules_are_exact_for_lines(name, steps):
    rule = quadrature.RULES[name](steps)
    assert rule.weights @ (3 * rule.nodes + 1) == pytest.approx(2.5, abs=1e-13)


def test_doubling_trapezoid_steps_quarters_the_error():
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
    # The integral of 2x is 1; the nodes of LIT have their mean at 0.45.
    assert rule.weights @ (2 * rule.nodes) == pytest.approx(0.9)
    with pytest.raises(ValueError, match=r"`steps`.*at least 2.*Received: steps=1"):
        quadrature.lit(1)


class TestLevelsOfAFixedRule:
    def test_an_even_trapezoid_has_its_half_as_a_second_level(self):
        nodes, weights = quadrature.nodes_and_levels("trapezoid", 8)
        coarse = quadrature.trapezoid(4)
        np.testing.assert_array_equal(nodes[weights[1] > 0], coarse.nodes)
        np.testing.assert_array_equal(weights[1][weights[1] > 0], coarse.weights)
        np.testing.assert_array_equal(weights[0], quadrature.trapezoid(8).weights)

    @pytest.mark.parametrize(
        ("name", "steps"),
        [("trapezoid", 7), ("midpoint", 8), ("gauss_legendre", 8), ("lit", 8)],
    )
    def test_other_rules_have_one_level(self, name, steps):
        nodes, weights = quadrature.nodes_and_levels(name, steps)
        np.testing.assert_array_equal(nodes, quadrature.RULES[name](steps).nodes)
        np.testing.assert_array_equal(weights, quadrature.RULES[name](steps).weights[None])


class TestIntegrateFixed:
    @staticmethod
    def exponential():
        """Returns a path of e^(x1 + x2) from 0, and its exact scores."""

        def gradient(rows):
            return np.exp(rows.sum(axis=1, keepdims=True)) * np.ones_like(rows)

        path = FormulaPath(lambda rows: np.exp(rows.sum(axis=1)), gradient, [[0.5, 1.5]])
        return path, (np.exp(2) - 1) / 2 * np.array([0.5, 1.5])

    @pytest.mark.parametrize("steps", [8, 32])
    def test_half_the_steps_of_a_trapezoid_estimate_its_error(self, steps):
        path, exact = self.exponential()
        attribution = quadrature.integrate_fixed(path, "trapezoid", steps)
        error = np.abs(attribution.scores - exact).sum() / np.abs(exact).sum()
        np.testing.assert_allclose(attribution.error_estimate, error, rtol=0.1)
        assert len(path.calls) == 1

    @pytest.mark.parametrize(
        ("rule", "steps"), [("trapezoid", 7), ("midpoint", 8), ("gauss_legendre", 8), ("lit", 8)]
    )
    def test_other_rules_estimate_no_error(self, rule, steps):
        path, _ = self.exponential()
        attribution = quadrature.integrate_fixed(path, rule, steps)
        assert attribution.error_estimate is None
        assert attribution.converged is None

    @pytest.mark.parametrize("rule", quadrature.RULES)
    def test_delta_baseline_output_and_evaluations(self, rule):
        path, _ = self.exponential()
        attribution = quadrature.integrate_fixed(path, rule, 6)
        np.testing.assert_allclose(attribution.baseline_output, [1.0])
        np.testing.assert_allclose(
            attribution.convergence_delta, attribution.scores.sum() - (np.exp(2) - 1)
        )
        assert attribution.evaluations.tolist() == [len(quadrature.RULES[rule](6).nodes)]
