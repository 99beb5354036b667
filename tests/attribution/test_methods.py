"""The methods in float64, against closed forms."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from formula_path import FormulaPath, TensorPath, sigmoid, steep_path

from tf_salience.attribution import array_ops, methods
from tf_salience.attribution.methods import GradientDotInput, GradientNorm, IntegratedGradients
from tf_salience.attribution.result import Attribution

COEFFICIENTS = np.array([2.0, -1.0, 0.5])


def linear(points, baseline=0.0, reduction=methods.dot):
    return FormulaPath(
        lambda rows: rows @ COEFFICIENTS,
        lambda rows: np.tile(COEFFICIENTS, (len(rows), 1)),
        points,
        baseline,
        reduction,
    )


RULES = [
    *(IntegratedGradients(steps=16, rule=rule) for rule in ("trapezoid", "midpoint")),
    IntegratedGradients(steps=8, rule="gauss_legendre"),
    IntegratedGradients(steps="auto"),
]


@pytest.mark.parametrize("method", [*RULES, IntegratedGradients(steps=7, rule="lit")])
def test_integrated_gradients_of_a_linear_form(method):
    points = [[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]
    baseline = np.array([0.5, -1.0, 2.0])
    attribution = method(linear(points, baseline))
    expected = COEFFICIENTS * (np.array(points) - baseline)
    np.testing.assert_allclose(attribution.scores, expected, atol=1e-14)
    np.testing.assert_allclose(attribution.convergence_delta, 0, atol=1e-13)
    np.testing.assert_allclose(attribution.baseline_output, baseline @ COEFFICIENTS, atol=1e-14)


@pytest.mark.parametrize("method", RULES)
def test_integrated_gradients_of_a_quadratic_form(method):
    matrix = np.array([[2.0, 0.3, -1.0], [0.3, 1.0, 0.0], [-1.0, 0.0, 0.5]])
    path = FormulaPath(
        lambda rows: np.einsum("bi,ij,bj->b", rows, matrix, rows),
        lambda rows: 2 * rows @ matrix,
        [[1.0, -2.0, 0.5]],
    )
    # ∫ 2 α M x dα · x = (M x) · x: the gradient is a line, for which every rule is exact.
    expected = path.end * (path.end @ matrix)
    np.testing.assert_allclose(method(path).scores, expected, atol=1e-13)


@pytest.mark.parametrize("factors", [2, 3, 4, 5])
def test_factors_of_a_product_have_equal_scores(factors):
    point = np.linspace(0.5, 2.0, factors)[None]

    def gradient(rows):
        return np.prod(rows, axis=1, keepdims=True) / rows

    path = FormulaPath(lambda rows: np.prod(rows, axis=1), gradient, point)
    attribution = IntegratedGradients(steps=8, rule="gauss_legendre")(path)
    np.testing.assert_allclose(attribution.scores, np.prod(point) / factors, rtol=1e-13)


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        (IntegratedGradients(steps=32, rule="gauss_legendre"), 1e-13),
        (IntegratedGradients(steps="auto", tolerance=1e-6), 1e-6),
    ],
)
def test_integrated_gradients_of_a_sigmoid(method, tolerance):
    def gradient(rows):
        value = sigmoid(rows @ COEFFICIENTS)
        return (value * (1 - value))[:, None] * COEFFICIENTS

    point = np.array([[1.0, 0.5, -2.0]])
    path = FormulaPath(lambda rows: sigmoid(rows @ COEFFICIENTS), gradient, point)
    slope = (sigmoid(point @ COEFFICIENTS) - 0.5) / (point @ COEFFICIENTS)
    expected = slope[:, None] * point * COEFFICIENTS
    np.testing.assert_allclose(method(path).scores, expected, rtol=tolerance)


def paper_path():
    """ReLU(ReLU(x1) - 1 - ReLU(x2)) at (3, 1): Sundararajan et al. 2017, figure 2."""

    def relu(values):
        return np.maximum(values, 0)

    def formula(rows):
        return relu(relu(rows[:, 0]) - 1 - relu(rows[:, 1]))

    def gradient(rows):
        active = (formula(rows) > 0) * 1.0
        return np.stack([active * (rows[:, 0] > 0), -active * (rows[:, 1] > 0)], axis=1)

    return FormulaPath(formula, gradient, [[3.0, 1.0]])


def test_relu_network_of_the_paper():
    attribution = IntegratedGradients(steps=4096)(paper_path())
    np.testing.assert_allclose(attribution.scores, [[1.5, -0.5]], atol=1e-3)
    # The gradient jumps at α = 1/2, so every level halves the error, and the estimate must follow.
    attribution = IntegratedGradients(steps="auto", tolerance=0.02)(paper_path())
    error = np.abs(attribution.scores - [[1.5, -0.5]]).sum() / 2
    assert attribution.converged.all()
    assert error <= 0.02
    assert error <= 1.1 * attribution.error_estimate[0]


@pytest.mark.parametrize(
    ("method", "expected"),
    [(GradientNorm(), [[2.0, 1.0, 0.5]]), (GradientDotInput(), [[2.0, -2.0, 1.5]])],
)
def test_gradient_methods_take_one_gradient_at_the_input(method, expected):
    path = linear([[1.0, 2.0, 3.0]], reduction=method.reduction)
    attribution = method(path)
    assert not method.follows_path
    assert path.calls == [([0], [[1.0]])]
    np.testing.assert_array_equal(attribution.scores, expected)
    assert attribution.evaluations.tolist() == [1]
    assert attribution.baseline_output is None
    assert attribution.convergence_delta is None
    assert attribution.error_estimate is None
    assert attribution.converged is None


def test_reductions_sum_over_dim():
    generator = np.random.default_rng(0)
    gradient, difference = generator.normal(size=(2, 3, 4, 5))
    norms = np.linalg.norm(gradient, axis=-1)
    products = np.einsum("btd,btd->bt", gradient, difference)
    for convert in (np.asarray, tf.constant):
        arrays = convert(gradient), convert(difference)
        np.testing.assert_allclose(methods.l2_norm(*arrays), norms, rtol=1e-12)
        np.testing.assert_allclose(methods.dot(*arrays), products, rtol=1e-12)


class TestOneRule:
    """A method is written once: on numpy arrays and in a graph it gives the same attribution."""

    #: Easy, hard and impossible for few nodes; the last has no score at all.
    STEEPNESS = (1.0, 60.0, 5.0, 1e4, 0.0)

    @pytest.mark.parametrize(
        "method",
        [
            IntegratedGradients(),
            IntegratedGradients(tolerance=1e-6, max_steps=32),
            IntegratedGradients(max_steps=8),
            IntegratedGradients(steps=8),
            IntegratedGradients(steps=7),
            IntegratedGradients(steps=8, rule="midpoint"),
            IntegratedGradients(steps=8, rule="gauss_legendre"),
            IntegratedGradients(steps=8, rule="lit"),
            GradientNorm(),
            GradientDotInput(),
        ],
        ids=str,
    )
    def test_live_and_traced_attributions_are_the_same(self, method):
        path = steep_path(self.STEEPNESS)
        path.reduction = method.reduction

        @tf.function(autograph=False)
        def traced():
            attribution = vars(method(TensorPath(path)))
            return {name: array for name, array in attribution.items() if array is not None}

        live = {name: array for name, array in vars(method(path)).items() if array is not None}
        graph = traced()
        assert graph.keys() == live.keys()
        for name, array in live.items():
            # 1e-12: the delta is what is left of sums of 1.
            np.testing.assert_allclose(graph[name], array, rtol=1e-12, atol=1e-12, err_msg=name)
        assert np.isfinite(live["scores"]).all()

    def test_the_examples_cover_both_ends_of_the_adaptive_rule(self):
        """Otherwise the test above would say little of it."""
        attribution = IntegratedGradients(tolerance=1e-6, max_steps=32)(steep_path(self.STEEPNESS))
        assert set(attribution.converged.tolist()) == {True, False}
        assert len(set(attribution.evaluations.tolist())) >= 2
        assert attribution.error_estimate[-1] == 0
        assert attribution.converged[-1]


CONFIGURED = [
    GradientNorm(),
    GradientDotInput(),
    IntegratedGradients(),
    IntegratedGradients(steps=12, rule="midpoint", baseline="[PAD]", keep_ids=[1, 2]),
    IntegratedGradients(tolerance=0.1, max_steps=64, baseline=7),
]


@pytest.mark.parametrize("method", CONFIGURED)
def test_a_config_restores_the_method(method):
    assert methods.get(methods.serialize(method)) == method


def test_a_config_restores_an_array_baseline():
    method = IntegratedGradients(baseline=[0.5, 1.0])
    restored = IntegratedGradients.from_config(method.get_config())
    np.testing.assert_array_equal(restored.baseline, method.baseline)


def test_a_config_names_a_callable_baseline():
    def half(embeddings):
        return embeddings / 2

    assert IntegratedGradients(baseline=half).get_config()["baseline"] == "half"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"steps": 0}, ValueError, "`steps` must be a positive integer.*Received: steps=0"),
        ({"steps": -3}, ValueError, "Received: steps=-3"),
        ({"steps": 30.5}, TypeError, r"Received: steps=30.5 \(of type float\)"),
        ({"steps": True}, TypeError, r"Received: steps=True \(of type bool\)"),
        ({"steps": None}, TypeError, "Received: steps=None"),
        ({"steps": "abc"}, ValueError, "`steps`.*or 'auto'.*Received: steps='abc'"),
        ({"rule": "trapezium"}, ValueError, "Received: rule='trapezium'.*'trapezoid'"),
        ({"rule": "midpoint"}, ValueError, "a number of steps.*Received: steps='auto', rule='mid"),
        ({"steps": 1, "rule": "lit"}, ValueError, "at least 2.*'lit'.*Received: steps=1"),
        ({"tolerance": 0}, ValueError, "`tolerance`.*positive.*Received: tolerance=0"),
        ({"tolerance": float("nan")}, ValueError, "Received: tolerance=nan"),
        ({"tolerance": "tight"}, ValueError, "Received: tolerance='tight'"),
        ({"max_steps": 4}, ValueError, "`max_steps`.*at least 7.*Received: max_steps=4"),
        ({"max_steps": 12.5}, TypeError, "Received: max_steps=12.5"),
        ({"baseline": 1.5}, TypeError, r"`baseline`.*Received: baseline=1.5 \(of type float\)"),
        ({"baseline": np.zeros((1, 2, 3, 4))}, ValueError, r"Received: shape \(1, 2, 3, 4\)"),
        ({"baseline": np.array(["a"])}, ValueError, "`baseline`.*numbers.*Received: .*dtype"),
        ({"baseline": np.array([np.nan])}, ValueError, "`baseline` must be finite.*Received"),
        ({"keep_ids": 3}, TypeError, "`keep_ids`.*integers.*Received: keep_ids=3"),
        ({"keep_ids": ["x"]}, TypeError, r"`keep_ids`.*integers.*Received: keep_ids=\['x'\]"),
    ],
)
def test_arguments_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        IntegratedGradients(**arguments)


def test_numbers_of_numpy_are_taken():
    method = IntegratedGradients(
        steps=np.int64(8), tolerance=np.float32(0.5), keep_ids=np.arange(2)
    )
    assert method == IntegratedGradients(steps=8, tolerance=0.5, keep_ids=(0, 1))


@keras.saving.register_keras_serializable(package="tf_salience_tests")
@dataclasses.dataclass(frozen=True)
class ScaledGradient:
    """A method of a user's own, which Keras knows."""

    scale: float = 1.0

    reduction = staticmethod(methods.dot)
    follows_path = False
    baseline = "zeros"
    keep_ids = ()

    def __call__(self, path):
        sums, _ = path.integrate(path.examples, np.ones(1), np.full((1, 1), self.scale))
        ops = array_ops.of(path.outputs)
        return Attribution(sums[:, 0], evaluations=ops.full(ops.shape(path.outputs)[0], 1))

    def get_config(self):
        return {"scale": self.scale}


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class ConfiguredGradient(ScaledGradient):
    """One that makes itself from its config."""

    @classmethod
    def from_config(cls, config):
        return cls(scale=10 * config["scale"])


class UnregisteredGradient(ScaledGradient):
    """One that Keras does not know."""


class TestGet:
    @pytest.mark.parametrize("name", methods.METHODS)
    def test_a_name_gives_the_method_with_its_defaults(self, name):
        assert methods.get(name) == methods.METHODS[name]()

    @pytest.mark.parametrize("method", [*CONFIGURED, UnregisteredGradient(2.0)])
    def test_an_instance_is_returned_as_it_is(self, method):
        assert methods.get(method) is method

    def test_a_method_of_the_users_own_computes_its_attribution(self):
        attribution = methods.get(UnregisteredGradient(3.0))(linear([[1.0, 2.0, 3.0]]))
        np.testing.assert_allclose(attribution.scores, [[6.0, -6.0, 4.5]])

    def test_an_unregistered_class_is_named_in_its_config(self):
        config = methods.serialize(UnregisteredGradient(2.0))
        assert config == {"class_name": "UnregisteredGradient", "config": {"scale": 2.0}}
        with pytest.raises(ValueError, match="`method`.*Received: method='UnregisteredGradient'"):
            methods.get(config)

    def test_a_registered_class_is_restored_from_its_config(self):
        config = methods.serialize(ScaledGradient(2.0))
        assert config == {
            "class_name": "tf_salience_tests>ScaledGradient",
            "config": {"scale": 2.0},
        }
        assert methods.get(config) == ScaledGradient(2.0)

    def test_a_registered_class_may_restore_itself(self):
        restored = methods.get(methods.serialize(ConfiguredGradient(2.0)))
        assert type(restored) is ConfiguredGradient
        assert restored.scale == 20.0

    def test_a_registered_name_gives_the_method_with_its_defaults(self):
        assert methods.get("tf_salience_tests>ScaledGradient") == ScaledGradient()

    @pytest.mark.parametrize(
        "method", [3, None, ScaledGradient, IntegratedGradients, {"class_name": "gradient_norm"}]
    )
    def test_other_objects_are_refused(self, method):
        with pytest.raises(TypeError, match="`method` must be.*Received: method=.*of type"):
            methods.get(method)
        with pytest.raises(TypeError, match=r"Make an instance of it: `IntegratedGradients\(\)`"):
            methods.get(IntegratedGradients)

    @pytest.mark.parametrize(
        "member", ["reduction", "follows_path", "baseline", "keep_ids", "__call__", "get_config"]
    )
    def test_an_object_without_a_member_is_told_all_of_them(self, member):
        members = {name: getattr(ScaledGradient, name) for name in vars(ScaledGradient)}
        del members[member]
        incomplete = type("Incomplete", (), members)()
        with pytest.raises(TypeError, match=re.escape(f"`{member}`")) as error:
            methods.get(incomplete)
        for name in ("reduction", "follows_path", "baseline", "keep_ids", "__call__", "get_config"):
            assert f"`{name}`" in str(error.value)
        assert "of type Incomplete" in str(error.value)

    @pytest.mark.parametrize(
        "method",
        [
            "gradient_nrom",
            {"class_name": "gradient_nrom", "config": {}},
        ],
    )
    def test_an_unknown_name_is_refused_with_the_nearest(self, method):
        with pytest.raises(ValueError, match="Received: method='gradient_nrom'.*'gradient_norm'"):
            methods.get(method)
