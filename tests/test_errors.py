"""What a user is told, and that the model is as it was after it."""

import threading

import helpers
import keras
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
def untouched(model, tmp_path):
    """The model predicts and saves as before, whatever the test did."""
    before = model(helpers.ids()).numpy()
    attributes = [sorted(vars(layer)) for layer in model._flatten_layers()]
    yield model
    np.testing.assert_array_equal(model(helpers.ids()).numpy(), before)
    assert [sorted(vars(layer)) for layer in model._flatten_layers()] == attributes
    assert not tf.config.functions_run_eagerly()
    model.save(tmp_path / "model.keras")


def embedding_model(**keywords):
    return keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(helpers.VOCABULARY, 4, **keywords),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )


class TestModels:
    def test_not_a_model(self):
        with pytest.raises(TypeError, match="must be a keras.Model. Received: model='bert'"):
            tfs.Explainer("bert")

    def test_not_built(self):
        model = keras.Sequential([layers.Embedding(5, 2), layers.Dense(1)])
        with pytest.raises(ValueError, match="must be built.*no weights yet. Call it once"):
            tfs.Explainer(model)

    def test_no_embedding_layer(self):
        model = keras.Sequential([layers.Input((4,)), layers.Dense(2, name="only")])
        with pytest.raises(ValueError, match=r"No `keras.layers.Embedding` was found(.|\n)*only"):
            tfs.Explainer(model)

    def test_several_candidates_are_listed(self):
        ids = layers.Input((4,), dtype="int32")
        words, tags = layers.Embedding(50, 4, name="words"), layers.Embedding(9, 4, name="tags")
        pooled = layers.GlobalAveragePooling1D()(layers.Add()([words(ids), tags(ids)]))
        model = keras.Model(ids, layers.Dense(2)(pooled))
        with pytest.raises(ValueError, match=r"has 2 embedding layers(.|\n)*words +50(.|\n)*tags"):
            tfs.Explainer(model)
        both = tfs.explain(model, [[1, 2, 3, 4]], "gradient_norm", embeddings=["words", tags])
        assert list(both.segments) == ["words", "tags"]

    def test_an_unknown_layer_name(self, untouched):
        with pytest.raises(ValueError, match="Received: embeddings='embeding'. Did you mean"):
            tfs.Explainer(untouched, embeddings="embeding")

    def test_a_layer_of_another_model(self, untouched):
        with pytest.raises(ValueError, match="layer 'foreign', which is not part of it"):
            tfs.Explainer(untouched, embeddings=layers.Embedding(3, 2, name="foreign"))

    def test_a_layer_that_gives_no_embeddings(self, untouched):
        with pytest.raises(ValueError, match=r"must give embeddings of shape \(batch, tokens, dim"):
            tfs.explain(untouched, helpers.ids(), embeddings=untouched.layers[-1])

    def test_embeddings_of_another_kind(self, untouched):
        with pytest.raises(TypeError, match=r"Received: embeddings=3 \(of type int\)"):
            tfs.Explainer(untouched, embeddings=3)

    def test_remat_scope(self):
        with keras.RematScope(mode="full"):
            model = embedding_model()
        with pytest.raises(ValueError, match="made inside a `keras.RematScope`"):
            tfs.Explainer(model)

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
    def test_of_the_explainer(self, untouched, keywords, error, message):
        with pytest.raises(error, match=message):
            tfs.Explainer(untouched, **keywords)

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
    def test_of_a_call(self, untouched, keywords, error, message):
        with pytest.raises(error, match=message):
            tfs.explain(untouched, helpers.ids(), **keywords)


class TestInputs:
    @pytest.mark.parametrize(
        ("inputs", "error", "message"),
        [
            (np.zeros((0, 5), int), ValueError, r"at least one example. Received: an empty batch"),
            ([], ValueError, "Received: an empty batch"),
            (np.ones((2, 3, 4), int), ValueError, "The ranks differ"),
            (np.ones(4, int), ValueError, r"add a batch axis: `inputs\[None\]`"),
            (np.full((2, 3), 1.5), TypeError, "not whole, such as 1.5"),
            (["good film"], TypeError, "no `tokenizer` is given.*Received: texts"),
            ([[1, 2], [3]], ValueError, "rows have different lengths. Pad"),
            ([None, "x"], TypeError, "elements of type NoneType, str"),
            (np.array([[1, 30]]), ValueError, "0 to 29. Received: id 30 at example 0, position 1"),
            (np.array([[1, 2], [-1, 3]]), ValueError, "Received: id -1 at example 1, position 0"),
            ((np.ones((2, 3), int),) * 2, ValueError, "must be 1 arrays"),
            ({"other": np.ones((2, 3), int), "b": np.ones((2, 3), int)}, ValueError, "be 1 arrays"),
            (np.array([[1, 2**32]]), ValueError, "Some numbers do not fit into int32"),
            (5, ValueError, "must have a batch axis"),
        ],
    )
    def test_that_do_not_fit(self, untouched, inputs, error, message):
        with pytest.raises(error, match=message):
            tfs.explain(untouched, inputs)

    def test_longer_than_a_functional_model_takes(self):
        model = helpers.functional_with_mask()
        ids = np.ones((2, 14), int)
        with pytest.raises(ValueError, match=r"longer than the model takes: 14 tokens instead of"):
            tfs.explain(model, (ids, ids))

    def test_longer_than_the_position_table(self):
        model = helpers.Subclassed()
        model(helpers.ids())
        ids = np.ones((2, helpers.WIDTH + 3), int)
        with pytest.raises(ValueError, match="'position_embedding'.*longer than the model takes"):
            tfs.explain(model, ids)

    def test_what_the_model_itself_refuses_is_told_with_the_shapes(self):
        class Rigid(keras.Model):
            def __init__(self):
                super().__init__()
                self.embedding, self.head = layers.Embedding(5, 2), layers.Dense(2)

            def call(self, ids):
                return self.head(keras.ops.reshape(self.embedding(ids), (1, 8)))

        model = Rigid()
        model(np.ones((1, 4)))
        with pytest.raises(ValueError, match=r"could not run.*Received: int64 of shape \(1, 5\)"):
            tfs.explain(model, np.ones((1, 5), int))

    def test_arrays_of_different_lengths(self):
        with pytest.raises(ValueError, match="same number of examples"):
            tfs.explain(
                helpers.two_segments(), {"premise": helpers.ids(3), "hypothesis": helpers.ids(4)}
            )


class TestTexts:
    def test_an_empty_text_is_warned_of_and_the_others_are_explained(self):
        model = helpers.weights_alive(helpers.text_model())
        with pytest.warns(tfs.NoTokensWarning, match="No real token in example 1"):
            explanation = tfs.explain(model, ["w1 w2", "", "w3"])
        assert [len(salience.tokens) for salience in explanation] == [2, 0, 1]
        assert not explanation.scores[1].any()
        assert "nan" not in str(explanation)

    def test_words_that_are_all_unknown(self):
        model = helpers.weights_alive(helpers.text_model())
        with pytest.warns(tfs.UnknownTokensWarning, match="No word that .* in example 0"):
            explanation = tfs.explain(model, ["qwerty uiop", "w1 qwerty"])
        assert explanation[0].tokens == ["[UNK]", "[UNK]"]

    def test_a_text_longer_than_the_model_takes(self):
        model = helpers.weights_alive(helpers.text_model())
        with pytest.warns(tfs.TruncatedTextWarning, match=r"takes 10 tokens; example 1 is longer"):
            explanation = tfs.explain(model, ["w1", "w2 " * 14])
        assert len(explanation[1].tokens) == 10

    def test_nothing_but_empty_texts(self):
        vectorizer = layers.TextVectorization(vocabulary=helpers.WORDS)
        model = helpers.sequential_lstm()
        with pytest.raises(ValueError, match="no example has a token"):
            tfs.explain(model, ["", ""], tokenizer=vectorizer)


def test_not_converging_is_said_once():
    model = helpers.formula_model(
        lambda x: tf.sigmoid(400 * tf.reduce_sum(x, (1, 2)) - 90)[:, None], np.eye(3)
    )
    with pytest.warns(tfs.NotConvergedWarning, match="2 of 2 examples reached `max_steps`") as said:
        explanation = tfs.explain(model, [[1, 2], [2, 1]], tfs.IntegratedGradients(max_steps=8))
    assert len(said) == 1
    assert said[0].filename == __file__
    assert not explanation.converged.any()
    assert "NOT CONVERGED" in str(explanation[0])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_an_interrupt_in_the_middle_of_a_trace(untouched, error):
    def target(outputs):
        if not tf.executing_eagerly():
            raise error("in the middle")
        return outputs[:, 0]

    explainer = tfs.Explainer(untouched, target=target)
    with pytest.raises(error, match="in the middle"):
        explainer(helpers.ids())
    again = tfs.explain(untouched, helpers.ids(), target=0)
    assert np.isfinite(again.scores).all()


def test_predictions_in_another_thread_are_untouched_while_one_explains(untouched):
    expected = untouched(helpers.ids()).numpy()
    wrong, stop = [], threading.Event()

    def predict():
        while not stop.is_set():
            if not np.array_equal(untouched(helpers.ids()).numpy(), expected):
                wrong.append(1)

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        for _ in range(3):
            tfs.explain(untouched, helpers.ids(), "gradient_norm")
    finally:
        stop.set()
        thread.join()
    assert not wrong


def test_threads_that_share_an_explainer_get_the_right_numbers(untouched):
    expected = tfs.explain(untouched, helpers.ids()).scores
    shared = tfs.Explainer(untouched)
    found = [None] * 4

    def work(number):
        explainer = shared if number % 2 else tfs.Explainer(untouched)
        found[number] = explainer(helpers.ids()).scores

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for scores in found:
        np.testing.assert_allclose(scores, expected, atol=1e-6 * np.abs(expected).max())
