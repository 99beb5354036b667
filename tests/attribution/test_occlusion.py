"""Occlusion: what a token's absence does, and that it is sequential integrated gradients."""

import half_precision
import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
import training
from keras import layers

import tf_salience as tfs
from tf_salience.models.text_model import TextModel
from tf_salience.tokenizers import subwords
from tf_salience.tokenizers.tokenizer import Tokenizer

TABLE = np.array([[0.0], [1.0], [-2.0], [4.0], [8.0]], np.float32)
IDS = np.array([[1, 2, 3, 4], [4, 4, 1, 2]])


def scores_of(formula, ids=IDS, **options):
    model = helpers.formula_model(lambda x: formula(x)[:, None], TABLE)
    return tfs.explain(model, ids, tfs.Occlusion(**options)).scores


def total(x):
    return tf.reduce_sum(x, (1, 2))


class TestByHand:
    def test_of_a_sum_a_token_s_score_is_its_value(self):
        np.testing.assert_allclose(scores_of(total), TABLE[IDS, 0])

    def test_of_a_square_it_is_the_fall(self):
        values = TABLE[IDS, 0]
        whole = values.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(
            scores_of(lambda x: total(x) ** 2), whole**2 - (whole - values) ** 2
        )

    def test_the_baseline_is_what_a_token_becomes(self):
        np.testing.assert_allclose(scores_of(total, baseline=3), TABLE[IDS, 0] - 4.0)
        np.testing.assert_allclose(scores_of(total, baseline=[0.5]), TABLE[IDS, 0] - 0.5)

    def test_kept_tokens_score_nothing(self):
        expected = np.where(IDS == 4, 0.0, TABLE[IDS, 0])
        np.testing.assert_allclose(scores_of(total, keep_ids=[4]), expected)

    def test_a_span_s_score_is_the_mean_of_the_falls_it_is_in(self):
        # Of 1, -2, 4, 8 the spans of two fall by -1, 2, 12.
        np.testing.assert_allclose(scores_of(total, span=2)[0], [-1.0, 0.5, 7.0, 12.0])

    def test_a_span_longer_than_the_text_is_all_of_it(self):
        np.testing.assert_allclose(
            scores_of(total, span=9), TABLE[IDS, 0].sum(1)[:, None] + [[0] * 4]
        )

    def test_no_gradient_is_needed(self):
        scores = scores_of(lambda x: tf.round(total(x)))
        np.testing.assert_allclose(scores, TABLE[IDS, 0])

    def test_one_forward_pass_a_token_and_one_for_the_whole(self):
        model = helpers.sequential_lstm()
        ids = np.array([[3, 4, 5, 0], [3, 4, 5, 6]])
        evaluations = tfs.explain(model, ids, "occlusion").evaluations
        # All padding is one more.
        assert evaluations.tolist() == [5, 5]


def sequential_integrated_gradients(model, inputs, nodes=24):
    """Computes the scores of Enguehard 2023, equation 2, summed over `dim`, straightforwardly.

    The path of token i leads from the input with i at zero to the input; the gradients with respect
    to token i along it are integrated by Gauss-Legendre, one token after the other.
    """
    hooked = TextModel.from_arguments(model).hooked
    tensors = (
        tf.constant(inputs)
        if isinstance(inputs, list)
        else tf.nest.map_structure(tf.constant, inputs)
    )
    forward = hooked.record(tensors)
    true = [segment.embeddings for segment in forward.segments]
    classes = tf.argmax(forward.outputs, axis=1)

    def gradients(points):
        queue = list(points)
        with tf.GradientTape() as tape:
            tape.watch(points)
            outputs = hooked.run_with(tensors, forward.vectorized, lambda layer, true: queue.pop(0))
            target = tf.reduce_sum(tf.gather(outputs, classes, axis=1, batch_dims=1))
        return tape.gradient(target, points)

    places, weights = np.polynomial.legendre.leggauss(nodes)
    gradients = tf.function(gradients, autograph=False)
    scores = []
    for number, embeddings in enumerate(true):
        columns = []
        for token in range(embeddings.shape[1]):
            here = tf.one_hot(token, embeddings.shape[1])[None, :, None]
            integral = 0.0
            for node, weight in zip((places + 1) / 2, weights / 2, strict=True):
                point = embeddings * (1.0 - here) + float(node) * embeddings * here
                points = [*true[:number], point, *true[number + 1 :]]
                integral += gradients(points)[number][:, token] * weight
            columns.append(tf.reduce_sum(integral * embeddings[:, token], axis=-1))
        scores.append(np.stack(columns, axis=1))
    return scores, forward


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("sequential_lstm", lambda: helpers.ids(3)),
        ("functional_with_mask", lambda: (helpers.ids(3), (helpers.ids(3) != 0).astype(np.int32))),
        ("text_model", lambda: helpers.texts(3)),
        ("two_segments", lambda: {"premise": helpers.ids(3), "hypothesis": helpers.ids(3, 6, 5)}),
    ],
)
def test_it_equals_sequential_integrated_gradients(name, inputs):
    model = helpers.weights_alive(getattr(helpers, name)(), 0.4)
    explanation = tfs.explain(model, inputs(), "occlusion")
    expected, _ = sequential_integrated_gradients(model, inputs())
    # Keras calls the segments in an order of its own; their widths tell which is which.
    expected = {scores.shape[1]: scores for scores in expected}
    for columns in explanation.segments.values():
        scores, mask = explanation.scores[:, columns], explanation.mask[:, columns]
        reference = expected[scores.shape[1]]
        np.testing.assert_allclose(scores[mask], reference[mask], atol=2e-4)


class TestUnits:
    PIECES = Tokenizer(
        vocabulary=["[PAD]", "[CLS]", "play", "##ing", "a", "song", "##s", "[SEP]"],
        read_subword=subwords.word_piece("##"),
        special_ids=frozenset([0, 1, 7]),
        pad_id=0,
    )
    IDS = np.array([[1, 2, 3, 4, 5, 6, 7, 0], [1, 3, 6, 7, 2, 2, 0, 0], [0, 0, 2, 3, 3, 4, 5, 6]])

    def test_words_are_those_of_the_shown_tokens(self):
        mask = self.IDS != 0
        numbers = self.PIECES.word_numbers(tf.constant(self.IDS), tf.constant(mask)).numpy()
        assert (numbers[~mask] == -1).all()
        for row, ids, real in zip(numbers, self.IDS, mask, strict=True):
            _, words = self.PIECES.token_strings(ids[real])
            starts = np.diff(row[real], prepend=-1) > 0
            # Special tokens are words of their own here, and none for a reader.
            shown = np.array(words)
            expected = (np.diff(shown, prepend=-2) != 0) | (shown == -1)
            np.testing.assert_array_equal(starts, expected)

    def test_the_pieces_of_a_word_share_its_fall(self):
        keras_hub = pytest.importorskip("keras_hub")
        tokenizer = keras_hub.tokenizers.WordPieceTokenizer(
            ["[PAD]", "[UNK]", "play", "##ing", "a", "song", "##s"], sequence_length=6
        )
        keras.utils.set_random_seed(0)
        ids = layers.Input((6,), dtype="int32")
        hidden = layers.GRU(5)(layers.Embedding(7, 4, mask_zero=True)(ids))
        model = helpers.weights_alive(keras.Model(ids, layers.Dense(2)(hidden)))
        texts = ["playing a song", "songs"]
        explainer = tfs.Explainer(model, tfs.Occlusion(unit="word"), tokenizer=tokenizer)
        explanation = explainer(texts)
        assert explanation.tokens == [["play", "ing", "a", "song"], ["song", "s"]]
        erased = np.zeros((2, 2, 6), bool)
        erased[1, :, :2] = True
        whole, without = explainer.without(texts, erased)
        first_words = [salience.scores[0] for salience in explanation.merged()]
        np.testing.assert_allclose(first_words, whole - without, rtol=1e-4, atol=1e-6)
        assert explanation.scores[0, 0] == explanation.scores[0, 1]
        assert explanation.evaluations.tolist() == [5, 3]


def test_padding_that_is_not_masked_is_one_unit():
    model = helpers.weights_alive(helpers.convolution())
    ids = helpers.ids(4)
    explainer = tfs.Explainer(model, "occlusion", pad_id=0)
    with pytest.warns(tfs.UnmaskedPaddingWarning):
        explanation = explainer(ids)
    whole, without = explainer.without(ids, np.stack([ids < 0, ids == 0]))
    np.testing.assert_allclose(explanation.padding_salience, whole - without, atol=1e-5)
    assert explanation.padding_salience.any()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    twins = half_precision.Twins("pooled", "softmax", 0.0, policy)
    embeddings = np.asarray(twins._embed(twins.ids))
    whole = np.asarray(twins._rest(embeddings))[:, 0]
    tokens = embeddings.shape[1]
    falls = [
        whole - np.asarray(twins._rest(embeddings * (np.arange(tokens) != token)[:, None]))[:, 0]
        for token in range(tokens)
    ]
    scores = tfs.explain(twins.model, twins.ids, "occlusion", target=0).scores
    allowed = {"mixed_float16": 0.1, "mixed_bfloat16": 0.6}[policy]
    assert half_precision.relative_error(scores, np.stack(falls, axis=1)) < allowed


def test_each_token_of_a_tagger():
    ids = layers.Input((None,), dtype="int32")
    hidden = layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True)(ids)
    hidden = layers.GRU(5, return_sequences=True)(hidden)
    model = helpers.weights_alive(keras.Model(ids, layers.Dense(4)(hidden)))
    explainer = tfs.Explainer(model, "occlusion", target=tfs.targets.Position(0))
    (matrix, *_) = explainer.matrix(helpers.ids(2))
    # A GRU reads forwards: a later token does nothing to an earlier tag.
    assert not np.triu(matrix.scores, 1).any()
    assert np.diag(matrix.scores).all()


def test_in_a_logger(tmp_path):
    model = training.compiled_model()
    logger = tfs.SalienceLogger(tmp_path, training.PROBES, method="occlusion", on_error="raise")
    training.fit(model, [logger], epochs=1)
    record = tfs.read_log(tmp_path)[-1]
    assert record["method"] == "occlusion"
    expected = tfs.explain(model, training.PROBES, "occlusion")[-1].scores
    assert record["scores"] == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"span": 0}, ValueError, "`span` must be a positive integer. Received: span=0"),
        ({"span": 1.5}, TypeError, "`span` must be a positive integer. Received: span=1.5"),
        ({"unit": "words"}, ValueError, "`unit` must be one of.*Did you mean 'word'"),
        ({"baseline": None}, TypeError, "`baseline` must be 'zeros'"),
        ({"keep_ids": ["a"]}, TypeError, "`keep_ids` must be a sequence of integers"),
    ],
)
def test_arguments(options, error, message):
    with pytest.raises(error, match=message):
        tfs.Occlusion(**options)


def test_it_is_restored_from_its_config():
    method = tfs.Occlusion(baseline="mean", span=2, unit="word", keep_ids=[3])
    assert tfs.Occlusion.from_config(method.get_config()) == method
