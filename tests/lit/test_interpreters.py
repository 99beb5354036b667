"""Settings, errors and finite numbers of the interpreters; how right integrated gradients are."""

import functools

import keras
import numpy as np
import pytest

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")

from lit_nlp.api import dataset as lit_dataset
from lit_nlp.lib import caching

import tf_salience as tfs
import tf_salience.lit as tfs_lit
from tf_salience import targets

DATASET = lit_dataset.NoneDataset({})
EXAMPLES = [{"text": "the soup was good"}, {"text": "bad"}, {"text": "soup"}]


def _explainer(target="predicted", **keywords):
    """A small model whose second unit depends on nothing."""
    keras.utils.set_random_seed(0)
    words = keras.layers.TextVectorization(vocabulary=["the", "soup", "was", "good", "bad"])
    embed = keras.layers.Embedding(7, 8, mask_zero=True)
    dense = keras.layers.Dense(2)
    layers = [keras.Input((), dtype="string"), words, embed, keras.layers.GRU(6), dense]
    model = keras.Sequential(layers)
    return tfs.Explainer(model, target=target, **{"class_names": ["bad", "good"], **keywords})


@functools.cache
def _model():
    """The `LitModel` of a small model, for all that does not change it."""
    return tfs_lit.LitModel(_explainer())


@functools.cache
def _indifferent():
    """The same, of a model whose output is 0 whatever it reads."""
    explainer = _explainer()
    explainer.model.layers[-1].set_weights([np.zeros((6, 2)), np.zeros(2)])
    return tfs_lit.LitModel(explainer)


@pytest.mark.parametrize(
    "interpreter",
    [
        tfs_lit.GradientNorm(),
        tfs_lit.GradientDotInput(),
        tfs_lit.IntegratedGradients(),
        tfs_lit.Occlusion(),
        tfs_lit.GradientNorm(compat=True),
        tfs_lit.GradientDotInput(compat=True),
        tfs_lit.IntegratedGradients(compat=True),
    ],
)
def test_scores_are_finite_where_nothing_matters(interpreter):
    for result in interpreter.run(EXAMPLES, _indifferent(), DATASET):
        salience = result["token_grads"].salience
        assert salience.dtype == np.float32
        np.testing.assert_allclose(salience, 1 / len(salience))


@pytest.mark.parametrize("value", ["many", None, [3], float("nan"), float("inf"), 0, -5])
def test_steps_of_another_kind_get_lits_error(value):
    model = _model()
    with pytest.raises(RuntimeError, match=r"(?i)interpolation steps"):
        tfs_lit.IntegratedGradients().run(
            EXAMPLES, model, DATASET, config={"Interpolation steps": value}
        )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Normalize": "yes"}, "Failed to parse normalization"),
        ({"Class to explain": "ugly"}, "bad.*good.*ugly"),
        ({"Class to explain": 1}, "name of a class"),
    ],
)
@pytest.mark.parametrize("kind", [tfs_lit.IntegratedGradients, tfs_lit.Occlusion])
def test_settings_of_another_kind_are_errors(kind, config, message):
    model = _model()
    with pytest.raises(RuntimeError, match=message):
        kind().run(EXAMPLES, model, DATASET, config=config)


def test_steps_may_come_as_text():
    model = _model()
    interpreter = tfs_lit.IntegratedGradients(interpolation_steps=8)
    rows = [
        interpreter.run(EXAMPLES, model, DATASET, config=config)
        for config in ({"Interpolation steps": "8"}, {"Interpolation steps": 8.0}, None)
    ]
    for result, *others in zip(*rows, strict=True):
        for other in others:
            np.testing.assert_array_equal(
                result["token_grads"].salience, other["token_grads"].salience
            )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"interpolation_steps": 0}, ValueError, "positive integer"),
        ({"normalize": "yes"}, TypeError, "normalize"),
        ({"autorun": 1}, TypeError, "autorun"),
        ({"compat": None}, TypeError, "compat"),
    ],
)
def test_arguments_of_another_kind_are_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        tfs_lit.IntegratedGradients(**arguments)


def test_lits_cache_around_the_model_is_seen_through():
    model = _model()
    wrapped = caching.CachingModelWrapper(model, "reviews")
    for interpreter in (tfs_lit.IntegratedGradients(), tfs_lit.Occlusion()):
        assert interpreter.is_compatible(wrapped, DATASET)
        plain, cached = (interpreter.run(EXAMPLES, m, DATASET) for m in (model, wrapped))
        np.testing.assert_array_equal(
            plain[0]["token_grads"].salience, cached[0]["token_grads"].salience
        )


@pytest.mark.parametrize("name", ["GradientNorm", "GradientDotInput", "IntegratedGradients"])
def test_nothing_selected(name):
    for interpreter in (getattr(tfs_lit, name)(), tfs_lit.Occlusion()):
        assert interpreter.run([], _model(), DATASET) == []


def test_convergence_is_that_of_the_explanation():
    model = _model()
    interpreter = tfs_lit.IntegratedGradients(interpolation_steps=10)
    convergence = tfs_lit.Convergence(interpreter)
    assert convergence.is_compatible(model, DATASET)
    explanation = interpreter.explain(EXAMPLES, model)
    results = convergence.run(EXAMPLES, model, DATASET)
    for salience, result in zip(explanation, results, strict=True):
        delta, error = result["convergence"].tokens
        assert float(delta.split()[1]) == pytest.approx(salience.convergence_delta, rel=0.06)
        assert float(error.split()[1]) == pytest.approx(100 * salience.error_estimate, rel=0.06)
        assert result["convergence"].salience[1] == pytest.approx(salience.error_estimate)


def test_baseline_and_kept_tokens_are_those_of_the_explainer():
    method = tfs.IntegratedGradients(baseline="mean", keep_ids=[2])
    model = tfs_lit.LitModel(_explainer(method=method))
    (result,) = tfs_lit.IntegratedGradients(normalize=False).run(EXAMPLES[:1], model, DATASET)
    assert result["token_grads"].salience[0] == 0
    zeros = _model()
    (other,) = tfs_lit.IntegratedGradients(normalize=False).run(EXAMPLES[:1], zeros, DATASET)
    assert np.abs(result["token_grads"].salience - other["token_grads"].salience).max() > 1e-3


def test_the_target_of_the_explainer_is_explained():
    margin = tfs_lit.LitModel(_explainer(targets.Margin(1, 0)))
    interpreter = tfs_lit.IntegratedGradients(normalize=False)
    rows = interpreter.run(EXAMPLES, margin, DATASET)
    expected = tfs.Explainer(
        **{**margin.explainer.arguments, "method": tfs.IntegratedGradients(steps=30)}
    )([example["text"] for example in EXAMPLES])
    for result, salience in zip(rows, expected, strict=True):
        np.testing.assert_allclose(result["token_grads"].salience, salience.scores, atol=1e-6)
    with pytest.raises(RuntimeError, match="target is a class"):
        interpreter.run(EXAMPLES, margin, DATASET, config={"Class to explain": "good"})


def test_a_whole_selection_is_one_call(monkeypatch):
    model = _model()
    interpreter = tfs_lit.IntegratedGradients()
    outputs = model.predict(EXAMPLES * 5)
    calls = []
    whole_call = tfs.Explainer.__call__
    monkeypatch.setattr(
        tfs.Explainer,
        "__call__",
        lambda self, *arguments, **keywords: (
            calls.append(1),
            whole_call(self, *arguments, **keywords),
        )[1],
    )
    assert len(interpreter.run(EXAMPLES * 5, model, DATASET, outputs)) == 15
    assert len(calls) == 1
