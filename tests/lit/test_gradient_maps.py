"""LIT's own test file of its interpreters, from the installed package, with those of this package.

None of its cases pins a mistake of LIT's. `test_gradient_maps`, for one, asks for even shares where
all gradients are zero: [0.25] * 4 of what has no share at all; they are kept, as LIT's page shows
them. That the end of the path is never evaluated no test of LIT's sees: `tests/lit/test_compat.py`.
"""

import unittest

import numpy as np
import pytest

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")

from absl.testing import absltest
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import types
from lit_nlp.components import gradient_maps
from lit_nlp.lib import testing_utils

import tf_salience.lit as tfs_lit

NAMES = ("GradientNorm", "GradientDotInput", "IntegratedGradients")
SPEC = testing_utils.ClassificationModelForTesting().output_spec()
INPUT_SPEC = testing_utils.ClassificationModelForTesting().input_spec()


def test_lits_own_tests_pass(monkeypatch):
    from lit_nlp.components import gradient_maps_test

    for name in NAMES:
        monkeypatch.setattr(gradient_maps, name, getattr(tfs_lit, name))
    assert gradient_maps_test.gradient_maps.IntegratedGradients is tfs_lit.IntegratedGradients
    suite = absltest.TestLoader().loadTestsFromModule(gradient_maps_test)
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun == 8
    assert [*result.failures, *result.errors, *result.skipped] == []


def _interpreters(name):
    return getattr(tfs_lit, name)(), getattr(gradient_maps, name)()


@pytest.mark.parametrize("name", NAMES)
def test_specs_are_those_of_lit(name):
    ours, theirs = _interpreters(name)
    assert ours.meta_spec() == theirs.meta_spec()
    assert list(ours.config_spec()) == list(theirs.config_spec())
    for key, field in theirs.config_spec().items():
        assert type(ours.config_spec()[key]) is type(field)
        assert ours.config_spec()[key].default == field.default


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tokens": types.TextSegment()},
        {"input_embs": types.TextSegment()},
        {"input_embs_grad": types.TokenGradients(align="tokens")},
        {"input_embs_grad": types.TokenGradients(align="nothing", grad_for="input_embs")},
    ],
)
def test_fields_are_found_as_by_lit(name, changes):
    ours, theirs = _interpreters(name)
    specs = [{**SPEC, **changes}]
    if name == "IntegratedGradients":
        specs.insert(0, INPUT_SPEC)
    assert ours.find_fields(*specs) == theirs.find_fields(*specs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("missing", ["input_embs_grad", "tokens"])
def test_models_without_gradients_are_not_compatible(name, missing):
    output_spec = {key: field for key, field in SPEC.items() if key != missing}
    model = testing_utils.CustomOutputModelForTesting(INPUT_SPEC, output_spec, [{}])
    dataset = lit_dataset.NoneDataset({})
    for interpreter in _interpreters(name):
        assert not interpreter.is_compatible(model, dataset)
        assert interpreter.run([{"segment": "_"}], model, dataset) is None


@pytest.mark.parametrize("name", NAMES)
def test_zero_gradients_of_another_model_are_even_shares(name):
    """LIT's gradient norm divides by zero there."""
    model = testing_utils.ClassificationModelForTesting()
    (result,) = getattr(tfs_lit, name)().run([{"segment": "_"}], model, None)
    np.testing.assert_array_equal(result["input_embs_grad"].salience, 0.25)


class _Cubic(testing_utils.ClassificationModelForTesting):
    """A LIT model that is no `LitModel`: the sum of x³, with embeddings as an input."""

    TRUE = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]], np.float32)

    def predict_minibatch(self, inputs):
        for example in inputs:
            point = example.get("input_embs", self.TRUE)
            yield {
                "probas": np.array([0.2, 0.8]),
                "input_embs": point,
                "input_embs_grad": 3 * point**2,
                "tokens": ["a", "b", "c"],
                "grad_class": "1",
            }


def test_another_lit_model_is_integrated_to_the_end_of_its_path():
    exact = (_Cubic.TRUE**3).sum(axis=1)
    rows = {}
    for compat in (False, True):
        interpreter = tfs_lit.IntegratedGradients(normalize=False, compat=compat)
        (first, second) = interpreter.run([{"segment": "_"}] * 2, _Cubic(), None)
        rows[compat] = first["input_embs_grad"].salience
        np.testing.assert_array_equal(second["input_embs_grad"].salience, rows[compat])
    (theirs,) = gradient_maps.IntegratedGradients(normalize=False).run(
        [{"segment": "_"}], _Cubic(), None
    )
    np.testing.assert_allclose(rows[True], theirs["input_embs_grad"].salience, rtol=1e-5)
    np.testing.assert_allclose(rows[False], exact, rtol=1e-3)
    assert np.abs(rows[True] - exact).max() > 0.05 * np.abs(exact).max()
