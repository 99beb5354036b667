"""Labels of a data set, of one output or of several, and as a user passes them."""

import helpers
import model_zoo
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.models import labels as model_labels

IDS = helpers.ids()
CLASSES = np.array([2, 0, 1, 1, 0, 2])
ONE_HOT = np.eye(3)[CLASSES]


def data_set(labels, batch=4):
    return tf.data.Dataset.from_tensor_slices((IDS, labels)).batch(batch)


@pytest.fixture(scope="module")
def classifier():
    model = helpers.weights_alive(helpers.convolution())
    return tfs.Explainer(model, "gradient_dot_input", target="label")


@pytest.fixture(scope="module")
def expected(classifier):
    return classifier(IDS, labels=CLASSES)


@pytest.mark.parametrize(
    ("labels", "flat"),
    [
        (np.array([[1.0], [0.0]], np.float32), [1, 0]),
        (np.array([0.5, 1.0]), [0.5, 1.0]),
        (np.array([b"caf\xc3\xa9", b"b"], object), ["café", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        ((1, 0), [1, 0]),
        ([[0, 1], [1, 0]], [[0, 1], [1, 0]]),
    ],
)
def test_labels_as_arrays(labels, flat):
    result = model_labels.to_arrays(labels)
    assert result.tolist() == flat
    assert [type(label) for label in result.tolist()] == [type(label) for label in flat]


class TestOneHotLabels:
    @pytest.mark.parametrize("kind", [float, np.int64, bool])
    def test_of_a_data_set(self, classifier, expected, kind):
        explanation = classifier(data_set(ONE_HOT.astype(kind)))
        assert explanation.target.tolist() == CLASSES.tolist()
        np.testing.assert_array_equal(explanation.scores, expected.scores)

    def test_that_are_passed(self, classifier, expected):
        for labels in (ONE_HOT, ONE_HOT.tolist(), tf.constant(ONE_HOT)):
            np.testing.assert_array_equal(classifier(IDS, labels=labels).scores, expected.scores)
        erased = np.zeros((1, *expected.mask.shape), bool)
        np.testing.assert_allclose(
            classifier.without(IDS, erased, labels=ONE_HOT)[0], expected.output, rtol=1e-5
        )

    def test_of_the_callback(self, tmp_path):
        model = helpers.convolution()
        model.compile("sgd", "categorical_crossentropy")
        logger = tfs.SalienceLogger(
            tmp_path, data_set(ONE_HOT), target="label", method="gradient_norm"
        )
        model.fit(IDS, ONE_HOT, verbose=0, callbacks=[logger])
        targets = [record["target"] for record in tfs.read_log(tmp_path)[-6:]]
        assert targets == CLASSES.tolist()

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (np.eye(4)[CLASSES], r"one-hot rows of 3 classes. Received: labels of shape \(6, 4\)"),
            (np.full((6, 3), 1 / 3), r"single 1. Received.*argmax\(labels, axis=1\)`"),
            (np.ones((6, 3), int), r"\[1, 1, 1\].* in examples 0, 1, 2, 3, 4 and 1 more"),
            (np.zeros((6, 3)), "rows with a single 1"),
        ],
        ids=["another number", "soft", "several", "none"],
    )
    def test_rows_that_are_not(self, classifier, labels, message):
        for arguments in ((IDS, labels), (data_set(labels),)):
            with pytest.raises(ValueError, match=message):
                classifier(*arguments)
        # They do no harm where the label is not explained.
        other = tfs.Explainer(classifier.model, "gradient_norm", target=0)
        assert len(other(data_set(labels))) == 6


class TestLabelsOfSeveralOutputs:
    STARS = np.arange(6.0)[:, None]

    def explain(self, kind, labels, output="topic"):
        model = helpers.weights_alive(model_zoo.heads(kind))
        return tfs.explain(
            model, data_set(labels), "gradient_dot_input", target="label", output=output
        )

    @pytest.mark.parametrize("output", ["topic", 0])
    @pytest.mark.parametrize("labels", [dict, tuple], ids=["dict", "tuple"])
    def test_those_of_the_output_are_taken(self, labels, output):
        both = {"topic": CLASSES, "stars": self.STARS}
        explanation = self.explain(list, both if labels is dict else tuple(both.values()), output)
        assert explanation.target.tolist() == CLASSES.tolist()

    @pytest.mark.parametrize("topic", [CLASSES, ONE_HOT], ids=["indices", "one-hot"])
    def test_by_the_keys_of_a_dict_of_outputs(self, topic):
        explanation = self.explain(dict, {"topic": topic, "stars": self.STARS})
        assert explanation.target.tolist() == CLASSES.tolist()

    def test_that_cannot_be_told(self):
        for labels in ({"a": CLASSES, "b": self.STARS}, (self.STARS, CLASSES)):
            with pytest.raises(ValueError, match="labels of one output.*Received: labels of"):
                self.explain(dict, labels)

    def test_a_dict_of_one_for_a_single_output(self, classifier, expected):
        explanation = classifier(data_set({"any name": CLASSES}))
        np.testing.assert_array_equal(explanation.scores, expected.scores)

    def test_of_the_callback(self, tmp_path):
        model = model_zoo.heads(list)
        model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
        both = (CLASSES, self.STARS)
        logger = tfs.SalienceLogger(
            tmp_path, data_set(both), target="label", output="topic", method="gradient_norm"
        )
        model.fit(data_set(both), verbose=0, callbacks=[logger])
        targets = [record["target"] for record in tfs.read_log(tmp_path)[-6:]]
        assert targets == CLASSES.tolist()


def test_labels_of_each_token_do_not_hinder():
    model = helpers.weights_alive(model_zoo.tagger())
    data = tf.data.Dataset.from_tensor_slices((IDS, IDS % 4)).batch(4)
    target = tfs.targets.Position(0)
    explanation = tfs.explain(model, data, "gradient_norm", target=target)
    np.testing.assert_array_equal(
        explanation.scores, tfs.explain(model, IDS, "gradient_norm", target=target).scores
    )
