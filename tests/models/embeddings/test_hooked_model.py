"""`HookedModel`: the passes of a model that are recorded, and those with other embeddings."""

import helpers
import keras
import model_checks
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.models.embeddings.find import find
from tf_salience.models.embeddings.hooked_model import HookedModel


def hooked_model(model, choice=None):
    return HookedModel(model, find(model, choice))


def tensors(inputs):
    return tf.nest.map_structure(tf.constant, inputs)


def own_embeddings(layer, embeddings):
    return tf.identity(embeddings)


class TestRecord:
    def test_outputs_embeddings_and_masks_are_those_of_the_model(self):
        model, ids = helpers.weights_alive(helpers.sequential_lstm()), tf.constant(helpers.ids())
        with model_checks.unchanged(model, ids):
            forward = hooked_model(model).record(ids)
        (segment,) = forward.segments
        np.testing.assert_allclose(forward.outputs, model(ids), rtol=1e-6)
        np.testing.assert_array_equal(segment.embeddings, model.layers[0](ids))
        np.testing.assert_array_equal(segment.mask, helpers.ids() != 0)
        np.testing.assert_array_equal(segment.ids, ids)
        assert (segment.layer, segment.source) == (model.layers[0], 0)
        assert forward.vectorized == ()

    def test_the_sources_of_two_segments(self):
        model = helpers.two_segments()
        inputs = tensors({"premise": helpers.ids(), "hypothesis": helpers.ids(width=7)})
        specs = tf.nest.map_structure(tf.TensorSpec.from_tensor, inputs)
        sources = []

        @tf.function(input_signature=[specs], autograph=False)
        def record(nest):
            forward = hooked_model(model).record(nest)
            sources.extend((segment.source, segment.ids.shape[1]) for segment in forward.segments)
            return forward.outputs

        record(inputs)
        # Leaves are numbered as `tf.nest.flatten` has them: hypothesis, premise.
        assert sorted(sources) == [(0, 7), (1, helpers.WIDTH)]

    def test_lookups_are_of_every_table_and_segments_of_the_explained_ones(self):
        model = helpers.with_segment_ids()
        inputs = tensors((helpers.ids(), np.zeros_like(helpers.ids())))
        forward = hooked_model(model).record(inputs)
        assert [segment.layer.name for segment in forward.segments] == ["token_embedding"]
        assert {lookup.layer.name for lookup in forward.lookups} == {
            "token_embedding",
            "segment_embedding",
        }

    def test_ids_outside_the_table_are_recorded_as_they_came(self):
        model = helpers.weights_alive(helpers.convolution())
        forward = hooked_model(model).record(tf.constant([[-3, 99]]))
        assert forward.lookups[0].ids.numpy().tolist() == [[-3, 99]]
        np.testing.assert_allclose(
            forward.outputs, model(np.array([[0, helpers.VOCABULARY - 1]])), rtol=1e-6
        )

    def test_ids_that_are_passed_by_keyword(self):
        class ByKeyword(keras.Model):
            def __init__(self):
                super().__init__()
                self.words = model_zoo.table()

            def call(self, ids):
                return ops.sum(self.words(inputs=ids), axis=1)

        model = ByKeyword()
        model(helpers.ids())
        forward = hooked_model(model).record(tf.constant([[99]]))
        assert forward.segments[0].ids.numpy().tolist() == [[99]]
        np.testing.assert_array_equal(forward.outputs, model(np.array([[helpers.VOCABULARY - 1]])))

    def test_texts_are_split_once_and_their_ids_can_be_passed_back(self):
        model = helpers.weights_alive(helpers.text_model())
        hooked = hooked_model(model)
        texts = tf.constant(["w1 w2", "w3"])
        forward = hooked.record(texts)
        np.testing.assert_array_equal(forward.vectorized[0], model.layers[0](texts))
        ids = tf.constant([[7, 8, 9]])
        again = hooked.record(texts[:1], (ids,))
        assert again.segments[0].ids is ids
        embedded = HookedModel(model, [model.layers[1]])
        outputs = embedded.run_with(texts[:1], (ids,), own_embeddings)
        np.testing.assert_allclose(outputs, again.outputs, rtol=1e-6)

    def test_ids_of_texts_can_be_checked(self):
        model = helpers.text_model()
        forward = hooked_model(model).record(
            tf.constant(["w1 w2"]), check_vectorized=lambda ids: ids[:, :1]
        )
        assert forward.vectorized[0].shape == forward.segments[0].ids.shape == (1, 1)

    def test_inputs_that_no_embedding_depends_on(self):
        text, genre = model_zoo.ids_input("text"), model_zoo.ids_input("genre")
        hot = layers.Dense(8)(ops.one_hot(text, model_zoo.VOCABULARY))
        hidden = layers.Add()([hot, model_zoo.table()(genre)])
        model = model_zoo.classified([text, genre], layers.GlobalAveragePooling1D()(hidden))
        spec = tf.TensorSpec((None, None), tf.int32)
        unread = []

        @tf.function(input_signature=[spec, spec], autograph=False)
        def record(*inputs):
            forward = hooked_model(model, "words").record(inputs)
            unread.extend(forward.unread)
            return forward.outputs

        record(helpers.ids(), helpers.ids())
        assert unread == [0]

    def test_the_head_of_a_language_model_is_no_segment(self):
        forward = hooked_model(model_zoo.shared_weights()).record(tf.constant(helpers.ids()))
        assert len(forward.segments) == 1

    def test_a_layer_without_a_single_output_is_named(self):
        class Pair(layers.Layer):
            def call(self, ids):
                return ids, ids

        ids = model_zoo.ids_input()
        hidden = layers.GlobalAveragePooling1D()(model_zoo.table()(Pair(name="pair")(ids)[0]))
        model = model_zoo.classified(ids, hidden)
        with pytest.raises(ValueError, match="'pair' must give one tensor.*Received: a tuple"):
            hooked_model(model, "pair").record(tf.constant(helpers.ids()))

    def test_a_variable_that_keras_does_not_know_of(self):
        class Counting(keras.Model):
            def __init__(self):
                super().__init__()
                self.words, self.calls = model_zoo.table(), tf.Variable(0)

            def call(self, ids):
                self.calls.assign_add(1)
                return ops.sum(self.words(ids), axis=1)

        model = Counting()
        model(helpers.ids())
        with pytest.raises(ValueError, match="changes a `tf.Variable`.*`self.add_weight"):
            tfs.explain(model, helpers.ids())


class TestRunWith:
    @pytest.mark.parametrize("name", ["bidirectional_grus", "masking", "shared_weights", "lora"])
    def test_with_its_own_embeddings_the_model_is_the_same(self, name):
        model, ids = model_zoo.build(name), tf.constant(helpers.ids())
        with model_checks.unchanged(model, ids):
            outputs = hooked_model(model).run_with(ids, (), own_embeddings)
        np.testing.assert_allclose(outputs, model(ids), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("name", ["bidirectional_grus", "masking"])
    def test_other_embeddings_keep_the_mask_of_the_true_ones(self, name):
        hooked = hooked_model(model_zoo.build(name))
        alone, padded = (
            hooked.run_with(tf.constant(ids), (), lambda _, true: tf.zeros_like(true))
            for ids in ([[3, 4]], [[3, 4, 0, 0]])
        )
        np.testing.assert_allclose(alone, padded, rtol=1e-5)

    def test_each_call_in_order(self):
        model = helpers.two_segments()
        inputs = tensors({"premise": helpers.ids(), "hypothesis": helpers.ids(width=7)})
        hooked = hooked_model(model)
        widths = []

        def replacement(layer, embeddings):
            assert layer in hooked.layers
            widths.append(embeddings.shape[1])
            return tf.identity(embeddings)

        forward = hooked.record(inputs)
        hooked.run_with(inputs, (), replacement)
        assert widths == [segment.width for segment in forward.segments]

    def test_quantized_embeddings(self):
        model = helpers.weights_alive(helpers.single_unit())
        model.layers[0].quantize("int8")
        explanation = tfs.explain(model, helpers.ids())
        assert explanation.converged.all()
        expected = model(helpers.ids())[:, 0].numpy()
        np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)


def test_observe_reports_the_calls_of_layers():
    model, ids = helpers.sequential_lstm(), tf.constant(helpers.ids())
    head = model.layers[-1]
    calls = []

    def observer(layer, arguments, output):
        calls.append((layer, arguments[0].shape, output.shape))

    outputs = HookedModel(model, []).observe(ids, [head], observer)
    assert calls == [(head, (6, 6), (6, 3))]
    np.testing.assert_array_equal(outputs, model(ids))


def test_a_mask_that_is_attached_inside_call_is_kept():
    """`ReversibleEmbedding` does so, and is also the head of a language model."""

    class Tied(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.ReversibleEmbedding(12, 4, mask_zero=True)
            self.gru = layers.GRU(4)

        def call(self, ids):
            return self.embedding(self.gru(self.embedding(ids)), reverse=True)

    model = Tied()
    model(np.ones((1, 3)))
    helpers.weights_alive(model)
    ids = np.array([[3, 4, 5, 0, 0], [6, 7, 8, 9, 1]])
    explanation = tfs.explain(model, ids, "gradient_dot_input", trim_padding=False)
    assert len(explanation.segments) == 1
    assert explanation.mask.sum(axis=1).tolist() == [3, 5]
    assert not explanation.scores[0, 3:].any()
    alone = tfs.explain(model, ids[:1, :3], "gradient_dot_input")
    np.testing.assert_allclose(alone.scores[0], explanation.scores[0, :3], rtol=1e-5)


def test_state_that_the_model_updates_as_it_runs_is_left_alone():
    class Counting(layers.Layer):
        def build(self, shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, inputs):
            self.calls.assign_add(1.0)
            self.add_loss(ops.sum(inputs) * 0.001)
            return inputs * self.calls

    ids = np.array([[1, 2, 3]])
    counter = Counting()
    model = keras.Sequential([layers.Embedding(5, 4), counter, layers.LSTM(3), layers.Dense(2)])
    model(ids)
    state = [variable.numpy() for variable in model.variables]
    losses = len(model.losses)
    tfs.explain(model, ids)
    for variable, before in zip(model.variables, state, strict=True):
        np.testing.assert_array_equal(variable.numpy(), before)
    assert len(model.losses) == losses
