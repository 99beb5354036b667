"""A single output unit has two classes where they have names, in an explanation as in an export."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import serving
import tensorflow as tf

import tf_salience as tfs
from tf_salience import targets

NAMES = ["negative", "positive"]
IDS = helpers.ids()
METHOD = tfs.IntegratedGradients(steps=4)


def build(activation):
    keras.utils.set_random_seed(0)
    return helpers.weights_alive(model_zoo.with_head(1, activation))


@pytest.fixture(params=[None, "sigmoid"], ids=["logit", "probability"], scope="module")
def model(request):
    return build(request.param)


@pytest.fixture(scope="module")
def unit(model):
    """The explanation of the unit, whose target has no class."""
    return tfs.explain(model, IDS, METHOD, target=lambda outputs: outputs[:, 0])


def explain(model, target, **keywords):
    return tfs.explain(model, IDS, METHOD, target=target, class_names=NAMES, **keywords)


@pytest.mark.parametrize(
    ("target", "labels", "classes"),
    [
        ("positive", None, [1] * 6),
        ("negative", None, [0] * 6),
        (0, None, [0] * 6),
        (["negative", "positive"] * 3, None, [0, 1] * 3),
        ("label", [1, 0, 0, 1, 1, 0], [1, 0, 0, 1, 1, 0]),
        ("label", ["positive"] * 3 + ["negative"] * 3, [1, 1, 1, 0, 0, 0]),
        ("predicted", None, [1] * 6),
    ],
    ids=["positive", "negative", "index", "each", "label", "label names", "predicted"],
)
def test_the_first_class_is_minus_the_unit(model, unit, target, labels, classes):
    explanation = explain(model, target, labels=labels)
    signs = np.where(classes, 1, -1)
    np.testing.assert_allclose(explanation.scores, signs[:, None] * unit.scores, rtol=1e-5)
    np.testing.assert_allclose(explanation.output, signs * unit.output, rtol=1e-6)
    np.testing.assert_allclose(explanation.baseline_output, signs * unit.baseline_output, rtol=1e-5)
    assert explanation.target.tolist() == classes
    assert explanation.target_name == [
        ("negative (−positive)", "positive")[index] for index in classes
    ]


def test_without_names_there_is_the_unit_alone(model, unit):
    for target, labels in ((0, None), ("label", [0, 1] * 3), ("predicted", None)):
        explanation = tfs.explain(model, IDS, METHOD, target=target, labels=labels)
        np.testing.assert_allclose(explanation.scores, unit.scores, rtol=1e-5)
        assert explanation.target.tolist() == [0] * 6
        assert explanation.target_name == ["output"] * 6
    with pytest.raises(ValueError, match="Received: target=1.*`class_names="):
        tfs.explain(model, IDS, METHOD, target=1)


def test_a_margin_is_the_logit_of_both_kinds_of_models():
    explanations = [
        explain(build(activation), targets.Margin("positive", "negative"))
        for activation in (None, "sigmoid")
    ]
    logit = tfs.explain(build(None), IDS, METHOD)
    for explanation in explanations:
        np.testing.assert_allclose(explanation.scores, logit.scores, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(explanation.output, logit.output, rtol=1e-5)


def test_a_dict_of_names_is_that_of_the_list(model):
    for names in ({0: "negative", 1: "positive"}, {"positive": 1, "negative": 0}):
        explainer = tfs.Explainer(model, METHOD, target="negative", class_names=names)
        assert explainer.class_names == NAMES
        explanation = explainer(IDS)
        np.testing.assert_array_equal(explanation.scores, explain(model, "negative").scores)
        assert explanation.config["class_names"] == NAMES


def test_without_tokens(model):
    explainer = tfs.Explainer(model, METHOD, target="negative", class_names=NAMES)
    mask = explainer(IDS).mask
    (erased,) = explainer.without(IDS, mask[None])
    np.testing.assert_allclose(erased, explainer(IDS).baseline_output, rtol=1e-5)


def test_a_tagger_of_two_tags():
    ids = model_zoo.ids_input()
    hidden = keras.layers.GRU(5, return_sequences=True)(model_zoo.table(mask_zero=True)(ids))
    model = helpers.weights_alive(keras.Model(ids, keras.layers.Dense(1, "sigmoid")(hidden)))
    outputs = model(IDS).numpy()
    explanation = explain(model, targets.Position(0, "negative"))
    np.testing.assert_allclose(explanation.output, -outputs[:, 0, 0], rtol=1e-5)
    assert explanation.target_name[0] == "negative (−positive) at 0"
    explanation = explain(model, targets.Position(0, targets.LogProbability("negative")))
    np.testing.assert_allclose(explanation.output, np.log(1 - outputs[:, 0, 0]), rtol=1e-4)


def test_in_a_logger(tmp_path):
    model = build("sigmoid")
    model.compile("sgd", "binary_crossentropy")
    labels = [0, 1, 1, 0, 0, 1]
    logger = tfs.SalienceLogger(
        tmp_path, IDS, method=METHOD, target="label", labels=labels, class_names=NAMES,
        on_error="raise",
    )  # fmt: skip
    model.evaluate(IDS, np.array(labels), verbose=0, callbacks=[logger])
    expected = explain(model, "label", labels=labels)
    records = tfs.read_log(tmp_path)
    assert [record["target"] for record in records] == labels
    for record, salience in zip(records, expected, strict=True):
        assert record["target_name"] == salience.target_name
        np.testing.assert_allclose(record["scores"], salience.scores, rtol=1e-4, atol=1e-7)


class TestExport:
    @staticmethod
    def check(results, live):
        scale = np.abs(live.scores).max()
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-5 * scale)
        np.testing.assert_allclose(results["output"], live.output, rtol=1e-5)
        if live.target is not None:
            np.testing.assert_array_equal(results["target"], live.target)

    def test_both_classes_are_those_of_the_live_explainer(self, model, tmp_path):
        folder = tfs.export_saved_model(model, tmp_path / "m", method=METHOD, class_names=NAMES)
        loaded = serving.load(folder)
        results = serving.request(loaded, inputs=serving.ids())
        self.check(results, explain(model, "predicted"))
        classes = [0, 1, -1, 1, 0, -1]
        results = serving.request(
            loaded, "attributions_with_target", inputs=serving.ids(), target=tf.constant(classes)
        )
        self.check(results, explain(model, np.abs(classes)))
        with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 1"):
            serving.request(
                loaded, "attributions_with_target", inputs=serving.ids(1), target=tf.constant([2])
            )

    @pytest.mark.parametrize(
        "target",
        ["negative", targets.LogProbability("negative"), targets.Margin("negative", "positive")],
        ids=["class", "log", "margin"],
    )
    def test_a_target_of_every_request(self, model, tmp_path, target):
        folder = tfs.export_saved_model(
            model, tmp_path / "m", method=METHOD, target=target, class_names=NAMES
        )
        results = serving.request(serving.load(folder), inputs=serving.ids())
        self.check(results, explain(model, target))

    def test_without_names_there_is_the_unit_alone(self, tmp_path):
        model = build("sigmoid")
        folder = tfs.export_saved_model(model, tmp_path / "m", method=METHOD)
        results = serving.request(
            serving.load(folder), "attributions_with_target",
            inputs=serving.ids(), target=tf.constant([0, -1] * 3),
        )  # fmt: skip
        self.check(results, tfs.explain(model, IDS, METHOD))
        assert results["target"].tolist() == [0] * 6
