"""`TextModel`: what is known of a model before it runs, from the arguments of `Explainer`."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.models.embeddings.forward_pass import Segment
from tf_salience.models.text_model import TextModel


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"class_names": "abc"}, TypeError, "`class_names` must be a list.*'abc'"),
        ({"class_names": [1, 2, 3]}, TypeError, "Received: class_names="),
        ({"class_names": ["a", "b", "a"]}, ValueError, "`class_names` must differ. Received"),
        ({"pad_id": "0"}, TypeError, "`pad_id` must be an integer or None. Received: pad_id='0'"),
        ({"output": 1.5}, TypeError, r"`output` .*Received: output=1.5 \(of type float\)"),
        ({"output": "x"}, ValueError, r"^`output` must be one of \['0'\]\. Received: output='x'"),
        ({"tokenizer": 3}, TypeError, "Received: tokenizer=3"),
        ({"embeddings": 3}, TypeError, "Received: embeddings=3"),
    ],
    ids=helpers.printed,
)
def test_arguments_of_another_kind(arguments, error, message):
    with pytest.raises(error, match=message):
        TextModel.from_arguments(helpers.sequential_lstm(), **arguments)


def test_a_model_of_texts_with_its_vectorization():
    model = TextModel.from_arguments(helpers.text_model())
    assert model.takes_text
    assert model.tokenizer.vocabulary[2:4] == ["w0", "w1"]
    assert model.activation is None
    assert model.hooked.guessed


def test_a_layer_by_name_is_no_guess():
    model = TextModel.from_arguments(helpers.nested(), embeddings="words", class_names=list("abc"))
    assert [layer.name for layer in model.hooked.layers] == ["words"]
    assert not model.hooked.guessed
    assert model.class_names == ["a", "b", "c"]


def test_the_activation_of_the_output_that_is_explained():
    ids = model_zoo.ids_input()
    hidden = layers.GRU(5)(model_zoo.table()(ids))
    # Of these the last layer is but one.
    heads = {name: layers.Dense(2, name)(hidden) for name in ("linear", "softmax", "sigmoid")}
    model = keras.Model(ids, heads)
    for name, activation in {"linear": None, "softmax": "softmax", "sigmoid": "sigmoid"}.items():
        assert TextModel.from_arguments(model, output=name).activation == activation
    assert TextModel.from_arguments(model).activation is None
    listed = keras.Model(ids, list(heads.values()))
    assert TextModel.from_arguments(listed, output=2).activation == "sigmoid"


def test_the_output_that_is_explained():
    model = TextModel.from_arguments(model_zoo.heads(list), output="stars")
    outputs = model.model(helpers.ids())
    assert model.select_output(outputs) is outputs[1]
    score = model.score(tfs.targets.get(lambda stars: 2 * stars[:, 0]))
    np.testing.assert_array_equal(score(outputs, tf.zeros((6, 0), tf.int32)), 2 * outputs[1][:, 0])


def test_the_size_of_the_outputs():
    assert TextModel.from_arguments(helpers.sequential_lstm()).output_bytes(10) == 4 * 3
    assert TextModel.from_arguments(model_zoo.tagger()).output_bytes(10) == 4 * 10 * 4
    assert TextModel.from_arguments(model_zoo.heads(dict)).output_bytes(10) == 4 * (3 + 1)
    model = helpers.Subclassed()
    model(helpers.ids())
    assert TextModel.from_arguments(model).output_bytes(10) > 0


def test_what_a_target_may_read():
    model = TextModel.from_arguments(
        model_zoo.heads(dict), output="topic", class_names=["a", "b", "c"]
    )
    outputs = {"topic": np.eye(3), "stars": np.ones((3, 1))}
    context = model.target_context(outputs, np.array([4, 5, 6]), 9, labels=[0] * 9)
    assert context.outputs is outputs["topic"]
    assert context.examples.tolist() == [4, 5, 6]
    assert (context.total, context.labels) == (9, [0] * 9)
    assert context.class_names == ["a", "b", "c"]
    assert context.predicted_tokens is None


def segment(model, layer=None):
    """A call of a layer, the model's first for None, on ids of the model's tokenizer."""
    layer = layer or model.model.layers[0]
    return Segment(layer, 0, None, None, None, name="ids", tokenizer=model.tokenizer)


class TestBaselineVectors:
    TABLE = np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)

    @pytest.fixture
    def model(self):
        model = helpers.formula_model(lambda x: ops.sum(x, axis=1), self.TABLE)
        return TextModel.from_arguments(model, tokenizer=["[PAD]", "a", "b", "c", "d"])

    @pytest.mark.parametrize(
        ("baseline", "vector"),
        [("mean", TABLE.mean(0)), ("[PAD]", TABLE[0]), ("c", TABLE[3]), (4, TABLE[4])],
        ids=["mean", "a special token", "a token", "an id"],
    )
    def test_of_a_table(self, model, baseline, vector):
        np.testing.assert_allclose(
            model.baseline_vector(segment(model), baseline), vector, rtol=1e-6
        )

    @pytest.mark.parametrize(
        ("baseline", "message"),
        [
            (-1, "from 0 to 4.*Received: baseline=-1"),
            (5, "from 0 to 4.*Received: baseline=5"),
            ("zeroes", "Received: baseline='zeroes'. Did you mean 'zeros'"),
            ("word", "a token of the known vocabulary.*Received: baseline='word'"),
        ],
    )
    def test_that_a_table_has_not(self, model, baseline, message):
        with pytest.raises(ValueError, match=message):
            model.baseline_vector(segment(model), baseline)

    def test_of_a_layer_without_a_table(self):
        model = TextModel.from_arguments(model_zoo.own_table())
        layer = model.model.get_layer("own")
        own = segment(model, layer)
        np.testing.assert_array_equal(model.baseline_vector(own, 3), layer.table[3])
        with pytest.raises(ValueError, match=r"'mean'` needs .*embedding matrix.*shape \(dim,\)"):
            model.baseline_vector(own, "mean")

    def test_of_a_layer_that_embeds_no_ids(self):
        model = TextModel.from_arguments(helpers.sequential_lstm())
        with pytest.raises(ValueError, match=r"needs a layer that embeds ids.*shape \(dim,\)"):
            model.baseline_vector(segment(model, model.model.layers[1]), 3)

    def test_losses_are_as_before(self):
        layer = keras.layers.Embedding(5, 2, activity_regularizer="l2")
        model = keras.Sequential([layer, keras.layers.GlobalAveragePooling1D()])
        model(np.array([[1, 2]]))
        losses = [loss.numpy() for loss in model.losses]
        text_model = TextModel.from_arguments(model)
        text_model.baseline_vector(segment(text_model), "mean")
        assert [loss.numpy() for loss in model.losses] == losses
