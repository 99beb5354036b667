"""Requests that are refused by the graph itself, with the name of the input."""

import keras
import numpy as np
import pytest
import serving
import tensorflow as tf
from keras import layers
from serving import ids, request

import tf_salience as tfs
from tf_salience.export.request_checks import Requirements

INVALID = tf.errors.InvalidArgumentError


class TestRequirements:
    def test_tensors_wait_for_the_conditions(self):
        @tf.function(input_signature=[tf.TensorSpec([None])])
        def half(x):
            requirements = Requirements()
            requirements.require(x[0] > 0, "`x` must be positive. Received:", x)
            requirements.require(x[0] < 9, "`x` must be small. Received:", x)
            return requirements.gate({"half": x / 2})

        assert half([4.0])["half"].numpy().tolist() == [2]
        with pytest.raises(INVALID, match="`x` must be positive"):
            half([-1.0])
        with pytest.raises(INVALID, match="`x` must be small"):
            half([10.0])


class TestInputs:
    @pytest.mark.parametrize(
        ("name", "inputs", "message"),
        [
            ("sequential_lstm", [[99, 2]], r"must hold ids from 0 to 29"),
            ("sequential_lstm", [[-1, 2]], r"must hold ids from 0 to 29"),
            ("sequential_lstm", np.zeros((0, 4)), r"`keras_tensor.*must hold at least one example"),
            ("sequential_lstm", np.zeros((2, 0)), r"nothing to explain: no example of `keras_te"),
            ("text_model", [b"w1 \xff w2"], r"`keras_tensor.*must be UTF-8"),
            ("text_model", [], r"must hold at least one example"),
        ],
    )
    def test_ids_and_texts(self, loaded, name, inputs, message):
        dtype = tf.string if name == "text_model" else tf.int32
        model = loaded(name)
        with pytest.raises(INVALID, match=message):
            request(model, inputs=tf.constant(inputs, dtype))
        valid = tf.constant(["w1"]) if name == "text_model" else ids()
        assert np.isfinite(request(model, inputs=valid)["scores"]).all()

    def test_texts_without_a_token(self, tmp_path):
        text = keras.Input((), dtype="string", name="text")
        token_ids = layers.TextVectorization(vocabulary=["w1", "w2"])(text)
        hidden = layers.GRU(4)(layers.Embedding(30, 8, mask_zero=True)(token_ids))
        model = keras.Model(text, layers.Dense(2)(hidden))
        loaded = serving.load(tfs.export_saved_model(model, tmp_path / "m"))
        with pytest.raises(INVALID, match="no example of `text` has a token"):
            request(loaded, text=tf.constant(["", ""]))
        results = request(loaded, text=tf.constant(["w1", ""]))
        assert results["mask"].tolist() == [[True], [False]]
        assert results["scores"][1] == 0

    @pytest.mark.parametrize(
        ("name", "inputs"),
        [
            ("convolution", [1, 2]),
            ("convolution", 3),
            ("text_model", "w1"),
            ("text_model", [["w"]]),
        ],
    )
    def test_another_number_of_axes(self, loaded, name, inputs):
        dtype = tf.string if name == "text_model" else tf.int32
        with pytest.raises(INVALID, match="Shape of tensor keras_tensor"):
            request(loaded(name), inputs=tf.constant(inputs, dtype))

    def test_too_many_tokens(self, loaded):
        long = tf.ones((1, 10_000), tf.int32)
        with pytest.raises(INVALID, match="`(token_ids|padding_mask)` must be 10 wide"):
            request(loaded("functional_with_mask"), token_ids=long, padding_mask=long)

    def test_batches_that_differ(self, loaded):
        with pytest.raises(INVALID, match="as many examples as"):
            request(loaded("two_segments"), premise=ids(2), hypothesis=ids(3))

    def test_numbers_that_are_not_finite(self, tmp_path):
        token_ids = keras.Input((None,), dtype="int32", name="ids")
        weight = keras.Input((1,), name="weight")
        hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8)(token_ids))
        model = keras.Model([token_ids, weight], layers.Dense(2)(hidden) * weight)
        loaded = serving.load(tfs.export_saved_model(model, tmp_path / "m"))
        with pytest.raises(INVALID, match="`weight` must be finite"):
            request(loaded, ids=ids(1), weight=tf.constant([[np.nan]]))
        assert request(loaded, ids=ids(1), weight=tf.constant([[2.0]]))["scores"].any()

    def test_positions_that_run_out(self, tmp_path):
        token_ids = keras.Input((None,), dtype="int32", name="ids")
        positions = keras.ops.cumsum(keras.ops.ones_like(token_ids), axis=1) - 1
        hidden = layers.Embedding(30, 8, name="tokens")(token_ids)
        hidden = hidden + layers.Embedding(16, 8, name="position_embedding")(positions)
        hidden = layers.GlobalAveragePooling1D()(hidden)
        model = keras.Model(token_ids, layers.Dense(2)(hidden))
        loaded = serving.load(tfs.export_saved_model(model, tmp_path / "m"))
        with pytest.raises(INVALID, match="positions, `ids` must be short"):
            request(loaded, ids=tf.ones((1, 17), tf.int32))
        assert request(loaded, ids=tf.ones((1, 16), tf.int32))["scores"].shape == (1, 16)

    @pytest.mark.parametrize("computed", [False, True])
    def test_ids_that_are_not_whole(self, tmp_path, computed):
        token_ids = keras.Input((None,), name="ids")
        table = layers.Embedding(30, 8, name="words")
        hidden = layers.GlobalAveragePooling1D()(table(token_ids + 1 if computed else token_ids))
        model = keras.Model(token_ids, layers.Dense(2)(hidden))
        folder = tfs.export_saved_model(
            model, tmp_path / "m", method="gradient_norm", embeddings="words"
        )
        loaded = serving.load(folder)
        owner = "Layer .*words.*" if computed else "`ids`"
        with pytest.raises(INVALID, match=f"{owner} must .* whole numbers"):
            request(loaded, ids=tf.constant([[1.5, 2.0]]))
        assert request(loaded, ids=tf.constant([[1.0, 2.0]]))["scores"].any()

    def test_predictions_that_are_not_finite(self, tmp_path):
        token_ids = keras.Input((None,), dtype="int32", name="ids")
        scale = keras.Input((1,), name="scale")
        hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8)(token_ids))
        model = keras.Model([token_ids, scale], layers.Dense(2)(hidden) / scale)
        folder = tfs.export_saved_model(model, tmp_path / "m", method="gradient_norm")
        with pytest.raises(INVALID, match="predictions for `ids`, `scale` are not finite"):
            request(serving.load(folder), ids=ids(1), scale=tf.constant([[0.0]]))


class TestTargets:
    @pytest.mark.parametrize("target", [[3], [-2], [0, 0]])
    def test_out_of_range_or_of_another_number(self, loaded, target):
        with pytest.raises(INVALID, match="`target` must"):
            request(
                loaded("sequential_lstm"),
                "attributions_with_target",
                inputs=ids(1),
                target=tf.constant(target, tf.int32),
            )

    @pytest.mark.parametrize("target", [1, [[1]]])
    def test_another_number_of_axes(self, loaded, target):
        with pytest.raises(INVALID, match="Shape of tensor target"):
            request(
                loaded("convolution"),
                "attributions_with_target",
                inputs=ids(1),
                target=tf.constant(target),
            )
