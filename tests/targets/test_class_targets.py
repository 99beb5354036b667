"""Units, margins and probabilities: on outputs as arrays, and as explained in models."""

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
    return targets.Context(outputs, np.arange(len(outputs)), len(outputs), **keywords)


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


def test_a_single_unit_is_explained_for_every_prediction():
    outputs = np.array([[-3.0], [2.0]])
    for target in ("predicted", 0, "good"):
        scores, _ = score(target, outputs, class_names=["bad", "good"])
        np.testing.assert_array_equal(scores, outputs[:, 0])
    scores, _ = score("label", outputs[:, 0], labels=[0, 1])
    np.testing.assert_array_equal(scores, outputs[:, 0])
    with pytest.raises(ValueError, match="scores 'good'. Received: target='bad'.*a callable"):
        score("bad", outputs, class_names=["bad", "good"])
    with pytest.raises(ValueError, match="Received: labels=2"):
        score("label", outputs, labels=[0, 2])


def test_margin():
    scores, target_indices = score(targets.Margin("predicted", "label"), labels=[0, 2])
    assert target_indices.tolist() == [[1, 0], [0, 2]]
    np.testing.assert_array_equal(scores, [2.0, 0.25])
    with pytest.raises(ValueError, match=r"two or more output units.*\(batch, 1\).*'predicted'"):
        score(targets.Margin(0, 1), np.ones((2, 1)))


def test_probabilities():
    softmax = np.exp(OUTPUTS) / np.exp(OUTPUTS).sum(1, keepdims=True)
    np.testing.assert_allclose(score(targets.Probability())[0], softmax.max(1), rtol=1e-12)
    np.testing.assert_allclose(
        score(targets.LogProbability(2))[0], np.log(softmax[:, 2]), rtol=1e-12
    )
    single = np.array([[-3.0], [2.0]])
    np.testing.assert_allclose(
        score(targets.Probability(), single)[0], 1 / (1 + np.exp(-single[:, 0])), rtol=1e-12
    )
    with pytest.raises(ValueError, match="`Probability` takes logits.*probabilities already"):
        score(targets.Probability(), softmax)


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
    named_context = context(class_names=NAMES)
    assert target.name(target.resolve(named_context)[0], named_context) == name


def test_names_without_class_names():
    target = targets.get("predicted")
    assert target.name(np.array([1]), context()) == "class 1"
    assert target.name(np.array([0]), context(np.ones((2, 1)))) == "output"


def test_outputs_without_classes():
    with pytest.raises(
        ValueError, match=r"shape \(2, 4, 3\)(.|\n)*`targets.Position`; (.|\n)*a callable"
    ):
        score("predicted", np.ones((2, 4, 3)))
    with pytest.raises(ValueError, match=r"2 outputs(.|\n)*`output=`(.|\n)*callable"):
        targets.get("predicted").resolve(targets.Context((OUTPUTS, OUTPUTS), np.arange(2), 2))


def test_the_class_stays_the_same_along_the_path():
    """At the baseline another class has the largest output."""
    # Class 0 scores 1 everywhere, class 1 the sum of the embeddings: 1.5 at the input, 0 at zero.
    model = helpers.formula_model(
        lambda x: tf.stack([1.0 + 0.0 * tf.reduce_sum(x, (1, 2)), tf.reduce_sum(x, (1, 2))], 1),
        np.array([[0.0], [1.0], [0.5]]),
    )
    explanation = tfs.explain(model, [[1, 2]])
    assert explanation.target.tolist() == [1]
    np.testing.assert_allclose(explanation.scores, [[1.0, 0.5]], rtol=1e-6)
    assert explanation.baseline_output.tolist() == [0.0]


def test_a_target_per_example_stays_with_its_example_in_batches():
    model = helpers.weights_alive(helpers.sequential_lstm())
    classes = [2, 0, 1, 1, 0, 2]
    explanation = tfs.explain(
        model, helpers.ids(), target=classes, batch_size=2, max_rows=3, class_names=NAMES
    )
    outputs = model(helpers.ids()).numpy()
    np.testing.assert_allclose(explanation.output, outputs[np.arange(6), classes], rtol=1e-5)
    assert explanation.target_name == [NAMES[column] for column in classes]


def test_margin_scores_are_the_difference_of_the_classes_scores():
    model = helpers.weights_alive(helpers.sequential_lstm())
    method = tfs.IntegratedGradients(steps=16)

    def scores(target):
        return tfs.explain(model, helpers.ids(), method, target=target).scores

    margin = scores(targets.Margin(0, 2))
    np.testing.assert_allclose(margin, scores(0) - scores(2), atol=1e-5 * np.abs(margin).max())
    assert tfs.explain(model, helpers.ids(2), target=targets.Margin(0, 2)).target is None
