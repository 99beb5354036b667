"""Probes are explained in one batch, and apart from those that fail."""

import numpy as np
import pytest
from training import PROBES, compiled_model

import tf_salience as tfs
from tf_salience.callbacks.probe_explainer import ProbeExplainer
from tf_salience.callbacks.probes import Probes


class Recording:
    """An explainer that notes the probes of each call."""

    def __init__(self, explainer):
        self.explainer = explainer
        self.calls = []

    def __call__(self, inputs, labels=None):
        self.calls.append(sorted(labels.tolist()))
        return self.explainer(inputs)

    def without(self, inputs, erased, labels=None):
        return self.explainer.without(inputs, erased)

    def take_calls(self):
        calls, self.calls = sorted(self.calls, key=lambda call: (-len(call), call)), []
        return calls


@pytest.fixture(scope="module")
def model():
    return compiled_model()


@pytest.fixture
def explainer(model):
    return Recording(tfs.Explainer(model, "gradient_norm", jit_compile=False))


def probe_explainer(explainer, inputs=PROBES, *, raise_errors=False, separable=True):
    probes = Probes(inputs, np.arange(len(inputs)), None)
    return ProbeExplainer(explainer, probes, raise_errors=raise_errors, separable=separable)


def with_unknown_id(probe):
    inputs = PROBES.copy()
    inputs[probe, 0] = 999
    return inputs


def test_all_probes_are_one_batch(explainer):
    explanations, errors = probe_explainer(explainer)()
    assert explainer.take_calls() == [[0, 1, 2, 3]]
    assert (list(explanations), errors) == ([0, 1, 2, 3], {})
    expected = tfs.explain(explainer.explainer.model, PROBES, "gradient_norm")
    for probe, explanation in explanations.items():
        np.testing.assert_allclose(explanation.salience.scores, expected[probe].scores, rtol=1e-5)


def test_a_probe_that_fails_is_explained_apart_from_then_on(explainer):
    explain = probe_explainer(explainer, with_unknown_id(2))
    for calls in ([[0, 1, 2, 3], [0], [1], [2], [3]], [[0, 1, 3], [2]]):
        explanations, errors = explain()
        assert explainer.take_calls() == calls
        assert list(explanations) == [0, 1, 3]
        assert list(errors) == [2]
        assert "id 999" in errors[2]


def test_probes_that_recover_are_one_batch_again(explainer, model):
    explain = probe_explainer(explainer)
    weights = model.get_weights()
    try:
        model.set_weights([np.full_like(array, np.nan) for array in weights])
        assert list(explain()[1]) == [0, 1, 2, 3]
    finally:
        model.set_weights(weights)
    assert list(explain()[0]) == [0, 1, 2, 3]
    explainer.take_calls()
    explain()
    assert explainer.take_calls() == [[0, 1, 2, 3]]


def test_probes_that_are_not_separable_fail_together(explainer):
    explain = probe_explainer(explainer, with_unknown_id(0), separable=False)
    for _ in range(2):
        explanations, errors = explain()
        assert explainer.take_calls() == [[0, 1, 2, 3]]
        assert explanations == {}
        assert list(errors) == [0, 1, 2, 3]
        assert all("id 999" in error for error in errors.values())


def test_errors_can_be_raised(explainer):
    with pytest.raises(ValueError, match="id 999"):
        probe_explainer(explainer, with_unknown_id(0), raise_errors=True)()


def test_the_random_rankings_are_the_same_at_every_evaluation(explainer):
    explain = probe_explainer(explainer)
    first, second = explain()[0], explain()[0]
    for probe, explanation in first.items():
        assert explanation.comprehensiveness == second[probe].comprehensiveness
        assert explanation.sufficiency == second[probe].sufficiency
