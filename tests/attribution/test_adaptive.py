"""The adaptive rule, on integrals that are known in closed form."""

import numpy as np
import pytest
import tensorflow as tf
from formula_path import FormulaPath, TensorPath, sigmoid, steep_path, token_path, varied_path
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.attribution import adaptive
from tf_salience.attribution.result import Obstacle

#: Each example has another output, and so other nodes.
SCALE = np.linspace(0.1, 5.0, 200)


def relative_errors(attribution, exact):
    return np.abs(attribution.scores - exact).sum(axis=1) / np.abs(exact).sum(axis=1)


def polynomial(*coefficients):
    """Returns ∫ of a polynomial from 0, and the polynomial; the constant comes first."""
    slope = np.polynomial.Polynomial(coefficients)
    return slope.integ(), slope


def corner(place):
    """Returns ∫ |x - place|, and |x - place|."""
    return (
        lambda x: np.sign(x - place) * (x - place) ** 2 / 2,
        lambda x: np.abs(x - place),
    )


def jump(place, height=1.0):
    """Returns ∫ of 1 + a step of the score at a place, and this score."""
    return (
        lambda x: x + height * np.maximum(x - place, 0.0),
        lambda x: 1.0 + height * (x > place),
    )


def wave(frequency):
    """Returns ∫ 1 + sin(frequency · x), and this score."""
    return (
        lambda x: x + (1 - np.cos(frequency * x)) / frequency,
        lambda x: 1.0 + np.sin(frequency * x),
    )


def power(exponent):
    """Returns x^exponent and its derivative."""
    return lambda x: x**exponent, lambda x: exponent * x ** (exponent - 1)


class TestFirstNodes:
    nodes = adaptive.first_nodes(SCALE)

    def test_they_ascend_from_above_0_to_1(self):
        assert self.nodes.shape == (200, adaptive.FIRST_NODES)
        assert (self.nodes[:, 0] > 1e-3).all()
        assert (np.diff(self.nodes, axis=1) > 1e-2).all()
        assert (self.nodes[:, -1] == 1.0).all()

    def test_they_lie_elsewhere_for_each_example(self):
        assert (np.ptp(self.nodes[:, :-1], axis=0) > 0.005).all()
        assert len(np.unique(self.nodes[:, 2])) > 150

    def test_the_rounding_of_an_output_hardly_ever_moves_them(self):
        outputs = np.random.default_rng(0).normal(0.0, 5.0, 10_000)
        moved = adaptive.first_nodes(outputs) != adaptive.first_nodes(outputs * (1 + 1e-7))
        assert moved.any(axis=1).mean() < 1e-3


class TestClosedForms:
    @pytest.mark.parametrize(
        ("curve", "evaluations"),
        [
            (polynomial(2.0), 7),
            (polynomial(1.0, -3.0, 2.0, 1.0), 7),
            (polynomial(0, 0, 0, 0, 0, 6.0), 9),
            ((np.exp, np.exp), 7),
            (corner(0.37), 30),
            (jump(0.6), 40),
            (jump(0.05, -4.0), 40),
            (power(1.5), 12),
            (wave(40.0), 60),
        ],
    )
    def test_scores_are_within_the_tolerance_in_few_evaluations(self, curve, evaluations):
        path, exact = token_path([curve], SCALE)
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        assert attribution.converged.all()
        assert relative_errors(attribution, exact).max() <= 0.01
        assert attribution.evaluations.mean() <= evaluations

    @pytest.mark.parametrize("tolerance", [0.1, 0.01, 1e-3, 1e-4, 1e-6])
    def test_a_smaller_tolerance_is_met_too(self, tolerance):
        path, exact = token_path([(np.exp, np.exp), wave(10.0), polynomial(0, 0, 9)], SCALE)
        attribution = adaptive.integrate(path, tolerance=tolerance, max_steps=512)
        assert attribution.converged.all()
        assert relative_errors(attribution, exact).max() <= tolerance

    def test_one_rough_token_among_smooth_ones_is_refined(self):
        smooth = [(np.exp, np.exp), polynomial(1.0, 1.0), polynomial(0.0, 2.0)]
        path, exact = token_path([*smooth, jump(0.83, 20.0)], SCALE)
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        assert attribution.converged.all()
        assert relative_errors(attribution, exact).max() <= 0.01

    def test_all_the_change_at_the_start_takes_few_nodes_a_halving(self):
        """F = log(1 + 10⁶ x) changes by as much in each of twenty halvings."""
        curve = (lambda x: np.log1p(1e6 * x), lambda x: 1e6 / (1 + 1e6 * x))
        path, exact = token_path([curve], SCALE)
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        assert attribution.converged.all()
        assert relative_errors(attribution, exact).max() <= 0.01
        assert attribution.evaluations.mean() <= 2.0 * 20

    def test_a_change_at_every_scale_converges(self):
        """x^0.1 has half of its change before 10⁻³, and a hundredth of it before 10⁻²⁰."""
        path, exact = token_path([power(0.1)], SCALE[:20])
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        assert attribution.converged.all()
        assert relative_errors(attribution, exact).max() <= 0.01

    def test_zeros_have_no_error(self):
        path = FormulaPath(lambda rows: 0 * rows[:, 0] + np.pi / 10, np.zeros_like, [[1.0], [3.0]])
        attribution = adaptive.integrate(path, tolerance=1e-9, max_steps=8)
        assert attribution.error_estimate.tolist() == [0.0, 0.0]
        assert attribution.converged.all()
        assert attribution.evaluations.tolist() == [7, 7]

    def test_the_gradient_at_the_baseline_is_never_asked_for(self):
        def gradient(rows):
            return np.where(rows == 0, np.nan, 1.0)

        path = FormulaPath(lambda rows: rows.sum(axis=1), gradient, [[1.0, 2.0]])
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        np.testing.assert_allclose(attribution.scores, [[1.0, 2.0]])


def relu_network(examples=200, units=100):
    """Returns a path through a layer of ReLUs, whose gradients jump often, and its exact scores."""
    generator = np.random.default_rng(0)
    inner = generator.standard_normal((8, units))
    shift, outer = generator.standard_normal((2, units))

    def gradient(rows):
        return ((rows @ inner + shift > 0) * outer) @ inner.T

    points = generator.standard_normal((examples, 8))
    path = FormulaPath(lambda rows: np.maximum(rows @ inner + shift, 0) @ outer, gradient, points)
    # A unit is active from, or up to, the node where shift + α slope is 0.
    slope = points @ inner
    node = np.clip(-shift / slope, 0, 1)
    active = np.where(slope > 0, 1 - node, node)
    return path, points * ((active * outer) @ inner.T)


class TestMethod:
    def test_only_unfinished_examples_go_on_and_no_node_is_evaluated_twice(self):
        path = steep_path([1.0, 60.0, 5.0, 100.0])
        attribution = adaptive.integrate(path, tolerance=1e-2, max_steps=128)
        nodes_of = {example: [] for example in range(4)}
        for examples, nodes in path.calls:
            for example, nodes_of_example in zip(examples, nodes, strict=True):
                nodes_of[example] += nodes_of_example
        for example, nodes in nodes_of.items():
            assert len(nodes) == len(set(nodes)) == attribution.evaluations[example]
        assert attribution.evaluations[0] < attribution.evaluations[3]
        assert attribution.converged.all()

    def test_scores_that_converged_are_within_the_tolerance(self):
        path = steep_path([1.0, 10.0, 60.0, 100.0])
        attribution = adaptive.integrate(path, tolerance=1e-2, max_steps=128)
        exact = np.zeros_like(attribution.scores)
        exact[:, 1] = path.outputs - path.target_at(0.0)
        assert (relative_errors(attribution, exact) <= 1e-2).all()
        assert (attribution.error_estimate <= 1e-2).all()

    def test_most_scores_of_relu_networks_that_converged_are_within_the_tolerance(self):
        path, exact = relu_network()
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=1024)
        error = relative_errors(attribution, exact)
        assert attribution.converged.mean() > 0.97
        # An estimate and no bound.
        assert (error[attribution.converged] <= 0.01).mean() >= 0.95

    def test_what_is_left_at_max_steps_reports_that_it_did_not_converge(self):
        path = steep_path([1e-3, 500.0])
        attribution = adaptive.integrate(path, tolerance=1e-9, max_steps=16)
        assert attribution.converged.tolist() == [True, False]
        assert attribution.evaluations.tolist() == [7, 16]
        assert attribution.error_estimate[1] > 1e-9

    @pytest.mark.parametrize("max_steps", [7, 8, 10, 100, 128])
    def test_max_steps_is_the_most_nodes(self, max_steps):
        path, _ = relu_network(examples=5)
        attribution = adaptive.integrate(path, tolerance=1e-9, max_steps=max_steps)
        assert attribution.evaluations.tolist() == [max_steps] * 5

    def test_the_error_estimate_is_at_least_the_convergence_delta(self):
        path, _ = relu_network()
        attribution = adaptive.integrate(path, tolerance=1e-9, max_steps=16)
        delta = np.abs(attribution.convergence_delta) / np.abs(attribution.scores).sum(axis=1)
        assert (attribution.error_estimate >= delta - 1e-12).all()

    @given(st.permutations(range(5)))
    def test_examples_do_not_influence_each_other(self, order):
        steepness = np.array([1.0, 60.0, 5.0, 200.0, 20.0])
        expected, shuffled = (
            adaptive.integrate(steep_path(values), tolerance=1e-3, max_steps=128)
            for values in (steepness, steepness[order])
        )
        np.testing.assert_array_equal(shuffled.scores, expected.scores[order])
        np.testing.assert_array_equal(shuffled.evaluations, expected.evaluations[order])

    @pytest.mark.parametrize("tolerance", [0.01, 1e-5])
    def test_a_graph_of_tensors_gives_the_same(self, tolerance):
        steepness = np.array([1.0, 60.0, 5.0, 1e3, 20.0])

        @tf.function(autograph=False)
        def traced():
            path = TensorPath(steep_path(steepness))
            return vars(adaptive.integrate(path, tolerance=tolerance, max_steps=64))

        expected = adaptive.integrate(steep_path(steepness), tolerance=tolerance, max_steps=64)
        for name, values in traced().items():
            np.testing.assert_allclose(values, getattr(expected, name), rtol=1e-9, atol=1e-12)


class TestObstacles:
    """Why an example did not converge."""

    @staticmethod
    def stair(place):
        """Returns the path of x, and a jump of the target that no gradient shows."""
        return FormulaPath(lambda rows: rows[:, 0] + (rows[:, 0] > place), np.ones_like, [[1.0]])

    def test_a_jump_of_the_target_ends_the_search(self):
        attribution = adaptive.integrate(self.stair(0.4), tolerance=0.01, max_steps=1024)
        assert attribution.evaluations[0] < 100
        assert not attribution.converged[0]
        assert attribution.obstacle[0] == Obstacle.ONE_PLACE
        assert attribution.obstacle_at[0] == pytest.approx(0.4, abs=1e-5)
        np.testing.assert_allclose(attribution.error_estimate, [1.0], rtol=1e-3)

    def test_a_jump_that_is_smaller_than_the_tolerance_does_not(self):
        path = FormulaPath(
            lambda rows: rows[:, 0] + 1e-3 * (rows[:, 0] > 0.4), np.ones_like, [[1.0]]
        )
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=1024)
        assert attribution.converged[0]
        assert attribution.evaluations[0] == adaptive.FIRST_NODES

    def test_a_jump_at_the_baseline_is_at_the_start(self):
        attribution = adaptive.integrate(self.stair(0.0), tolerance=0.01, max_steps=1024)
        assert not attribution.converged[0]
        assert attribution.obstacle[0] == Obstacle.START
        assert attribution.evaluations[0] < 300

    def test_many_jumps_of_the_gradient_are_in_many_places(self):
        path, _ = relu_network()
        attribution = adaptive.integrate(path, tolerance=1e-4, max_steps=64)
        assert not attribution.converged.any()
        assert (attribution.obstacle == Obstacle.MANY_PLACES).mean() > 0.9

    def test_a_change_that_no_score_shows_is_an_infinite_error(self):
        path = FormulaPath(lambda rows: 1.0 * (rows[:, 0] > 0.4), np.zeros_like, [[1.0]])
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        assert attribution.error_estimate.tolist() == [np.inf]
        assert not attribution.converged[0]


class TestChecks:
    """Integrands whose samples happen to agree, and whose sum shows nothing."""

    def cancelling_waves(self, frequency):
        """Two tokens that cancel, 1 ± cos(frequency · arcsin √α), and their exact scores."""

        def slope(place):
            return np.cos(frequency * np.arcsin(np.sqrt(np.clip(place, 0, 1))))

        # Of the change itself only the difference of the two tokens counts, which is 0.
        change = (np.zeros_like, slope)
        own = 1 / (1 - (frequency / 2) ** 2)
        exact = np.outer(SCALE, [0, 1 + own, 1 - own])
        return varied_path([change, change], SCALE), exact

    def steps(self, steepness, first, second):
        """A steep step of each token, up and down again, and the exact scores."""

        def step(place):
            return (
                lambda x: sigmoid(steepness * (x - place)),
                lambda x: (
                    steepness * sigmoid(steepness * (x - place)) * sigmoid(-steepness * (x - place))
                ),
            )

        heights = [
            sigmoid(steepness * (1 - place)) - sigmoid(-steepness * place)
            for place in (first, second)
        ]
        exact = np.outer(SCALE, [0, 1 + heights[0], 1 - heights[1]])
        return varied_path([step(first), step(second)], SCALE), exact

    @pytest.mark.parametrize("frequency", [12, 20, 24, 28, 32, 40, 52, 64, 100])
    def test_waves_are_not_taken_for_what_is_seen_at_the_first_nodes(self, frequency):
        path, exact = self.cancelling_waves(frequency)
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=256)
        error = relative_errors(attribution, exact)[attribution.converged]
        assert attribution.converged.mean() > 0.9
        assert np.median(error) < 0.01
        # Nothing but the samples tells of these waves. One of 200 may still be fooled by chance.
        assert (error > 0.05).mean() <= 0.01

    @pytest.mark.parametrize("frequency", [30.0, 100.0, 300.0, 1000.0, 3000.0])
    def test_the_target_between_the_nodes_tells_what_their_gradients_hide(self, frequency):
        path, exact = token_path([wave(frequency)], SCALE)
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        wrong = relative_errors(attribution, exact) > 0.01
        assert not (wrong & attribution.converged).any()

    @pytest.mark.parametrize("steepness", [150.0, 1e3, 1e6])
    @pytest.mark.parametrize("places", [(0.2, 0.8), (0.2, 0.45), (0.55, 0.9)])
    def test_steps_that_cancel_in_the_end_are_found(self, steepness, places):
        path, exact = self.steps(steepness, *places)
        attribution = adaptive.integrate(path, tolerance=0.01, max_steps=128)
        wrong = relative_errors(attribution, exact) > 0.01
        assert not (wrong & attribution.converged).any()
        assert attribution.converged.all() or steepness > 1e4
