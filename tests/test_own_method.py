"""A method of the user's own is taken wherever a built-in one is."""

import dataclasses
from typing import Any, ClassVar

import helpers
import keras
import numpy as np
import pytest
import serving
import tensorflow as tf
import training

import tf_salience as tfs
from tf_salience.attribution import array_ops, methods
from tf_salience.attribution.result import Attribution

IDS = helpers.ids()


@keras.saving.register_keras_serializable(package="tf_salience_tests")
@dataclasses.dataclass(frozen=True)
class GradientTimesSign:
    """Gradient · the sign of the input."""

    follows_path: ClassVar[bool] = False
    baseline: ClassVar[str] = "zeros"
    keep_ids: ClassVar[tuple] = ()

    def reduction(self, gradient, difference):
        return tf.reduce_sum(gradient * tf.sign(difference), axis=-1)

    def __call__(self, path):
        ops = array_ops.of(path.outputs)
        sums, _ = path.integrate(path.examples, np.ones(1), np.ones((1, 1)))
        return Attribution(sums[:, 0], evaluations=ops.full(ops.shape(path.outputs)[0], 1))

    def get_config(self):
        return {}


@keras.saving.register_keras_serializable(package="tf_salience_tests")
@dataclasses.dataclass(frozen=True)
class TwoNodes:
    """Integrated gradients by a midpoint rule of two nodes, with its convergence delta."""

    baseline: Any = "zeros"
    follows_path: ClassVar[bool] = True
    keep_ids: ClassVar[tuple] = ()
    reduction = staticmethod(methods.dot)

    def __call__(self, path):
        ops = array_ops.of(path.outputs)
        nodes, weights = np.array([0.25, 0.75]), np.full((1, 2), 0.5)
        scores = path.integrate(path.examples, nodes, weights)[0][:, 0]
        baseline_output = path.target_at(0.0)
        return Attribution(
            scores,
            evaluations=ops.full(ops.shape(path.outputs)[0], 2),
            baseline_output=baseline_output,
            convergence_delta=ops.sum(scores, axis=1) - (path.outputs - baseline_output),
        )

    def get_config(self):
        return {"baseline": self.baseline}


OWN_METHODS = {
    "tf_salience_tests>GradientTimesSign": GradientTimesSign(),
    "tf_salience_tests>TwoNodes": TwoNodes(baseline="mean"),
}
every_method = pytest.mark.parametrize("name", OWN_METHODS)


@pytest.fixture(scope="module")
def model():
    return helpers.weights_alive(training.compiled_model())


class TestNumbers:
    def test_the_sign_of_ones_is_their_value(self):
        table = np.random.default_rng(0).choice([-1.0, 1.0], (9, 4)).astype(np.float32)
        model = helpers.formula_model(
            lambda x: tf.tanh(tf.reduce_sum(x**3, (1, 2)))[:, None], table
        )
        ids = np.array([[1, 2, 3], [4, 5, 6]])
        explanation = tfs.explain(model, ids, GradientTimesSign())
        expected = tfs.explain(model, ids, "gradient_dot_input")
        np.testing.assert_allclose(explanation.scores, expected.scores, rtol=1e-6)

    @pytest.mark.parametrize("options", [{}, {"max_rows": 1}, {"batch_size": 4, "max_rows": 5}])
    def test_two_nodes_are_the_built_in_midpoint_rule(self, model, options):
        explanation = tfs.explain(model, IDS, TwoNodes("mean"), **options)
        midpoint = tfs.IntegratedGradients(steps=2, rule="midpoint", baseline="mean")
        expected = tfs.explain(model, IDS, midpoint)
        scale = np.abs(expected.scores).max()
        np.testing.assert_allclose(explanation.scores, expected.scores, atol=1e-6 * scale)
        for field in ("baseline_output", "convergence_delta"):
            np.testing.assert_allclose(
                getattr(explanation, field), getattr(expected, field), atol=1e-5
            )
        assert explanation.evaluations.tolist() == [2] * 6


@every_method
class TestEverywhere:
    def test_in_an_explainer_and_in_one_line(self, model, name):
        method = OWN_METHODS[name]
        explanation = tfs.Explainer(model, method)(IDS)
        assert np.abs(explanation.scores).sum() > 0
        np.testing.assert_array_equal(tfs.explain(model, IDS, method).scores, explanation.scores)
        assert explanation.config["method"] == {"class_name": name, "config": method.get_config()}
        assert f" {name} at " in explanation[0].header

    def test_in_a_saved_explanation_from_which_it_is_restored(self, model, name, tmp_path):
        explanation = tfs.explain(model, IDS, OWN_METHODS[name])
        explanation.save(tmp_path / "explanation.json")
        config = tfs.Explanation.load(tmp_path / "explanation.json").config["method"]
        assert methods.get(config) == OWN_METHODS[name]
        assert type(methods.get(name)) is type(OWN_METHODS[name])
        np.testing.assert_array_equal(tfs.explain(model, IDS, config).scores, explanation.scores)

    def test_tokens_are_erased_to_its_baseline(self, model, name):
        method = OWN_METHODS[name]
        explainer = tfs.Explainer(model, method)
        mask = explainer(IDS).mask
        whole, erased = explainer.without(IDS, np.stack([np.zeros_like(mask), mask]))
        built_in = tfs.IntegratedGradients(steps=1, baseline=method.baseline)
        expected = tfs.explain(model, IDS, built_in)
        np.testing.assert_allclose(whole, expected.output, rtol=1e-5)
        np.testing.assert_allclose(erased, expected.baseline_output, rtol=1e-4, atol=1e-5)

    def test_in_a_logger(self, name, tmp_path):
        model = training.compiled_model()
        logger = tfs.SalienceLogger(
            tmp_path, training.PROBES, method=OWN_METHODS[name], on_error="raise"
        )
        training.fit(model, [logger], epochs=2)
        records = tfs.read_log(tmp_path)[-4:]
        expected = tfs.explain(model, training.PROBES, OWN_METHODS[name])
        for record, salience in zip(records, expected, strict=True):
            assert record["method"] == name
            assert record["scores"] == pytest.approx(salience.scores.tolist(), rel=1e-4, abs=1e-6)

    def test_in_an_exported_signature(self, model, name, tmp_path):
        folder = tfs.export_saved_model(model, tmp_path / "m", method=OWN_METHODS[name])
        results = serving.request(serving.load(folder), inputs=serving.ids())
        live = tfs.explain(model, IDS, OWN_METHODS[name])
        scale = max(1.0, np.abs(live.scores).max())
        for field in ("scores", "output", "baseline_output", "convergence_delta"):
            if getattr(live, field) is not None:
                np.testing.assert_allclose(results[field], getattr(live, field), atol=1e-5 * scale)
        method = tfs.read_signature(folder)["method"]
        assert method == {"class_name": name, "config": OWN_METHODS[name].get_config()}


class OfNumpyAlone(GradientTimesSign):
    """Cannot run on tensors of a graph."""

    def __call__(self, path):
        sums, _ = path.integrate(path.examples, np.ones(1), np.ones((1, 1)))
        return Attribution(np.asarray(sums)[:, 0], evaluations=np.ones(len(path.outputs), int))


class WithoutAttribution(GradientTimesSign):
    """Returns its scores alone."""

    def __call__(self, path):
        return super().__call__(path).scores


def test_a_method_of_numpy_alone_is_explained_and_not_exported(model, tmp_path):
    explanation = tfs.explain(model, IDS, OfNumpyAlone())
    expected = tfs.explain(model, IDS, GradientTimesSign())
    np.testing.assert_array_equal(explanation.scores, expected.scores)
    with pytest.raises(ValueError, match=r"array_ops.of\(path.outputs\).*method=OfNumpyAlone"):
        tfs.export_saved_model(model, tmp_path / "m", method=OfNumpyAlone())
    assert list(tmp_path.iterdir()) == []


def test_a_method_without_an_attribution_is_not_exported(model, tmp_path):
    with pytest.raises(ValueError, match="must return an `Attribution`.*Received: method=Without"):
        tfs.export_saved_model(model, tmp_path / "m", method=WithoutAttribution())
    assert list(tmp_path.iterdir()) == []
