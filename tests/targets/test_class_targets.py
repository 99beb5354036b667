"""Units, margins and probabilities: on outputs as arrays, and as explained in models."""

import helpers
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience import targets
from tf_salience.targets import output_units

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


UNIT = np.array([[-3.0], [2.0]])
TWO_NAMES = ["bad", "good"]


@pytest.mark.parametrize(
    ("target", "keywords"),
    [
        ("predicted", {}),
        (0, {}),
        ("label", {"labels": [0, 1]}),
        ("predicted", {"class_names": ["good"]}),
        ("good", {"class_names": ["good"]}),
        ("label", {"labels": [0, 1], "class_names": ["good"]}),
        ("predicted", {"class_names": TWO_NAMES}),
        ("good", {"class_names": TWO_NAMES}),
        (1, {"class_names": TWO_NAMES}),
    ],
)
@pytest.mark.parametrize("shape", [(2, 1), (2,)])
def test_a_single_unit(target, keywords, shape):
    scores, target_indices = score(target, UNIT.reshape(shape), **keywords)
    np.testing.assert_array_equal(scores, UNIT[:, 0])
    named = context(UNIT, **keywords)
    expected = "good" if "class_names" in keywords else "output"
    assert targets.get(target).name(target_indices[0], named) == expected


@pytest.mark.parametrize(
    ("target", "labels", "classes"),
    [
        ("bad", None, [0, 0]),
        (0, None, [0, 0]),
        ([0, 1], None, [0, 1]),
        (["good", "bad"], None, [1, 0]),
        ("label", [0, 1], [0, 1]),
        ("label", ["good", "bad"], [1, 0]),
        ("label", [[1, 0], [0, 1]], [0, 1]),
        (1, None, [1, 1]),
        ("predicted", None, [1, 1]),
    ],
    ids=str,
)
def test_the_two_classes_of_a_single_unit(target, labels, classes):
    named = context(UNIT, labels=labels, class_names=TWO_NAMES)
    scores, target_indices = score(target, UNIT, labels=labels, class_names=TWO_NAMES)
    np.testing.assert_array_equal(scores, np.where(classes, UNIT[:, 0], -UNIT[:, 0]))
    assert output_units.class_indices(target_indices, named).tolist() == classes
    names = [targets.get(target).name(row, named) for row in target_indices]
    assert names == [["bad (−good)", "good"][index] for index in classes]


@pytest.mark.parametrize(
    ("target", "keywords", "message"),
    [
        ("label", {"labels": [0, 2]}, "from 0 to 1.*Received: labels=2"),
        (1, {}, "from 0 to 0.*1 class. Received: target=1.*need names.*`class_names="),
        (2, {"class_names": TWO_NAMES}, "from 0 to 1.*2 classes. Received: target=2"),
        ("worse", {"class_names": TWO_NAMES}, "Received: target='worse'"),
        (0, {"class_names": NAMES}, "one name, or two for a single unit"),
    ],
)
def test_classes_that_a_single_unit_has_not(target, keywords, message):
    with pytest.raises(ValueError, match=message):
        score(target, UNIT, **keywords)


def test_probabilities_of_the_two_classes_of_a_single_logit():
    positive = 1 / (1 + np.exp(-UNIT[:, 0]))
    expected = {"good": positive, "bad": 1 - positive}
    keywords = {"outputs": UNIT, "class_names": TWO_NAMES}
    for name, probability in expected.items():
        p, log_p = targets.Probability(name), targets.LogProbability(name)
        np.testing.assert_allclose(score(p, **keywords)[0], probability, rtol=1e-12)
        np.testing.assert_allclose(score(log_p, **keywords)[0], np.log(probability), rtol=1e-12)
        named = context(UNIT, class_names=TWO_NAMES)
        target_indices = p.resolve(named)[0]
        assert p.name(target_indices, named) == f"P({name})"
        assert log_p.name(target_indices, named) == f"log P({name})"


@pytest.mark.parametrize(
    ("a", "b", "sign"), [("good", "bad", 1), ("bad", "good", -1), (0, 1, -1), ("bad", 0, 0)]
)
def test_the_margin_of_a_single_logit_is_the_logit(a, b, sign):
    """log P(good) − log P(bad) is the logit."""
    margin = targets.Margin(a, b)
    scores, target_indices = score(margin, UNIT, class_names=TWO_NAMES)
    np.testing.assert_array_equal(scores, sign * UNIT[:, 0])
    named = context(UNIT, class_names=TWO_NAMES)
    names = [name if isinstance(name, str) else TWO_NAMES[name] for name in (a, b)]
    assert margin.name(target_indices[0], named) == " − ".join(names)


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
    for target in (targets.Probability(), targets.LogProbability()):
        with pytest.raises(ValueError, match="takes logits.*probabilities already.*Received.*`tar"):
            score(target, softmax)


@pytest.mark.parametrize(
    ("target", "activation", "units", "refused"),
    [
        (targets.Probability(), "softmax", 3, True),
        (targets.Probability(), "sigmoid", 3, True),
        (targets.Probability(), "sigmoid", 1, True),
        (targets.LogProbability(), "softmax", 3, False),
        (targets.LogProbability(), "sigmoid", 3, True),
        (targets.LogProbability(), "sigmoid", 1, False),
        (targets.Margin(0, 1), "softmax", 3, False),
        (targets.Margin(0, 1), "sigmoid", 3, False),
    ],
)
def test_probabilities_that_a_target_reads(target, activation, units, refused):
    named = context(OUTPUTS[:, :units], activation=activation)
    if not refused:
        assert target.resolve(named).shape[0] == 2
        return
    with pytest.raises(ValueError, match=f"from a {activation}. Received: outputs of shape"):
        target.resolve(named)


def test_names_of_what_is_read_from_probabilities():
    margin = targets.Margin(1, 0)
    for activation, name in {
        None: "fear − joy",
        "softmax": "log P(fear) − log P(joy)",
        "sigmoid": "logit(fear) − logit(joy)",
    }.items():
        assert margin.name([1, 0], context(class_names=NAMES, activation=activation)) == name
    single = context(UNIT, class_names=TWO_NAMES, activation="sigmoid")
    assert margin.name(margin.resolve(single)[0], single) == "log P(good) − log P(bad)"


@pytest.mark.parametrize("target", [targets.Margin(0, 1), targets.LogProbability(0)])
def test_half_precision_is_summed_in_float32(target):
    outputs = OUTPUTS.astype(np.float16)
    scores, _ = score(target, outputs)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, score(target, outputs.astype(np.float64))[0], rtol=1e-6)


def test_messages_are_short_whatever_was_passed():
    huge = ["joy"] * 9999
    for target, keywords in [
        (huge, {"class_names": NAMES}),
        ("label", {"labels": huge}),
        ("x" * 9999, {"class_names": NAMES}),
        (0, {"class_names": huge}),
    ]:
        with pytest.raises(ValueError, match="Received: ") as error:
            score(target, **keywords)
        assert len(str(error.value)) < 1500


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
