"""Trimming, segments and batches where it is hard: models whose padding or whose inputs matter."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs

VOCABULARY, DIM, WIDTH = 30, 8, 16


def embedding(**keywords):
    initializer = keras.initializers.RandomNormal(stddev=1.0, seed=0)
    return layers.Embedding(VOCABULARY, DIM, embeddings_initializer=initializer, **keywords)


def unmasked(*stack):
    keras.utils.set_random_seed(3)
    return keras.Sequential([layers.Input((None,), dtype="int32"), embedding(), *stack])


def short_ids(batch=40, longest=7, seed=0):
    ids = np.random.default_rng(seed).integers(1, VOCABULARY, (batch, WIDTH)).astype(np.int32)
    lengths = np.random.default_rng(seed + 1).integers(4, longest + 1, batch)
    ids[np.arange(WIDTH) >= lengths[:, None]] = 0
    return ids


def saturated(units, activation):
    model = unmasked(layers.GlobalAveragePooling1D(), layers.Dense(units, activation=activation))
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([60 * kernel, bias])
    return model


class Last(layers.Layer):
    """The last position, padding or not."""

    def call(self, hidden):
        return hidden[:, -1]


@pytest.mark.parametrize(
    "model",
    [
        lambda: saturated(1, "sigmoid"),
        lambda: saturated(2, "softmax"),
        lambda: unmasked(layers.GlobalMaxPooling1D(), layers.Dense(2)),
        lambda: unmasked(layers.Conv1D(4, 3, padding="same"), layers.GlobalMaxPooling1D()),
        lambda: unmasked(layers.Bidirectional(layers.LSTM(4)), layers.Dense(2)),
        lambda: unmasked(layers.GRU(4, return_sequences=True), Last(), layers.Dense(2)),
    ],
)
def test_padding_that_matters_stays(model):
    model, ids = model(), short_ids()
    # The most confident first: a saturated target hides what its padding does.
    ids = ids[np.argsort(-np.asarray(model(ids)).max(axis=1))]
    method = tfs.IntegratedGradients(steps=8)
    keywords = {"pad_id": 0, "target": 0}
    kept = tfs.explain(model, ids, method, trim_padding=False, **keywords)
    found = tfs.explain(model, ids, method, **keywords)
    error = np.abs(found.scores - kept.scores).sum(1)
    assert (error <= 1e-5 * np.abs(kept.scores).sum(1)).all()


def test_ids_that_the_model_makes_of_its_inputs_keep_their_width():
    class Shifted(keras.Model):
        def __init__(self):
            super().__init__()
            self.words = layers.TextVectorization(
                vocabulary=helpers.WORDS, output_sequence_length=WIDTH
            )
            self.embedding, self.gru = embedding(mask_zero=True), layers.GRU(4)

        def call(self, texts):
            return self.gru(self.embedding(self.words(texts)[:, 1:]))

    model = Shifted()
    texts = ["w1 w2 w3", "w4 w5 w6 w7"]
    model(tf.constant(texts))
    explanation = tfs.explain(model, texts)
    assert explanation.tokens == [["w2", "w3"], ["w5", "w6", "w7"]]
    assert explanation.scores.shape == (2, WIDTH - 1)
    assert explanation.converged.all()


def test_padding_that_is_masked_goes():
    widths = []

    class Watching(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, hidden):
            widths.append(hidden.shape[1])
            return hidden

    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [layers.Input((None,)), embedding(mask_zero=True), Watching(), layers.GRU(4)]
    )
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=2), target=0)
    widths.clear()
    explainer(short_ids())
    assert set(widths) == {WIDTH, 8}


def test_array_baselines_that_differ_in_later_examples():
    model = unmasked(layers.GlobalMaxPooling1D(), layers.Dense(1))
    ids = short_ids(64)
    start = np.zeros((64, WIDTH, DIM))
    start[40:, 12:] = 3.0
    method = tfs.IntegratedGradients(steps=8, baseline=start)
    kept = tfs.explain(model, ids, method, pad_id=0, trim_padding=False).scores
    found = tfs.explain(model, ids, method, pad_id=0).scores
    np.testing.assert_allclose(found, kept, atol=1e-5 * np.abs(kept).max())


def test_a_baseline_that_looks_across_the_batch_sees_all_of_it():
    model = helpers.weights_alive(helpers.sequential_lstm())
    seen = []

    def mean_of_batch(embeddings):
        seen.append(len(embeddings))
        return tf.reduce_mean(embeddings, axis=0, keepdims=True) + 0 * embeddings

    method = tfs.IntegratedGradients(steps=4, baseline=mean_of_batch)
    kept = tfs.explain(model, short_ids(), method, trim_padding=False).scores
    found = tfs.explain(model, short_ids(), method, batch_size=3).scores
    np.testing.assert_allclose(found, kept, atol=1e-5 * np.abs(kept).max())
    assert set(seen) == {40}


class Pair(keras.Model):
    """A subclassed model of a dict, which calls its embedding twice."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = embedding(), layers.Dense(1, use_bias=False)

    def call(self, inputs):
        premise = ops.mean(self.embedding(inputs["premise"]), axis=1)
        hypothesis = ops.mean(self.embedding(inputs["hypothesis"]), axis=1)
        return self.head(ops.concatenate([premise, hypothesis], axis=-1))


def test_segments_with_the_same_ids_are_told_apart():
    model, ids = Pair(), np.array([[1, 2, 3, 4]])
    inputs = {"premise": ids, "hypothesis": ids}
    model(inputs)
    salience = tfs.explain(model, inputs, "gradient_dot_input")[0]
    vectors = np.asarray(model.embedding(ids))[0]
    kernel = model.head.get_weights()[0][:, 0]
    for name, half in (("premise", kernel[:DIM]), ("hypothesis", kernel[DIM:])):
        found = salience.scores[salience.segments[name]]
        np.testing.assert_allclose(found, vectors @ half / 4, rtol=1e-5)
    assert list(salience.segments) == ["premise", "hypothesis"]


def test_ids_of_a_small_type_and_a_large_vocabulary():
    model = helpers.formula_model(lambda x: tf.reduce_sum(x, (1, 2))[:, None], np.eye(400))

    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = model.layers[0]

        def call(self, ids):
            return ops.sum(self.embedding(ids), axis=1)

    plain, ids = Plain(), np.array([[250, 251, 240, 7]], np.uint8)
    plain(ids)
    explanation = tfs.explain(plain, ids, "gradient_dot_input", target=251)
    np.testing.assert_array_equal(explanation.scores, [[0, 1, 0, 0]])


def two_vectorizers():
    text = layers.Input((), dtype="string")
    words = layers.TextVectorization(vocabulary=helpers.WORDS, output_sequence_length=6)
    letters = layers.TextVectorization(
        vocabulary=list("w0123456789"), split="character", output_sequence_length=20
    )
    ways = [
        layers.GlobalAveragePooling1D()(layers.Embedding(VOCABULARY, DIM, name=name)(ids(text)))
        for name, ids in (("words", words), ("letters", letters))
    ]
    keras.utils.set_random_seed(0)
    return keras.Model(text, layers.Dense(2, activation="tanh")(layers.Concatenate()(ways)))


@pytest.mark.parametrize("trim", ["auto", False])
def test_another_branch_keeps_its_own_width(trim):
    model = helpers.weights_alive(two_vectorizers())
    explanation = tfs.explain(
        model, ["w1 w2 w3 w4", "w5 w6"], embeddings="words", tokenizer=None, trim_padding=trim
    )
    expected = np.asarray(model(tf.constant(["w1 w2 w3 w4", "w5 w6"]))).max(axis=1)
    np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)
    assert explanation.converged.all()
    assert np.abs(explanation.convergence_delta).max() < 1e-2


def test_texts_of_other_widths_are_explained_at_one_width():
    vectorizer = layers.TextVectorization(vocabulary=helpers.WORDS)
    model = keras.Sequential(
        [
            layers.Input((), dtype="string"),
            vectorizer,
            layers.Embedding(VOCABULARY, DIM),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )
    helpers.weights_alive(model)
    texts = ["w1 w2 w3 w4 w5 w6 w7 w8 w9", "w3"]
    method = tfs.IntegratedGradients(steps=4)
    together = tfs.explain(model, texts, method)
    apart = tfs.explain(model, texts, method, batch_size=1)
    np.testing.assert_allclose(apart.scores, together.scores, atol=1e-6)
    np.testing.assert_allclose(
        apart.output, np.asarray(model(tf.constant(texts))).max(1), rtol=1e-5
    )


def test_the_number_of_calls_may_depend_on_the_width():
    class Windows(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = embedding()

        def call(self, ids):
            halves = [ids] if ids.shape[1] <= 4 else [ids[:, :4], ids[:, 4:]]
            return sum(ops.sum(self.embedding(half), axis=(1, 2)) for half in halves)[:, None]

    model = Windows()
    model(np.ones((1, 4), int))
    explainer = tfs.Explainer(model, "gradient_norm")
    for width, calls in ((8, 2), (4, 1), (8, 2)):
        explanation = explainer(np.ones((3, width), int))
        assert len(explanation.segments) == calls
        assert explanation.scores.shape == (3, width)


@pytest.mark.parametrize("target", [lambda o: o[:1, 0], lambda o: tf.reduce_sum(o[:, 0])[None]])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_target_that_mixes_rows(target, batch):
    model = helpers.weights_alive(helpers.sequential_lstm())
    with pytest.raises(ValueError, match="must return one number for each row"):
        tfs.explain(model, helpers.ids(batch), tfs.IntegratedGradients(steps=4), target=target)


def test_a_model_that_assigns_to_a_plain_variable_is_refused():
    class Counting(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding, self.calls = embedding(), tf.Variable(0)

        def call(self, ids):
            self.calls.assign_add(1)
            return ops.sum(self.embedding(ids), axis=1)

    model = Counting()
    model(np.ones((1, 3), int))
    with pytest.raises(ValueError, match=r"changes a `tf.Variable` whenever it runs"):
        tfs.explain(model, np.ones((2, 3), int))
    assert model.calls.numpy() == 1


def test_losses_stay_when_a_baseline_is_looked_up():
    model = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(VOCABULARY, DIM, activity_regularizer="l2"),
            layers.GlobalAveragePooling1D(),
        ]
    )
    model(np.ones((1, 3), int))
    for baseline in (3, "mean"):
        tfs.explain(model, np.ones((1, 3), int), tfs.IntegratedGradients(baseline=baseline))
        assert len(model.losses) == 1


def test_the_mean_is_of_what_the_layer_gives():
    class Scaled(layers.Embedding):
        def call(self, ids):
            return 10 * super().call(ids)

    layer = Scaled(VOCABULARY, DIM)
    model = keras.Sequential(
        [layers.Input((None,), dtype="int32"), layer, layers.GlobalAveragePooling1D()]
    )
    explanation = tfs.explain(model, [[1, 2]], tfs.IntegratedGradients(baseline="mean"), target=0)
    mean = 10 * layer.get_weights()[0].mean(axis=0)
    np.testing.assert_allclose(explanation.baseline_output, mean[0], atol=1e-6)


def test_a_vectorizer_with_a_function_of_the_users():
    vectorizer = layers.TextVectorization(
        vocabulary=helpers.WORDS, output_sequence_length=4, standardize=tf.strings.lower
    )
    model = helpers.weights_alive(helpers.sequential_lstm())
    with pytest.warns(tfs.TruncatedTextWarning):
        explanation = tfs.explain(model, ["W1 w2 w3 w4 w5"], tokenizer=vectorizer)
    assert explanation[0].tokens == ["w1", "w2", "w3", "w4"]


def gated(embeddings):
    """The sum of the embeddings; where the first is large, what is cut off counts as well."""
    total = tf.reduce_sum(embeddings, axis=(1, 2))
    width = tf.cast(tf.shape(embeddings)[1], total.dtype)
    return (total + tf.where(embeddings[:, 0, 0] > 2.0, width * total, 0.0))[:, None]


def test_a_proof_is_kept_and_the_end_of_each_path_still_looked_at():
    batches = []

    def noted(embeddings):
        seen = tf.numpy_function(lambda array: batches.append(array.shape), [embeddings], [])
        with tf.control_dependencies([seen]):
            masked = tf.where(tf.reduce_any(embeddings != 0, 2, keepdims=True), embeddings, 0.0)
            return gated(masked * tf.cast(tf.range(tf.shape(masked)[1]) < 4, "float64")[:, None])

    model = helpers.formula_model(noted, [[0.0], [1.0], [3.0]])
    method = tfs.IntegratedGradients(steps=4)
    explainer = tfs.Explainer(model, method, pad_id=0)
    plain = np.zeros((6, WIDTH), np.int32)
    plain[:, :3] = 1
    explainer(plain)
    proven, batches[:] = len(batches), []
    explainer(plain)
    # The first pass at its full width, then the rows; nothing is proven again.
    assert batches == [(6, WIDTH, 1), (30, 8, 1)]
    assert proven > len(batches)
    odd = plain.copy()
    odd[[1, 4], 0] = 2
    found, batches[:] = explainer(odd), []
    kept = tfs.explain(model, odd, method, pad_id=0, trim_padding=False)
    np.testing.assert_allclose(found.scores, kept.scores, rtol=1e-6)
    np.testing.assert_allclose(found.convergence_delta, kept.convergence_delta, atol=1e-9)


def test_a_rule_that_never_asks_for_the_end_is_looked_at_too():
    model = helpers.formula_model(
        lambda e: gated(e * tf.cast(tf.range(tf.shape(e)[1]) < 4, "float64")[:, None]),
        [[0.0], [1.0], [3.0]],
    )
    method = tfs.IntegratedGradients(steps=4, rule="midpoint")
    explainer = tfs.Explainer(model, method, pad_id=0)
    ids = np.zeros((6, WIDTH), np.int32)
    ids[:, :3] = 1
    explainer(ids)
    ids[[1, 4], 0] = 2
    kept = tfs.explain(model, ids, method, pad_id=0, trim_padding=False)
    np.testing.assert_allclose(explainer(ids).scores, kept.scores, rtol=1e-6)
