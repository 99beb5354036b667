"""Targets that read logits, in models that end in a softmax or sigmoid."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience import targets


class Subclassed(keras.Model):
    """A model of logits and what it does with them, in the subclassing style."""

    def __init__(self, model, ending):
        super().__init__()
        self.model, self.ending = model, ending

    def call(self, ids):
        return self.ending(self.model(ids))


def functional(model, ending):
    return keras.Model(model.input, ending(model.output))


def nested(model, ending):
    ids = model_zoo.ids_input()
    return keras.Model(ids, functional(model, ending)(ids))


def sequential(model, ending):
    return keras.Sequential([model, ending])


def subclassed(model, ending):
    result = Subclassed(model, ending)
    result(helpers.ids())
    return result


def unstable(activation):
    """A layer that ends in operations that are not seen to be an activation."""

    def ending(logits):
        if activation == "sigmoid":
            return 1 / (1 + ops.exp(-logits))
        exponentials = ops.exp(logits)
        return exponentials / ops.sum(exponentials, axis=-1, keepdims=True)

    return ending


STYLES = {
    "functional": functional,
    "nested": nested,
    "Sequential": sequential,
    "subclassed": subclassed,
}
every_style = pytest.mark.parametrize("style", STYLES)
known_and_unknown = pytest.mark.parametrize("style", ["nested", "subclassed"])


def same(model, of_logits, target, **keywords):
    """Asserts that a model is explained as that of its logits; returns both explanations."""
    explanations = [
        tfs.explain(each, helpers.ids(), "gradient_dot_input", target=target, **keywords)
        for each in (model, of_logits)
    ]
    by_probabilities, by_logits = explanations
    scale = np.abs(by_logits.scores).max()
    np.testing.assert_allclose(by_probabilities.scores, by_logits.scores, atol=1e-5 * scale)
    np.testing.assert_allclose(by_probabilities.output, by_logits.output, rtol=1e-5, atol=1e-6)
    return explanations


def classifier(units, scale=0.7):
    return helpers.weights_alive(model_zoo.with_head(units, None), scale)


@every_style
@pytest.mark.parametrize(
    "target", [targets.Margin("predicted", 2), targets.LogProbability(1)], ids=["margin", "log"]
)
def test_a_softmax_is_explained_by_its_logits(style, target):
    of_logits = classifier(3)
    model = STYLES[style](of_logits, layers.Softmax())
    explanations = same(model, of_logits, target)
    assert all(name.startswith("log P(class ") for name in explanations[0].target_name)


@pytest.mark.parametrize("target", [targets.Margin(0, 2), targets.LogProbability(0)], ids=str)
def test_the_scores_add_up_along_the_path(target):
    model = functional(classifier(3), layers.Softmax())
    explanation = tfs.explain(model, helpers.ids(), target=target)
    change = explanation.output - explanation.baseline_output
    sizes = np.abs(explanation.scores).sum(1)
    assert explanation.converged.all()
    assert (np.abs(explanation.scores.sum(1) - change) <= 0.01 * sizes).all()


def test_the_scores_in_closed_form():
    """log p of class k of a softmax of `x W`: its gradient is W[k] - sum over p W."""
    generator = np.random.default_rng(0)
    table, weights = generator.standard_normal((6, 4)), generator.standard_normal((4, 3))
    model = helpers.formula_model(
        lambda x: tf.nn.softmax(tf.linalg.matmul(tf.reduce_sum(x, axis=1), weights)), table
    )
    ids = np.array([[1, 2, 5]])
    p = model(ids).numpy()[0]
    expected = table[ids[0]] @ (weights[:, 1] - weights @ p)
    log_p = tfs.explain(model, ids, "gradient_dot_input", target=targets.LogProbability(1))
    np.testing.assert_allclose(log_p.scores[0], expected, rtol=1e-5)
    np.testing.assert_allclose(log_p.output, [np.log(p[1])], rtol=1e-12)
    margin = tfs.explain(model, ids, "gradient_dot_input", target=targets.Margin(1, 0))
    np.testing.assert_allclose(
        margin.scores[0], table[ids[0]] @ (weights[:, 1] - weights[:, 0]), rtol=1e-5
    )
    np.testing.assert_allclose(margin.output, [np.log(p[1] / p[0])], rtol=1e-12)


@known_and_unknown
def test_a_saturated_softmax_is_explained_by_its_logits(style):
    """The probabilities are 0 in float32, whose logarithm is not finite."""
    of_logits = classifier(3, scale=60.0)
    model = STYLES[style](of_logits, layers.Softmax())
    assert (model(helpers.ids()).numpy() == 0).any()
    same(model, of_logits, targets.Margin(0, 1))


def test_a_softmax_in_half_precision_is_explained_by_its_logits():
    of_logits = classifier(3)
    head = of_logits.layers[-1]
    head.set_weights([20 * weights for weights in head.get_weights()])
    model = functional(of_logits, layers.Softmax(dtype="float16"))
    assert (model(helpers.ids()).numpy() == 0).any()
    # The logits are rounded to float16 before the softmax.
    rounded = functional(of_logits, layers.Activation("linear", dtype="float16"))
    for target in (targets.Margin(0, 1), targets.LogProbability(2)):
        same(model, rounded, target)


@known_and_unknown
def test_a_margin_of_sigmoids_is_that_of_their_logits(style):
    of_logits = classifier(4, scale=8.0)
    model = STYLES[style](of_logits, layers.Activation("sigmoid"))
    explanation, _ = same(model, of_logits, targets.Margin(0, 2))
    assert explanation.target_name[0] == "logit(class 0) − logit(class 2)"
    # Outputs are explained as they are by their class.
    by_class = tfs.explain(model, helpers.ids(), "gradient_norm", target=2)
    np.testing.assert_allclose(by_class.output, model(helpers.ids())[:, 2], rtol=1e-5)


@known_and_unknown
@pytest.mark.parametrize("squeezed", [False, True])
def test_a_single_sigmoid_has_the_probabilities_of_its_logit(style, squeezed):
    names = {"class_names": ["negative", "positive"]}
    of_logit = helpers.weights_alive(model_zoo.with_head(1, None, squeezed=squeezed), scale=20.0)
    model = STYLES[style](of_logit, layers.Activation("sigmoid"))
    logit = of_logit(helpers.ids()).numpy().reshape(-1)
    for name, sign in {"negative": -1, "positive": 1}.items():
        log_p, _ = same(model, of_logit, targets.LogProbability(name), **names)
        np.testing.assert_allclose(log_p.output, -np.logaddexp(0, -sign * logit), rtol=1e-4)
        assert log_p.target_name[0] == f"log P({name})"
    margin, _ = same(model, of_logit, targets.Margin("negative", "positive"), **names)
    np.testing.assert_allclose(margin.output, -logit, rtol=1e-4)
    assert margin.target_name[0] == "log P(negative) − log P(positive)"


class TestHiddenActivations:
    """Keras knows of the activation, but it is not the last operation of the graph."""

    def test_of_each_token(self):
        of_logits = helpers.weights_alive(model_zoo.tagger())
        model = functional(of_logits, layers.TimeDistributed(layers.Activation("softmax")))
        target = targets.Position(-1, targets.Margin(0, 3))
        explanation, _ = same(model, of_logits, target)
        assert explanation.target_name[0].startswith("log P(class 0) − log P(class 3) at ")

    def test_classes_that_are_masked_out(self):
        of_logits = classifier(3)
        mask = ops.convert_to_tensor(np.array([[True, True, False]]))
        model = functional(of_logits, lambda logits: layers.Softmax()(logits, mask=mask))
        same(model, of_logits, targets.Margin(0, 1))
        with pytest.raises(ValueError, match="The target must be finite"):
            tfs.explain(model, helpers.ids(), target=targets.LogProbability(2))

    def test_of_a_formula_nothing_is_known(self):
        model = subclassed(classifier(3), unstable("softmax"))
        outputs = model(helpers.ids()).numpy()
        margin = tfs.explain(model, helpers.ids(), "gradient_norm", target=targets.Margin(0, 1))
        np.testing.assert_allclose(margin.output, outputs[:, 0] - outputs[:, 1], rtol=1e-4)
        assert margin.target_name[0] == "class 0 − class 1"
        with pytest.raises(ValueError, match="a softmax that is not the model's last operation"):
            tfs.explain(model, helpers.ids(), target=targets.LogProbability())


@known_and_unknown
@pytest.mark.parametrize("ending", ["sigmoid", "softmax"])
def test_a_probability_is_not_squashed_twice(style, ending):
    units = 1 if ending == "sigmoid" else 3
    model = STYLES[style](classifier(units), layers.Activation(ending))
    with pytest.raises(ValueError, match=f"from a {ending}.*Received.*`target='predicted'`"):
        tfs.explain(model, helpers.ids(), target=targets.Probability())
    assert tfs.explain(model, helpers.ids(), "gradient_norm").output.max() < 1


def test_each_output_by_its_own_activation():
    """A head of logits beside one of probabilities, which is the last layer."""
    ids = model_zoo.ids_input()
    hidden = layers.GRU(5)(model_zoo.table(mask_zero=True)(ids))
    heads = {"logits": layers.Dense(3)(hidden), "p": layers.Dense(3, "softmax")(hidden)}
    model = helpers.weights_alive(keras.Model(ids, heads))
    logits = model(helpers.ids())["logits"].numpy()
    explanation = tfs.explain(
        model, helpers.ids(), "gradient_norm", target=targets.Probability(1), output="logits"
    )
    np.testing.assert_allclose(explanation.output, tf.nn.softmax(logits)[:, 1], rtol=1e-4)
    with pytest.raises(ValueError, match="from a softmax"):
        tfs.explain(model, helpers.ids(), target=targets.Probability(1), output="p")
    margin = tfs.explain(
        model, helpers.ids(), "gradient_norm", target=targets.Margin(0, 1), output="p"
    )
    p = model(helpers.ids())["p"].numpy()
    np.testing.assert_allclose(margin.output, np.log(p[:, 0] / p[:, 1]), rtol=1e-3)


def test_a_target_of_the_user_that_reads_logits():
    class Largest:
        units = ()
        reads_logits = True

        def resolve(self, context):
            return np.zeros((len(context.examples), 0), np.int32)

        def score(self, outputs, target_indices):
            return tf.reduce_max(outputs, axis=1)

        def name(self, target_indices, context):
            return "largest"

        def get_config(self):
            return {}

    of_logits = classifier(3)
    same(functional(of_logits, layers.Softmax()), of_logits, Largest())


class TestLanguageModels:
    """`Span` takes the logarithm of a softmax."""

    @staticmethod
    def of_logits(scale=0.3):
        ids = model_zoo.ids_input()
        hidden = layers.GRU(6, return_sequences=True)(model_zoo.table(mask_zero=True)(ids))
        model = keras.Model(ids, layers.Dense(model_zoo.VOCABULARY)(hidden))
        return helpers.weights_alive(model, scale)

    IDS = helpers.ids()[[0, 1, 2, 4]]

    @pytest.mark.parametrize(
        ("style", "scale", "target"),
        [
            ("functional", 0.3, targets.Span()),
            ("nested", 0.3, targets.Span(start=-1)),
            ("subclassed", 0.3, targets.Span(start=-1, rather_than=7)),
            ("Sequential", 30.0, targets.Span()),
            ("subclassed", 30.0, targets.Span(start=-1, rather_than=7)),
        ],
        ids=helpers.printed,
    )
    def test_in_every_style(self, style, scale, target):
        """At the larger scale probabilities are 0 in float32."""
        of_logits = self.of_logits(scale)
        model = STYLES[style](of_logits, layers.Activation("softmax"))
        of_probabilities, expected = (
            tfs.explain(each, self.IDS, "gradient_dot_input", target=target)
            for each in (model, of_logits)
        )
        scores = np.abs(expected.scores).max()
        np.testing.assert_allclose(
            of_probabilities.scores, expected.scores, atol=1e-5 * max(scores, 1e-3)
        )
        np.testing.assert_allclose(of_probabilities.output, expected.output, rtol=1e-5, atol=1e-6)
        assert of_probabilities.target_name == expected.target_name

    def test_the_likelihood_by_hand(self):
        model = functional(self.of_logits(), layers.Activation("softmax"))
        ids = np.array([[3, 4, 5]])
        p = model(ids).numpy()[0]
        explanation = tfs.explain(model, ids, target=targets.Span())
        np.testing.assert_allclose(explanation.output, [np.log(p[0, 4] * p[1, 5])], rtol=1e-5)
        change = explanation.output - explanation.baseline_output
        np.testing.assert_allclose(explanation.scores.sum(1), change, rtol=0.01)

    def test_a_matrix(self):
        of_logits = self.of_logits()
        model = functional(of_logits, layers.Activation("softmax"))
        of_probabilities, expected = (
            tfs.Explainer(each, "gradient_dot_input", target=targets.Span()).matrix(self.IDS[:1])
            for each in (model, of_logits)
        )
        np.testing.assert_allclose(
            of_probabilities[0].scores, expected[0].scores, rtol=1e-4, atol=1e-6
        )

    @pytest.mark.parametrize("ending", [layers.Activation("sigmoid"), unstable("softmax")])
    def test_what_is_no_softmax_that_is_seen(self, ending):
        model = subclassed(self.of_logits(), ending)
        with pytest.raises(ValueError, match="`Span` takes logits.*probabilities already.*softmax"):
            tfs.explain(model, self.IDS, target=targets.Span())
