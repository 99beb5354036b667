"""`Inputs`: what a user passes, prepared as the model takes it."""

import helpers
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.models import inputs as model_inputs
from tf_salience.models.inputs import Inputs
from tf_salience.models.text_model import TextModel


@pytest.fixture(scope="module")
def of_ids():
    return TextModel.from_arguments(helpers.sequential_lstm())


@pytest.fixture(scope="module")
def of_ids_and_texts():
    return TextModel.from_arguments(helpers.sequential_lstm(), tokenizer=helpers.vectorizer())


class TestPrepare:
    def test_ids(self, of_ids):
        inputs = model_inputs.prepare(of_ids, helpers.ids().tolist())
        np.testing.assert_array_equal(inputs.nest, helpers.ids())
        assert (inputs.total, inputs.width) == (6, helpers.WIDTH)
        assert inputs.texts == {}
        assert inputs.labels is None

    def test_texts_become_ids_by_the_tokenizer(self, of_ids_and_texts):
        inputs = model_inputs.prepare(of_ids_and_texts, helpers.texts())
        np.testing.assert_array_equal(inputs.nest, helpers.ids())
        (texts,) = inputs.texts.values()
        assert texts.tolist() == helpers.texts()

    def test_texts_stay_where_the_model_takes_them(self):
        model = TextModel.from_arguments(helpers.text_model())
        inputs = model_inputs.prepare(model, "w1 w2")
        assert inputs.nest.tolist() == ["w1 w2"]
        assert inputs.total == 1

    def test_texts_without_a_tokenizer(self, of_ids):
        with pytest.raises(TypeError, match="no `tokenizer` is given.*Received: texts"):
            model_inputs.prepare(of_ids, ["good film"])

    def test_texts_that_are_truncated_are_warned_of(self, of_ids_and_texts):
        with pytest.warns(tfs.TruncatedTextWarning, match="takes 10 tokens; example 1"):
            model_inputs.prepare(of_ids_and_texts, ["w1", "w2 " * 14])

    def test_nothing_but_empty_texts(self):
        vectorizer = layers.TextVectorization(vocabulary=helpers.WORDS)
        model = TextModel.from_arguments(helpers.sequential_lstm(), tokenizer=vectorizer)
        with pytest.raises(ValueError, match="no example has a token"):
            model_inputs.prepare(model, ["", ""])

    def test_inputs_that_do_not_fit_the_model(self, of_ids):
        with pytest.raises(ValueError, match="an empty batch"):
            model_inputs.prepare(of_ids, [])
        with pytest.raises(ValueError, match="The ranks differ"):
            model_inputs.prepare(of_ids, np.ones((2, 3, 4), int))

    def test_a_continuation_needs_texts_and_a_preprocessor(self, of_ids, of_ids_and_texts):
        for model, inputs in ((of_ids, helpers.ids()), (of_ids_and_texts, helpers.texts())):
            with pytest.raises(ValueError, match="`Span` with a continuation.*`tokenizer=`"):
                model_inputs.prepare(model, inputs, continuation=" w3")

    def test_continuations_are_one_for_each_example(self, of_ids):
        for continuation in (["a", "b"], [1] * 6):
            with pytest.raises(ValueError, match="one for each example.* for 6 examples"):
                model_inputs.prepare(of_ids, helpers.ids(), continuation=continuation)


class TestDataSets:
    @pytest.mark.parametrize("labelled", [True, False])
    def test_inputs_and_labels(self, of_ids, labelled):
        labels = np.arange(6) % 3
        parts = (helpers.ids(), labels) if labelled else helpers.ids()
        data = tf.data.Dataset.from_tensor_slices(parts).batch(4)
        inputs = model_inputs.prepare(of_ids, data)
        np.testing.assert_array_equal(inputs.nest, helpers.ids())
        assert (None if inputs.labels is None else inputs.labels.tolist()) == (
            labels.tolist() if labelled else None
        )

    @pytest.mark.parametrize("names", [None, ["a", "b", "c"]])
    def test_the_labels_are_explained(self, names):
        model = helpers.weights_alive(helpers.convolution())
        classes = np.arange(6) % 3
        labels = classes if names is None else np.array(names)[classes]
        data = tf.data.Dataset.from_tensor_slices((helpers.ids(), labels)).batch(4)
        explanation = tfs.explain(model, data, "gradient_norm", target="label", class_names=names)
        expected = tfs.explain(model, helpers.ids(), "gradient_norm", target=classes)
        assert explanation.target.tolist() == classes.tolist()
        np.testing.assert_array_equal(explanation.scores, expected.scores)

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda data: data.batch(4).repeat(), ValueError, r"`inputs.take\(batches\)`"),
            (lambda data: data.take(0).batch(4), ValueError, "an empty data set"),
            (lambda data: data.map(lambda x: x[0]), TypeError, r"`inputs.batch\(32\)`"),
        ],
        ids=["infinite", "empty", "not batched"],
    )
    def test_data_sets_that_do_not_fit(self, of_ids, change, error, message):
        data = change(tf.data.Dataset.from_tensor_slices(helpers.ids()))
        with pytest.raises(error, match=message):
            model_inputs.prepare(of_ids, data)


def test_ragged_tensors_are_padded():
    model = model_zoo.build("attention_with_masks")
    rows = tf.ragged.constant([row[row > 0].tolist() for row in helpers.ids()])
    explanation = tfs.explain(model, rows, "gradient_norm")
    expected = tfs.explain(model, helpers.ids(), "gradient_norm")
    np.testing.assert_array_equal(explanation.scores, expected.scores)
    with pytest.raises(ValueError, match=r"Pad it: `inputs.to_tensor\(7\)`"):
        tfs.explain(model, rows, pad_id=7)


def test_examples_are_taken_of_every_array():
    inputs = Inputs(
        nest={"ids": np.arange(6).reshape(3, 2)},
        text_names=["a", "b"],
        text_numbers=np.array([[0, 1], [0, 0], [1, 1]]),
        spans=np.array([[0, 1], [1, 2], [0, 2]]),
        labels=np.array([5, 6, 7]),
        texts={"a": np.array(["x", "y", "z"], object)},
    )
    taken = inputs.take(np.array([2, 0, 2]))
    assert taken.nest["ids"].tolist() == [[4, 5], [0, 1], [4, 5]]
    assert taken.text_numbers.tolist() == [[1, 1], [0, 1], [1, 1]]
    assert taken.spans.tolist() == [[0, 2], [0, 1], [0, 2]]
    assert taken.labels.tolist() == [7, 5, 7]
    assert taken.texts["a"].tolist() == ["z", "x", "z"]
    assert (taken.total, taken.text_names) == (3, ["a", "b"])
    assert inputs.take(np.array([1])).nest["ids"].tolist() == [[2, 3]]
