"""The hook in front of a layer's `call`: whom it serves, and that it is gone afterwards."""

import threading

import helpers
import interrupts
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.models.embeddings import calls_in_progress, hook
from tf_salience.models.embeddings.hook import losses_kept, run_hooked

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


class TestRunHooked:
    def test_calls_go_to_the_handler_within_the_function_alone(self, table):
        true = table(IDS).numpy()
        attributes = set(vars(table))
        assert not run_hooked(lambda: table(IDS), [table], zeros).numpy().any()
        np.testing.assert_array_equal(table(IDS), true)
        assert set(vars(table)) == attributes

    def test_a_layer_twice_in_the_list(self, table):
        calls = []

        def count(layer, call, args, kwargs):
            calls.append(layer)
            return call(*args, **kwargs)

        run_hooked(lambda: table(IDS), [table, table], count)
        assert calls == [table]
        table(IDS)
        assert calls == [table]

    def test_functions_within_each_other(self, table):
        def run():
            inner = run_hooked(lambda: table(IDS), [table], ones)
            return inner, table(IDS)

        inner, outer = run_hooked(run, [table], zeros)
        assert inner.numpy().all()
        assert not outer.numpy().any()
        assert "call" not in vars(table)

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_after_an_error_the_layer_is_as_before(self, table, error):
        attributes = set(vars(table))

        def fail():
            raise error

        with pytest.raises(error):
            run_hooked(fail, [table], zeros)
        assert set(vars(table)) == attributes

    def test_a_call_that_the_user_has_replaced(self, table):
        def replaced(ids):
            return 7 * tf.ones((*ids.shape, 2))

        def double(layer, call, args, kwargs):
            return 2 * call(*args, **kwargs)

        table.call = replaced
        assert (run_hooked(lambda: table(IDS), [table], double).numpy() == 14).all()
        assert table.call is replaced
        assert (table(IDS).numpy() == 7).all()

    def test_the_head_of_a_language_model_is_no_call_of_its_embedding(self):
        layer = layers.ReversibleEmbedding(5, 2)
        hidden = np.ones((1, 3, 2), np.float32)
        layer(IDS)
        expected = layer(hidden, reverse=True).numpy()
        head = run_hooked(lambda: layer(hidden, reverse=True), [layer], zeros)
        np.testing.assert_array_equal(head, expected)
        assert not run_hooked(lambda: layer(IDS), [layer], zeros).numpy().any()

    def test_another_thread_gets_the_true_output_meanwhile(self, table):
        true = table(IDS).numpy()
        outputs = []

        def run():
            thread = threading.Thread(target=lambda: outputs.append(table(IDS).numpy()))
            thread.start()
            thread.join()
            return table(IDS)

        assert not run_hooked(run, [table], zeros).numpy().any()
        np.testing.assert_array_equal(outputs[0], true)

    def test_the_function_of_another_thread_may_end_first(self, table):
        entered, leave = threading.Event(), threading.Event()

        def wait():
            entered.set()
            leave.wait()

        thread = threading.Thread(target=run_hooked, args=(wait, [table], ones))
        thread.start()
        entered.wait()

        def run():
            leave.set()
            thread.join()
            return table(IDS)

        assert not run_hooked(run, [table], zeros).numpy().any()
        assert "call" not in vars(table)


@pytest.mark.parametrize("own_call", [False, True])
def test_an_interrupt_at_any_line_of_the_hook(table, own_call):
    """At the latest the next explanation removes what is left; no call sees it before."""
    if own_call:
        table.call = table.call
    true, before = table(IDS).numpy(), dict(vars(table))

    def check(interrupted):
        del interrupted
        # It may still stand there, but does nothing.
        np.testing.assert_array_equal(table(IDS), true)
        run_hooked(lambda: None, [], zeros)
        assert {name: vars(table).get(name) for name in before} == before
        assert set(vars(table)) == set(before)

    places = interrupts.at_every_line(
        lambda: run_hooked(lambda: table(IDS), [table], zeros), [hook, calls_in_progress], check
    )
    assert len(places) > 30
    assert not run_hooked(lambda: table(IDS), [table], zeros).numpy().any()


def test_the_hook_that_an_interrupt_left_goes_with_the_next_call_of_the_layer(table):
    """As after an interrupt between the end of the function and the `finally`."""
    true = table(IDS).numpy()

    def remove(frame):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            calls_in_progress.CallsInProgress, "remove", lambda self, frame: remove(frame)
        )
        with pytest.raises(KeyboardInterrupt):
            run_hooked(lambda: None, [table], zeros)
        assert "call" in vars(table)
    np.testing.assert_array_equal(table(IDS), true)
    assert "call" not in vars(table)


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
