"""Targets, on outputs as numpy arrays, and against their own derivatives on a model."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience import targets

OUTPUTS = np.array([[1.0, 3.0, -2.0], [0.5, 0.0, 0.25]])
NAMES = ["joy", "fear", "rage"]


def context(outputs=OUTPUTS, **keywords):
    size = len(outputs)
    return targets.Context(outputs, np.arange(size), size, **keywords)


def score(target, outputs=OUTPUTS, **keywords):
    target = targets.get(target)
    target_indices = target.resolve(context(outputs, **keywords))
    return target.score(tf.constant(outputs), tf.constant(target_indices)).numpy(), target_indices


@pytest.mark.parametrize(
    ("target", "keywords", "columns"),
    [
        ("predicted", {}, [1, 0]),
        ("label", {"labels": [2, 0]}, [2, 0]),
        ("label", {"labels": ["rage", "fear"], "class_names": NAMES}, [2, 1]),
        (1, {}, [1, 1]),
        (np.int64(2), {}, [2, 2]),
        ("rage", {"class_names": NAMES}, [2, 2]),
        ([2, 0], {}, [2, 0]),
        (np.array([1, 2]), {}, [1, 2]),
        (["fear", "joy"], {"class_names": NAMES}, [1, 0]),
    ],
)
def test_units(target, keywords, columns):
    scores, target_indices = score(target, **keywords)
    assert target_indices[:, 0].tolist() == columns
    np.testing.assert_array_equal(scores, OUTPUTS[[0, 1], columns])


def test_a_single_unit_is_explained_whatever_is_predicted():
    outputs = np.array([[-3.0], [2.0]])
    for target in ("predicted", 0, "good"):
        scores, _ = score(target, outputs, class_names=["bad", "good"])
        np.testing.assert_array_equal(scores, outputs[:, 0])
    scores, _ = score("label", outputs[:, 0], labels=[0, 1])
    np.testing.assert_array_equal(scores, outputs[:, 0])
    with pytest.raises(ValueError, match="which scores 'good'. Received: target='bad'"):
        score("bad", outputs, class_names=["bad", "good"])
    with pytest.raises(ValueError, match="Received: labels=2"):
        score("label", outputs, labels=[0, 2])


def test_margin():
    scores, target_indices = score(targets.Margin("predicted", "label"), labels=[0, 2])
    assert target_indices.tolist() == [[1, 0], [0, 2]]
    np.testing.assert_array_equal(scores, [2.0, 0.25])
    with pytest.raises(ValueError, match="two or more output units"):
        score(targets.Margin(0, 1), np.ones((2, 1)))


def test_probabilities():
    soft = np.exp(OUTPUTS) / np.exp(OUTPUTS).sum(1, keepdims=True)
    np.testing.assert_allclose(score(targets.Probability())[0], soft.max(1), rtol=1e-12)
    np.testing.assert_allclose(score(targets.LogProbability(2))[0], np.log(soft[:, 2]), rtol=1e-12)
    single = np.array([[-3.0], [2.0]])
    np.testing.assert_allclose(
        score(targets.Probability(), single)[0], 1 / (1 + np.exp(-single[:, 0])), rtol=1e-12
    )
    with pytest.raises(ValueError, match="`Probability` takes logits.*probabilities already"):
        score(targets.Probability(), soft)


@pytest.mark.parametrize("target", [targets.Probability(), targets.LogProbability()])
@pytest.mark.parametrize("ending", ["argument", "layer", "nested"])
def test_a_single_sigmoid_is_a_probability_already(target, ending):
    activation = "sigmoid" if ending != "layer" else None
    model = keras.Sequential(
        [*helpers.single_unit().layers[:-1], keras.layers.Dense(1, activation)]
    )
    if ending == "layer":
        model.add(keras.layers.Activation("sigmoid"))
    model(helpers.ids())
    if ending == "nested":
        inputs = keras.Input((None,), dtype="int32")
        model = keras.Model(inputs, model(inputs))
    with pytest.raises(ValueError, match="takes logits.*probabilities already"):
        tfs.explain(model, helpers.ids(), target=target)
    assert tfs.explain(model, helpers.ids(), "gradient_norm").output.max() < 1


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("predicted", "fear"),
        (targets.Margin("joy", "rage"), "joy − rage"),
        (targets.Probability(2), "P(rage)"),
        (targets.LogProbability("joy"), "log P(joy)"),
        (tf.reduce_mean, "reduce_mean"),
    ],
)
def test_names(target, name):
    target = targets.get(target)
    here = context(class_names=NAMES)
    assert target.name(target.resolve(here)[0], here) == name


def test_names_without_names():
    target = targets.get("predicted")
    assert target.name(np.array([1]), context()) == "class 1"
    assert target.name(np.array([0]), context(np.ones((2, 1)))) == "output"


def test_outputs_that_have_no_classes():
    with pytest.raises(
        ValueError,
        match=r"shape \(2, 4, 3\)(.|\n)*`targets.Position`; (.|\n)*a callable",
    ):
        score("predicted", np.ones((2, 4, 3)))
    with pytest.raises(ValueError, match=r"2 outputs. Say which with `output=`(.|\n)*callable"):
        targets.get("predicted").resolve(targets.Context((OUTPUTS, OUTPUTS), np.arange(2), 2))


def test_the_class_is_held_along_the_path():
    """At the baseline another class wins; what is explained must not change to it."""
    # Class 0 scores 1 everywhere, class 1 the sum of the embeddings: 1.5 at the input, 0 at zero.
    model = helpers.formula_model(
        lambda x: tf.stack([1.0 + 0.0 * tf.reduce_sum(x, (1, 2)), tf.reduce_sum(x, (1, 2))], 1),
        np.array([[0.0], [1.0], [0.5]]),
    )
    explanation = tfs.explain(model, [[1, 2]])
    assert explanation.target.tolist() == [1]
    np.testing.assert_allclose(explanation.scores, [[1.0, 0.5]], rtol=1e-6)
    assert explanation.baseline_output.tolist() == [0.0]


def test_one_target_an_example_follows_its_example_through_batches():
    model = helpers.weights_alive(helpers.sequential_lstm())
    each = [2, 0, 1, 1, 0, 2]
    explanation = tfs.explain(
        model, helpers.ids(), target=each, batch_size=2, max_rows=3, class_names=NAMES
    )
    outputs = model(helpers.ids()).numpy()
    np.testing.assert_allclose(explanation.output, outputs[np.arange(6), each], rtol=1e-5)
    assert explanation.target_name == [NAMES[one] for one in each]


def test_margin_scores_are_the_difference_of_the_classes_scores():
    model = helpers.weights_alive(helpers.sequential_lstm())
    method = tfs.IntegratedGradients(steps=16)

    def scores(target):
        return tfs.explain(model, helpers.ids(), method, target=target).scores

    margin = scores(targets.Margin(0, 2))
    np.testing.assert_allclose(margin, scores(0) - scores(2), atol=1e-5 * np.abs(margin).max())
    assert tfs.explain(model, helpers.ids(2), target=targets.Margin(0, 2)).target is None


@pytest.mark.parametrize(
    "target", ["predicted", 1, [0, 1], targets.Margin(0, "a"), targets.LogProbability(), len]
)
def test_config_is_plain_values(target):
    import json

    config = targets.get(target).get_config()
    assert json.loads(json.dumps(config)) == config
