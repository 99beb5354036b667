"""`Inputs`: what a user passes, prepared as the model takes it."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import serving
import tensorflow as tf
from keras import layers, ops

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


ROWS = [row[row > 0].tolist() for row in helpers.ids()]
#: Two texts, each with its mask.
TEXTS = [
    {"token_ids": ids, "padding_mask": (ids != 0) * 1}
    for ids in (helpers.ids(), helpers.ids(seed=5))
]


class TestRowsOfIds:
    """Lists of ids of several lengths, as Keras' data sets hold them."""

    @pytest.mark.parametrize("array", [list, lambda rows: np.array(rows, object)])
    def test_they_are_padded_where_the_embedding_masks(self, of_ids, array):
        inputs = model_inputs.prepare(of_ids, array(ROWS))
        np.testing.assert_array_equal(inputs.nest, helpers.ids())

    def test_to_the_width_that_the_model_takes(self):
        ids = keras.Input((14,), dtype="int32", name="ids")
        hidden = layers.Embedding(helpers.VOCABULARY, 4, mask_zero=True)(ids)
        of_width = keras.Model(ids, layers.Dense(2)(layers.GlobalAveragePooling1D()(hidden)))
        model = TextModel.from_arguments(of_width)
        for rows in (ROWS, [[1, 2], [3, 4]]):
            inputs = model_inputs.prepare(model, {"ids": rows})
            assert inputs.nest["ids"].shape == (len(rows), 14)
            assert [row[row > 0].tolist() for row in inputs.nest["ids"]] == rows
        with pytest.raises(
            ValueError, match="longer than the model takes: 15 tokens instead of 14"
        ):
            model_inputs.prepare(model, [[1] * 15, [2]])

    def test_beside_a_vectorizer_which_pads_the_end(self):
        model = helpers.convolution()
        explained = TextModel.from_arguments(model, tokenizer=helpers.vectorizer())
        inputs = model_inputs.prepare(explained, ROWS)
        np.testing.assert_array_equal(inputs.nest, helpers.ids())

    @pytest.mark.parametrize("arguments", [{}, {"tokenizer": ["", *map(str, range(29))]}])
    def test_padding_that_the_model_sees_is_for_the_user_to_choose(self, arguments):
        model = TextModel.from_arguments(helpers.convolution(), **arguments)
        with pytest.raises(ValueError, match=r"as in training: `keras.utils.pad_sequences\(inputs"):
            model_inputs.prepare(model, ROWS)

    def test_another_padding_id(self):
        model = TextModel.from_arguments(helpers.sequential_lstm(), pad_id=7)
        with pytest.raises(ValueError, match="rows have different lengths"):
            model_inputs.prepare(model, ROWS)


class Towers(keras.Model):
    """Two texts, each a dict of its own, through one encoder."""

    def __init__(self):
        super().__init__()
        self.table = layers.Embedding(helpers.VOCABULARY, 8, name="words")
        self.head = layers.Dense(helpers.CLASSES)

    def call(self, inputs):
        texts = inputs.values() if isinstance(inputs, dict) else inputs
        vectors = []
        for text in texts:
            mask = ops.cast(text["padding_mask"], "float32")[:, :, None]
            vectors.append(ops.sum(ops.tanh(self.table(text["token_ids"])) * mask, axis=1))
        return self.head(ops.concatenate(vectors, axis=-1))


class TestNestedInputs:
    @pytest.mark.parametrize(
        ("nest", "names"),
        [
            (list, ["0/token_ids", "1/token_ids"]),
            (tuple, ["0/token_ids", "1/token_ids"]),
            (
                lambda texts: dict(zip(["premise", "hypothesis"], texts, strict=True)),
                ["premise/token_ids", "hypothesis/token_ids"],
            ),
        ],
        ids=["list", "tuple", "dict"],
    )
    def test_of_a_model_in_the_subclassing_style(self, nest, names):
        model = Towers()
        inputs = nest(TEXTS)
        outputs = model(inputs).numpy()
        explanation = tfs.explain(helpers.weights_alive(model), inputs)
        assert outputs.shape == (6, 3)
        assert list(explanation.segments) == names
        np.testing.assert_allclose(explanation.output, model(inputs).numpy().max(axis=1), rtol=1e-5)
        for name, text in zip(names, TEXTS, strict=True):
            mask = explanation.mask[:, explanation.segments[name]]
            np.testing.assert_array_equal(mask, text["padding_mask"])
        # A data set of a pair is one of inputs and labels, so the pair is inside another.
        parts = inputs if isinstance(inputs, dict) else (tuple(inputs),)
        data = tf.data.Dataset.from_tensor_slices(parts)
        of_data = tfs.explain(model, data.batch(4))
        np.testing.assert_allclose(of_data.scores, explanation.scores, atol=1e-5)

    def test_of_a_functional_model_and_its_export(self, tmp_path):
        structure = [
            {
                name: keras.Input((helpers.WIDTH,), dtype="int32", name=f"{owner}_{name}")
                for name in ("token_ids", "padding_mask")
            }
            for owner in ("first", "second")
        ]
        model = keras.Model(structure, Towers()(structure))
        method = tfs.IntegratedGradients(steps=4)
        explanation = tfs.explain(model, TEXTS, method)
        assert list(explanation.segments) == ["0/token_ids", "1/token_ids"]
        folder = tfs.export_saved_model(model, tmp_path / "m", method=method)
        inputs = {
            f"{owner}_{name}": tf.constant(array, tf.int32)
            for owner, text in zip(("first", "second"), TEXTS, strict=True)
            for name, array in text.items()
        }
        served = serving.request(serving.load(folder), **inputs)
        np.testing.assert_allclose(served["scores"], explanation.scores, atol=1e-6)


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
