"""The hook in front of a layer's `call`: whom it serves, and that it is gone afterwards."""

import threading

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.models.embeddings.hook import functions_inlined, hooked, losses_kept

IDS = np.array([[1, 2, 3]])


@pytest.fixture
def table():
    layer = layers.Embedding(5, 2)
    layer.build((None, None))
    return layer


def zeros(layer, call, args, kwargs):
    return tf.zeros_like(call(*args, **kwargs))


def ones(layer, call, args, kwargs):
    return tf.ones_like(call(*args, **kwargs))


class TestHooked:
    def test_calls_go_to_the_handler_within_the_block_alone(self, table):
        true = table(IDS).numpy()
        attributes = set(vars(table))
        with hooked([table], zeros):
            assert not table(IDS).numpy().any()
        np.testing.assert_array_equal(table(IDS), true)
        assert set(vars(table)) == attributes

    def test_a_layer_twice_in_the_list(self, table):
        calls = []

        def count(layer, call, args, kwargs):
            calls.append(layer)
            return call(*args, **kwargs)

        with hooked([table, table], count):
            table(IDS)
        assert calls == [table]
        table(IDS)
        assert calls == [table]

    def test_blocks_within_each_other(self, table):
        with hooked([table], zeros):
            with hooked([table], ones):
                assert table(IDS).numpy().all()
            assert not table(IDS).numpy().any()
        assert table(IDS).numpy().any()

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_after_an_error_the_layer_is_as_before(self, table, error):
        attributes = set(vars(table))
        with pytest.raises(error), hooked([table], zeros):
            raise error
        assert set(vars(table)) == attributes

    def test_a_call_that_the_user_has_replaced(self, table):
        def replaced(ids):
            return 7 * tf.ones((*ids.shape, 2))

        table.call = replaced
        with hooked([table], lambda _, call, args, kwargs: 2 * call(*args, **kwargs)):
            assert (table(IDS).numpy() == 14).all()
        assert table.call is replaced
        assert (table(IDS).numpy() == 7).all()

    def test_the_head_of_a_language_model_is_no_call_of_its_embedding(self):
        layer = layers.ReversibleEmbedding(5, 2)
        hidden = np.ones((1, 3, 2), np.float32)
        layer(IDS)
        expected = layer(hidden, reverse=True).numpy()
        with hooked([layer], zeros):
            np.testing.assert_array_equal(layer(hidden, reverse=True), expected)
            assert not layer(IDS).numpy().any()

    def test_another_thread_gets_the_true_output_meanwhile(self, table):
        true = table(IDS).numpy()
        outputs = []
        with hooked([table], zeros):
            thread = threading.Thread(target=lambda: outputs.append(table(IDS).numpy()))
            thread.start()
            thread.join()
        np.testing.assert_array_equal(outputs[0], true)

    def test_a_block_of_another_thread_may_end_first(self, table):
        entered, leave = threading.Event(), threading.Event()

        def work():
            with hooked([table], ones):
                entered.set()
                leave.wait()

        thread = threading.Thread(target=work)
        thread.start()
        entered.wait()
        with hooked([table], zeros):
            leave.set()
            thread.join()
            assert not table(IDS).numpy().any()
        assert "call" not in vars(table)


class TestFunctionsInlined:
    def test_the_switch_of_tensorflow_is_as_before(self):
        for eager in (True, False):
            tf.config.run_functions_eagerly(eager)
            try:
                with functions_inlined(), functions_inlined():
                    assert tf.config.functions_run_eagerly()
                assert tf.config.functions_run_eagerly() is eager
            finally:
                tf.config.run_functions_eagerly(False)

    def test_after_an_error(self):
        with pytest.raises(KeyboardInterrupt), functions_inlined():
            raise KeyboardInterrupt
        assert not tf.config.functions_run_eagerly()


def test_losses_of_the_last_call_are_kept():
    layer = layers.Dense(2, activity_regularizer="l2")
    layer(np.ones((1, 3)))
    losses = [loss.numpy() for loss in layer.losses]
    with losses_kept([layer]):
        layer(7 * np.ones((1, 3)))
        layer(np.ones((1, 3)))
    assert [loss.numpy() for loss in layer.losses] == losses


def test_a_model_that_is_being_trained_never_sees_the_hook():
    model = helpers.sequential_lstm()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.zeros(6)
    explainer = tfs.Explainer(model, "gradient_norm")
    for _ in range(2):
        model.fit(helpers.ids(), labels, verbose=0)
        explainer(helpers.ids())
        model.predict(helpers.ids(), verbose=0)
    expected = model(tf.constant(helpers.ids())).numpy()
    np.testing.assert_allclose(model.predict(helpers.ids(), verbose=0), expected, atol=1e-6)
