"""`compat=True` gives LIT's numbers on the same `LitModel`, the default those of the library."""

import dataclasses
import functools

import helpers
import keras
import numpy as np
import pytest

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")

from lit_nlp.api import dataset as lit_dataset
from lit_nlp.components import gradient_maps

import tf_salience as tfs
import tf_salience.lit as tfs_lit
from tf_salience import targets

TOLERANCE = 1e-5
DATASET = lit_dataset.NoneDataset({})


def _largest_difference(ours, theirs):
    """The largest difference of a token, relative to its sentence's largest score."""
    differences = []
    for our_fields, their_fields in zip(ours, theirs, strict=True):
        assert our_fields.keys() == their_fields.keys()
        scale = max(np.abs(salience.salience).max() for salience in their_fields.values())
        for field, salience in their_fields.items():
            assert our_fields[field].tokens == salience.tokens
            assert our_fields[field].salience.dtype == np.float32
            difference = np.abs(our_fields[field].salience - salience.salience).max()
            differences.append(difference / scale)
    return max(differences)


@functools.cache
def _two_segments():
    """Premise and hypothesis as texts."""
    keras.utils.set_random_seed(3)
    words = keras.layers.TextVectorization(vocabulary=helpers.WORDS)
    model = helpers.two_segments()
    explainer = tfs.Explainer(model, tokenizer=words, class_names=["yes", "no", "maybe"])
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(helpers.WORDS, size)) for size in (4, 7, 5, 3, 6, 4)]
    return (
        tfs_lit.LitModel(explainer, text=("premise", "hypothesis")),
        list(zip(texts[:3], texts[3:], strict=True)),
    )


@functools.cache
def _single_unit():
    keras.utils.set_random_seed(4)
    words = keras.layers.TextVectorization(vocabulary=helpers.WORDS)
    embed = keras.layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True)
    layers = [keras.layers.GRU(6), keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential([keras.Input((None,), dtype="int64"), embed, *layers])
    explainer = tfs.Explainer(model, tokenizer=words, class_names=["no", "yes"])
    return tfs_lit.LitModel(explainer), ["w1 w2 w3", "w7 w5", "w9 w1 w1 w4"]


@pytest.fixture(params=["reviews", "two segments", "single unit"])
def case(request):
    """A model, and examples with and without a label."""
    if request.param == "reviews":
        model = request.getfixturevalue("model")
        examples = request.getfixturevalue("dataset").examples[:6]
        return model, [*examples[:4], *({"text": example["text"]} for example in examples[4:])]
    model, texts = {"two segments": _two_segments, "single unit": _single_unit}[request.param]()
    label = model.fields.task.classes[0]
    examples = model.dataset(texts).examples
    return model, [{**examples[0], "label": label}, *examples[1:]]


@pytest.mark.parametrize("name", ["GradientNorm", "GradientDotInput", "IntegratedGradients"])
def test_compat_is_lit(case, name):
    model, examples = case
    theirs = getattr(gradient_maps, name)().run(examples, model, DATASET)
    ours = getattr(tfs_lit, name)(compat=True).run(examples, model, DATASET)
    assert _largest_difference(ours, theirs) < TOLERANCE


@pytest.mark.parametrize("steps", [2, 7])
def test_compat_is_lit_at_each_number_of_steps_and_class(case, steps):
    model, examples = case
    name = model.fields.task.classes[-1]
    config = {"Class to explain": name, "Normalize": False, "Interpolation steps": steps}
    theirs = gradient_maps.IntegratedGradients().run(examples, model, DATASET, config=config)
    interpreter = tfs_lit.IntegratedGradients(compat=True)
    ours = interpreter.run(examples, model, DATASET, config=config)
    assert _largest_difference(ours, theirs) < TOLERANCE


@pytest.mark.parametrize(
    ("interpreter", "method"),
    [
        (tfs_lit.GradientNorm(), "gradient_norm"),
        (tfs_lit.GradientDotInput(), "gradient_dot_input"),
        (tfs_lit.IntegratedGradients(), tfs.IntegratedGradients(steps=30)),
        (tfs_lit.Occlusion(), "occlusion"),
    ],
)
def test_the_default_is_the_library(case, interpreter, method):
    model, examples = case
    outputs = model.predict(examples)
    arguments = {**model.explainer.arguments, "method": method, "target": "label"}
    classes = [output["label"] for output in outputs]
    explanation = tfs.Explainer(**arguments)(model.texts(examples), labels=classes)
    for result, salience in zip(
        interpreter.run(examples, model, DATASET), explanation.normalized("l1"), strict=True
    ):
        scores = np.concatenate([field.salience for field in result.values()])
        np.testing.assert_allclose(scores, salience.scores, atol=1e-6)
        assert [t for field in result.values() for t in field.tokens] == salience.tokens
        assert np.abs(scores).sum() == pytest.approx(1, abs=1e-5)


def test_lits_own_is_further_from_the_truth(model, dataset, explainer):
    """Both of the probability: LIT leaves out the end of the path, where the input is."""
    examples = dataset.examples[:6]
    of_probability = dataclasses.replace(targets.Probability(), of="label")
    arguments = {**explainer.arguments, "target": of_probability}
    exact_method = tfs.IntegratedGradients(steps=96, rule="gauss_legendre")
    classes = [example["label"] for example in examples]
    exact = tfs.Explainer(**{**arguments, "method": exact_method})(
        model.texts(examples), labels=classes
    )
    corrected = tfs_lit.LitModel(tfs.Explainer(**arguments))
    errors = {}
    for name, interpreter, lit_model in (
        ("LIT", gradient_maps.IntegratedGradients(normalize=False), model),
        ("ours", tfs_lit.IntegratedGradients(normalize=False), corrected),
    ):
        results = interpreter.run(examples, lit_model, DATASET)
        errors[name] = [
            np.abs(result["token_grads"].salience - salience.scores).sum()
            / np.abs(salience.scores).sum()
            for result, salience in zip(results, exact, strict=True)
        ]
    assert np.median(errors["ours"]) < np.median(errors["LIT"]) / 2
