"""Trailing padding is cut off where it has no influence, and only there."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.attribution.execution import trimming

VOCABULARY, DIM, WIDTH = 30, 8, 16


def embedding(**keywords):
    initializer = keras.initializers.RandomNormal(stddev=1.0, seed=0)
    return layers.Embedding(VOCABULARY, DIM, embeddings_initializer=initializer, **keywords)


def unmasked(*stack):
    """A model that takes padding for tokens like any other."""
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


class WidthRecorder(layers.Layer):
    """Notes the width of its input whenever it is traced.

    Attributes:
        widths: the number of tokens of each trace.
    """

    def __init__(self):
        super().__init__()
        self.supports_masking = True
        self.widths = []

    def call(self, hidden):
        self.widths.append(hidden.shape[1])
        return hidden


def test_lengths_reach_to_the_last_real_token_of_any_segment():
    first = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    second = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], bool)
    assert trimming.lengths((first, second)).tolist() == [2, 3, 0]


def test_padded_widths_are_few_and_hold_the_lengths():
    lengths = np.arange(101)
    widths = trimming.padded_widths(lengths, 100)
    assert (widths >= lengths).all()
    assert set(widths.tolist()) == {8, 16, 24, 32, 48, 64, 96, 100}
    assert trimming.padded_widths(np.array([3, 5]), 5).tolist() == [5, 5]


@pytest.mark.parametrize(
    "build",
    [
        lambda: saturated(1, "sigmoid"),
        lambda: saturated(2, "softmax"),
        lambda: unmasked(layers.GlobalMaxPooling1D(), layers.Dense(2)),
        lambda: unmasked(layers.Conv1D(4, 3, padding="same"), layers.GlobalMaxPooling1D()),
        lambda: unmasked(layers.Bidirectional(layers.LSTM(4)), layers.Dense(2)),
        lambda: unmasked(layers.GRU(4, return_sequences=True), Last(), layers.Dense(2)),
    ],
    ids=["sigmoid", "softmax", "maximum", "convolution", "bidirectional", "last"],
)
def test_padding_that_has_influence_stays(build):
    model, ids = build(), short_ids()
    # The most confident first: a saturated target hides the influence of its padding.
    ids = ids[np.argsort(-np.asarray(model(ids)).max(axis=1))]
    method = tfs.IntegratedGradients(steps=8)
    keywords = {"pad_id": 0, "target": 0}
    expected = tfs.explain(model, ids, method, trim_padding=False, **keywords)
    explanation = tfs.explain(model, ids, method, **keywords)
    error = np.abs(explanation.scores - expected.scores).sum(1)
    assert (error <= 1e-5 * np.abs(expected.scores).sum(1)).all()


@pytest.mark.parametrize(("trim_padding", "widths"), [("auto", {WIDTH, 8}), (False, {WIDTH})])
def test_padding_that_is_masked_is_cut_off(trim_padding, widths):
    keras.utils.set_random_seed(3)
    recorder = WidthRecorder()
    model = keras.Sequential(
        [layers.Input((None,)), embedding(mask_zero=True), recorder, layers.GRU(4)]
    )
    method = tfs.IntegratedGradients(steps=2)
    explainer = tfs.Explainer(model, method, target=0, trim_padding=trim_padding)
    explanation = explainer(short_ids())
    # None: the model is traced once at an open width, to find the embedding.
    assert set(recorder.widths) - {None} == widths
    assert explanation.scores.shape == (40, WIDTH)


def test_a_model_of_one_width_keeps_its_padding():
    model = helpers.weights_alive(helpers.functional_with_mask())
    inputs = helpers.ids(), (helpers.ids() != 0).astype(np.int32)
    method = tfs.IntegratedGradients(steps=8)
    expected = tfs.explain(model, inputs, method, trim_padding=False).scores
    np.testing.assert_allclose(tfs.explain(model, inputs, method).scores, expected, atol=1e-6)


def test_array_baselines_that_differ_in_later_examples():
    model = unmasked(layers.GlobalMaxPooling1D(), layers.Dense(1))
    ids = short_ids(64)
    start = np.zeros((64, WIDTH, DIM))
    start[40:, 12:] = 3.0
    method = tfs.IntegratedGradients(steps=8, baseline=start)
    expected = tfs.explain(model, ids, method, pad_id=0, trim_padding=False).scores
    scores = tfs.explain(model, ids, method, pad_id=0).scores
    np.testing.assert_allclose(scores, expected, atol=1e-5 * np.abs(expected).max())


def test_few_traces_for_many_lengths():
    recorder = WidthRecorder()
    model = keras.Sequential(
        [layers.Input((None,)), embedding(mask_zero=True), recorder, layers.LSTM(6)]
    )
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=2))
    ids = np.ones((128, 128), np.int32)
    ids[np.arange(128) >= np.arange(1, 129)[:, None]] = 0
    explainer(ids)
    assert len(set(recorder.widths) - {None}) <= 8
    # Each width has a graph of its rows, and one of the forward passes that prove it.
    assert explainer.trace_count <= 2 * 8 + 2
    before = explainer.trace_count
    explainer(ids[::3])
    explainer(ids[5:90])
    assert explainer.trace_count == before


class TestExamplesForWhichAProofIsWrong:
    """Padding is proven idle with some examples; others at that width are checked at their end."""

    METHOD = tfs.IntegratedGradients(steps=4)
    TABLE = ((0.0,), (1.0,), (3.0,))

    @staticmethod
    def gated(embeddings):
        """The sum of the first tokens; where the first is large, the width counts as well."""
        width = tf.shape(embeddings)[1]
        embeddings *= tf.cast(tf.range(width) < 4, embeddings.dtype)[:, None]
        total = tf.reduce_sum(embeddings, axis=(1, 2))
        gate = tf.where(embeddings[:, 0, 0] > 2.0, tf.cast(width, total.dtype) * total, 0.0)
        return (total + gate)[:, None]

    @staticmethod
    def usual_and_exceptional_ids():
        usual = np.zeros((6, WIDTH), np.int32)
        usual[:, :3] = 1
        exceptional = usual.copy()
        exceptional[[1, 4], 0] = 2
        return usual, exceptional

    def test_their_padding_stays(self):
        model = helpers.formula_model(self.gated, self.TABLE)
        explainer = tfs.Explainer(model, self.METHOD, pad_id=0)
        usual, exceptional = self.usual_and_exceptional_ids()
        explainer(usual)
        explanation = explainer(exceptional)
        expected = tfs.explain(model, exceptional, self.METHOD, pad_id=0, trim_padding=False)
        np.testing.assert_allclose(explanation.scores, expected.scores, rtol=1e-6)
        np.testing.assert_allclose(
            explanation.convergence_delta, expected.convergence_delta, atol=1e-9
        )

    def test_their_padding_stays_with_a_rule_that_leaves_the_end_out(self):
        model = helpers.formula_model(self.gated, self.TABLE)
        method = tfs.IntegratedGradients(steps=4, rule="midpoint")
        explainer = tfs.Explainer(model, method, pad_id=0)
        usual, exceptional = self.usual_and_exceptional_ids()
        explainer(usual)
        expected = tfs.explain(model, exceptional, method, pad_id=0, trim_padding=False)
        np.testing.assert_allclose(explainer(exceptional).scores, expected.scores, rtol=1e-6)

    def test_a_proof_is_kept(self, recorded):
        formula = recorded(self.gated)
        explainer = tfs.Explainer(helpers.formula_model(formula, self.TABLE), self.METHOD, pad_id=0)
        usual, _ = self.usual_and_exceptional_ids()
        explainer(usual)
        first = len(formula.batches)
        formula.batches.clear()
        explainer(usual)
        # A forward pass at full width, then the rows: nothing is proven again.
        assert [batch.shape for batch in formula.batches] == [(6, WIDTH, 1), (30, 8, 1)]
        assert first > 2
