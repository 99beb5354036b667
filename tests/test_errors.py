"""Errors and warnings of the explainer, after which the model is as it was."""

import threading

import helpers
import keras
import model_checks
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return helpers.weights_alive(helpers.sequential_lstm())


@pytest.fixture
def unchanged(model, tmp_path):
    """The model, which predicts and saves as before after the test."""
    call_function = type(tf.function(lambda: None)).__call__
    with model_checks.unchanged(model, helpers.ids()):
        yield model
    assert type(tf.function(lambda: None)).__call__ is call_function
    assert not tf.config.functions_run_eagerly()
    model.save(tmp_path / "model.keras")


def embedding_model():
    return keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(helpers.VOCABULARY, 4),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )


class TestModels:
    @pytest.mark.parametrize("model", [5, None, "reviews.keras"])
    def test_what_is_no_model(self, model):
        with pytest.raises(TypeError, match=r"`model` must be a keras\.Model\..* Received: model="):
            tfs.Explainer(model)

    def test_the_path_of_a_model(self):
        with pytest.raises(TypeError, match=r"Load the file first, by `keras\.saving\.load_model`"):
            tfs.inspect("reviews.keras")

    def test_a_gradient_of_none_names_the_layer(self):
        model = helpers.formula_model(lambda x: tf.stop_gradient(x)[:, 0], np.eye(3, dtype="f4"))
        name = model.layers[0].name
        with pytest.raises(ValueError, match=f"no gradient .* with respect to layer '{name}'"):
            tfs.explain(model, [[1, 2]])

    def test_a_layer_that_is_not_called(self):
        class Idle(keras.Model):
            def __init__(self):
                super().__init__()
                self.used = layers.Embedding(5, 2)
                self.spare = layers.Embedding(5, 2, name="spare")
                self.spare.build((None,))

            def call(self, ids):
                return tf.reduce_sum(self.used(ids), axis=1)

        model = Idle()
        model(np.ones((1, 2)))
        with pytest.raises(ValueError, match="Layer 'spare' was not called"):
            tfs.explain(model, [[1, 2]], embeddings="spare")

    def test_weights_that_are_not_finite(self):
        model = embedding_model()
        table = model.layers[0].get_weights()[0]
        table[7] = np.nan
        model.layers[0].set_weights([table])
        ids = np.array([[1, 2], [3, 4], [7, 1]])
        with pytest.raises(ValueError, match="embeddings of layer.*NaN or infinite.*example 2"):
            tfs.explain(model, ids)

    def test_gradients_that_are_not_finite(self):
        # The output is finite, its gradient at zero is not.
        model = helpers.formula_model(
            lambda x: tf.sqrt(tf.reduce_sum(x, axis=(1, 2)))[:, None], np.eye(4)[:, :2]
        )
        ids = np.array([[0, 1], [3, 3]])
        with pytest.raises(ValueError, match="gradients along the path must be .* in example 1"):
            tfs.explain(model, ids, "gradient_norm")

    @pytest.mark.parametrize("rule", ["trapezoid", "midpoint"])
    def test_a_target_that_is_not_finite_at_the_baseline(self, rule):
        model = helpers.formula_model(lambda x: tf.reduce_sum(x, (1, 2))[:, None], np.eye(4)[:, :2])

        def logarithm(outputs):
            return tf.math.log(outputs[:, 0])

        method = tfs.IntegratedGradients(steps=4, rule=rule)
        with pytest.raises(ValueError, match=r"along the path must be .* in examples 0, 1\."):
            tfs.explain(model, [[0, 1], [1, 1]], method, target=logarithm)


class TestArguments:
    @pytest.mark.parametrize(
        ("keywords", "error", "message"),
        [
            ({"method": "gradients"}, ValueError, "`method` must be one of.*Received"),
            ({"target": 1.5}, TypeError, "Received: target=1.5"),
            ({"batch_size": 0}, ValueError, "`batch_size` must be a positive integer"),
            ({"max_rows": -1}, ValueError, "`max_rows` must be a positive integer"),
            ({"max_rows": "all"}, TypeError, "Received: max_rows='all'"),
            ({"trim_padding": "no"}, ValueError, "Received: trim_padding='no'"),
            ({"jit_compile": 3}, ValueError, "Received: jit_compile=3"),
            ({"tokenizer": 3}, TypeError, "Received: tokenizer=3"),
        ],
    )
    def test_of_the_explainer(self, unchanged, keywords, error, message):
        with pytest.raises(error, match=message):
            tfs.Explainer(unchanged, **keywords)

    @pytest.mark.parametrize(
        ("keywords", "error", "message"),
        [
            ({"target": 3}, ValueError, "from 0 to 2.*Received: target=3"),
            ({"target": -1}, ValueError, "Received: target=-1"),
            ({"target": "label"}, ValueError, "must be given.*Received: labels=None"),
            ({"target": "label", "labels": [0, 1]}, ValueError, r"shape \(2,\) for 6 examples"),
            ({"target": "label", "labels": [0, 1, 2, 3, 0, 1]}, ValueError, "Received: labels=3"),
            ({"target": "label", "labels": [0.5] * 6}, TypeError, "Received: labels=0.5"),
            ({"target": [0, 1]}, ValueError, r"one class per example.*shape \(2,\)"),
            ({"target": "joy"}, ValueError, "`class_names` must be given"),
            (
                {"target": "joi", "class_names": ["joy", "fear", "rage"]},
                ValueError,
                "Received: target='joi'. Did you mean 'joy'",
            ),
            ({"class_names": ["joy", "fear"]}, ValueError, "each of the model's 3 outputs"),
            ({"target": lambda o: o}, ValueError, r"floats of shape \(batch,\)"),
            ({"target": lambda o: o[:, 0] / 0}, ValueError, "target must be finite"),
            ({"method": tfs.IntegratedGradients(baseline=99)}, ValueError, "baseline=99"),
            (
                {"method": tfs.IntegratedGradients(baseline="zeroes")},
                ValueError,
                "Received: baseline='zeroes'. Did you mean 'zeros'",
            ),
            (
                {"method": tfs.IntegratedGradients(baseline=np.zeros(5))},
                ValueError,
                r"Received: shape \(5,\) for embeddings of shape",
            ),
            (
                {"method": tfs.IntegratedGradients(baseline=lambda e: e[:, :1])},
                ValueError,
                "must return embeddings of the shape it was given",
            ),
        ],
    )
    def test_of_a_call(self, unchanged, keywords, error, message):
        with pytest.raises(error, match=message):
            tfs.explain(unchanged, helpers.ids(), **keywords)

    def test_of_a_method_in_the_place_of_those_of_the_explainer(self, unchanged):
        with pytest.raises(TypeError, match=r"Received: baseline=, steps=\. .* go to the method"):
            tfs.explain(unchanged, helpers.ids(), steps=8, baseline="mean")


class TestIds:
    @pytest.mark.parametrize(
        ("ids", "error", "message"),
        [
            ([[1, 30]], ValueError, "0 to 29. Received: id 30 at example 0, position 1"),
            ([[1, 2], [-1, 3]], ValueError, "Received: id -1 at example 1, position 0"),
        ],
    )
    def test_outside_the_table(self, unchanged, ids, error, message):
        with pytest.raises(error, match=message):
            tfs.explain(unchanged, ids)

    def test_longer_than_the_position_table(self):
        model = helpers.Subclassed()
        model(helpers.ids())
        ids = np.ones((2, helpers.WIDTH + 3), int)
        with pytest.raises(ValueError, match="'position_embedding'.*longer than the model takes"):
            tfs.explain(model, ids)

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            (np.zeros((0, 5), int), "Received: an empty batch"),
            (np.ones(4, int), r"add a batch axis: `inputs\[None\]`"),
            (5, "must have a batch axis"),
        ],
        ids=["empty", "one example", "a number"],
    )
    def test_inputs_that_do_not_fit(self, unchanged, inputs, message):
        with pytest.raises(ValueError, match=message):
            tfs.explain(unchanged, inputs)


class TestTexts:
    def test_an_empty_text_is_warned_of_and_the_others_are_explained(self):
        model = helpers.weights_alive(helpers.text_model())
        with pytest.warns(tfs.NoTokensWarning, match="No real token in example 1"):
            explanation = tfs.explain(model, ["w1 w2", "", "w3"])
        assert [len(salience.tokens) for salience in explanation] == [2, 0, 1]
        assert not explanation.scores[1].any()
        assert "nan" not in str(explanation)

    def test_nothing_but_empty_texts_where_the_model_cannot_run(self):
        model = keras.Sequential(
            [
                layers.TextVectorization(vocabulary=["w1", "w2"]),
                layers.Embedding(4, 4),
                layers.LSTM(4),
                layers.Dense(2),
            ]
        )
        model(tf.constant(["w1"]))
        with pytest.raises(ValueError, match=r"without a word\. Leave empty texts out\. Expected"):
            tfs.explain(model, ["", " "])

    def test_words_that_are_all_unknown(self):
        model = helpers.weights_alive(helpers.text_model())
        with pytest.warns(tfs.UnknownTokensWarning, match="no word of example 0"):
            explanation = tfs.explain(model, ["qwerty uiop", "w1 qwerty"])
        assert explanation[0].tokens == ["[UNK]", "[UNK]"]

    def test_a_text_longer_than_the_model_takes(self):
        model = helpers.weights_alive(helpers.text_model())
        with pytest.warns(tfs.TruncatedTextWarning, match=r"takes 10 tokens; example 1 is longer"):
            explanation = tfs.explain(model, ["w1", "w2 " * 14])
        assert len(explanation[1].tokens) == 10


class TestNotConverged:
    """One warning says which examples, and what to do for this model, from what was seen."""

    @staticmethod
    def warned(formula, inputs, **arguments):
        model = helpers.formula_model(formula, np.eye(3))
        with pytest.warns(tfs.NotConvergedWarning) as records:
            explanation = tfs.explain(model, inputs, tfs.IntegratedGradients(**arguments))
        (record,) = records
        assert record.filename == __file__
        assert not explanation.converged.all()
        return str(record.message), explanation

    def test_one_place(self):
        message, explanation = self.warned(
            lambda x: tf.sigmoid(400 * tf.reduce_sum(x, (1, 2)) - 90)[:, None],
            [[1, 2], [2, 1]],
            max_steps=8,
        )
        assert message.startswith("2 of 2 examples did not converge")
        assert "In examples 0, 1, the target moves most at one place" in message
        assert "raise `max_steps` (now 8)" in message
        assert "NOT CONVERGED" in str(explanation[0])

    def test_a_jump(self):
        def stair(x):
            total = tf.reduce_sum(x, (1, 2))
            return (total + tf.stop_gradient(tf.cast(total > 0.8, total.dtype)))[:, None]

        message, explanation = self.warned(stair, [[1, 2], [0, 0]])
        assert message.startswith("2 of 2 examples did not converge")
        assert "In examples 0, 1, the target jumps, 0.4 of the way along the path" in message
        assert "max_steps" not in message
        assert (explanation.evaluations < 100).all()

    def test_the_start(self):
        message, _ = self.warned(
            lambda x: (
                tf.sign(tf.reduce_sum(x, (1, 2)))[:, None] + 0.1 * tf.reduce_sum(x, (1, 2))[:, None]
            ),
            [[1, 2]],
        )
        assert "at the start of the path, near the baseline: choose another `baseline`" in message
        assert "now 'zeros'" in message

    def test_many_places(self):
        def zigzag(x):
            total = 97 * tf.reduce_sum(x, (1, 2))[:, None]
            return tf.abs(total - 2 * tf.round(total / 2)) + 0.3 * total

        message, _ = self.warned(zigzag, [[1, 2]], max_steps=40)
        assert "In example 0, the gradients change in many places along the path" in message
        assert "`tolerance` (now 0.01)" in message


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_an_interrupt_in_the_middle_of_a_trace(unchanged, error):
    def target(outputs):
        if not tf.executing_eagerly():
            raise error("in the middle")
        return outputs[:, 0]

    explainer = tfs.Explainer(unchanged, target=target)
    with pytest.raises(error, match="in the middle"):
        explainer(helpers.ids())
    again = tfs.explain(unchanged, helpers.ids(), target=0)
    assert np.isfinite(again.scores).all()


def test_predictions_in_another_thread_are_unchanged_while_one_explains(unchanged):
    expected = unchanged(helpers.ids()).numpy()
    differences, stop = [], threading.Event()

    def predict():
        while not stop.is_set():
            predictions = unchanged(helpers.ids()).numpy()
            if not np.array_equal(predictions, expected):
                differences.append(predictions - expected)

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        for _ in range(3):
            tfs.explain(unchanged, helpers.ids(), "gradient_norm")
    finally:
        stop.set()
        thread.join()
    assert not differences


@pytest.mark.slow
def test_threads_that_share_an_explainer_get_the_right_numbers(unchanged):
    expected = tfs.explain(unchanged, helpers.ids()).scores
    shared = tfs.Explainer(unchanged)
    results = [None] * 4

    def work(number):
        explainer = shared if number % 2 else tfs.Explainer(unchanged)
        results[number] = explainer(helpers.ids()).scores

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for scores in results:
        np.testing.assert_allclose(scores, expected, atol=1e-6 * np.abs(expected).max())
