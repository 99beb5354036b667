"""From attributions to explanations: tokens, segments, and the parts of a call joined."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.explainer import assembly


class Pair(keras.Model):
    """A subclassed model of a dict, which calls its embedding twice."""

    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(helpers.VOCABULARY, 8)
        self.head = layers.Dense(1, use_bias=False)

    def call(self, inputs):
        premise = ops.mean(self.embedding(inputs["premise"]), axis=1)
        hypothesis = ops.mean(self.embedding(inputs["hypothesis"]), axis=1)
        return self.head(ops.concatenate([premise, hypothesis], axis=-1))


def test_segments_of_the_same_ids_are_told_apart():
    model, ids = Pair(), np.array([[1, 2, 3, 4]])
    inputs = {"premise": ids, "hypothesis": ids}
    model(inputs)
    salience = tfs.explain(model, inputs, "gradient_dot_input")[0]
    vectors = np.asarray(model.embedding(ids))[0]
    kernel = model.head.get_weights()[0][:, 0]
    for name, weights in (("premise", kernel[:8]), ("hypothesis", kernel[8:])):
        scores = salience.scores[salience.segments[name]]
        np.testing.assert_allclose(scores, vectors @ weights / 4, rtol=1e-5)
    assert list(salience.segments) == ["premise", "hypothesis"]


def test_tokens_of_a_vectorizer_with_a_function_of_the_users():
    vectorizer = layers.TextVectorization(
        vocabulary=helpers.WORDS, output_sequence_length=4, standardize=tf.strings.lower
    )
    model = helpers.weights_alive(helpers.sequential_lstm())
    with pytest.warns(tfs.TruncatedTextWarning):
        explanation = tfs.explain(model, ["W1 w2 w3 w4 w5"], tokenizer=vectorizer)
    assert explanation[0].tokens == ["w1", "w2", "w3", "w4"]


def test_tokens_without_ids_are_positions():
    class Hidden(keras.Model):
        """A model of vectors, so the layer that is explained has no ids."""

        def __init__(self):
            super().__init__()
            self.dense, self.head = layers.Dense(4, name="projection"), layers.Dense(2)

        def call(self, vectors):
            return self.head(ops.mean(self.dense(vectors), axis=1))

    model = Hidden()
    vectors = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)
    model(vectors)
    explanation = tfs.explain(model, vectors, "gradient_norm", embeddings="projection")
    assert explanation.tokens == [["#0", "#1", "#2"]] * 2


@pytest.fixture(scope="module")
def parts_and_whole():
    """Explanations of three examples of 6 tokens and of three of 10, and of all six together."""
    model = helpers.weights_alive(helpers.two_segments())
    inputs = {"premise": helpers.ids(), "hypothesis": helpers.ids(seed=5)}
    inputs["premise"][:3, 6:] = 0
    method = tfs.IntegratedGradients(steps=4)
    explainer = tfs.Explainer(model, method, class_names=["joy", "fear", "rage"])
    first = {"premise": inputs["premise"][:3, :6], "hypothesis": inputs["hypothesis"][:3]}
    last = {name: ids[3:] for name, ids in inputs.items()}
    return [explainer(first), explainer(last)], explainer(inputs)


class TestJoin:
    def test_explanations_of_several_widths_are_those_of_one_call(self, parts_and_whole):
        parts, whole = parts_and_whole
        joined = assembly.join(parts)
        assert joined.segments == whole.segments
        assert joined.tokens == whole.tokens
        assert joined.target_name == whole.target_name
        assert joined.config == whole.config
        np.testing.assert_array_equal(joined.mask, whole.mask)
        scale = np.abs(whole.scores).max()
        for name in (
            "scores",
            "target",
            "output",
            "baseline_output",
            "convergence_delta",
            "evaluations",
        ):
            np.testing.assert_allclose(
                getattr(joined, name), getattr(whole, name), atol=1e-5 * scale, err_msg=name
            )
        assert joined.converged is None

    def test_one_explanation_is_itself(self, parts_and_whole):
        (first, _), _ = parts_and_whole
        assert assembly.join([first]) is first


class TestPadding:
    """A model that does not mask its padding: that is said once, and only then."""

    IDS = np.array([[3, 4, 5, 0, 0, 0], [6, 7, 8, 9, 10, 11], [3, 0, 0, 0, 0, 0]], np.int32)

    def average(self, *, mask_zero, loses_mask=False):
        ids = keras.Input((6,), dtype="int32")
        hidden = layers.Embedding(helpers.VOCABULARY, 8, mask_zero=mask_zero)(ids)
        if loses_mask:
            hidden = layers.Lambda(lambda vectors: vectors * 1.5)(hidden)
        pooled = layers.GlobalAveragePooling1D()(hidden)
        return helpers.weights_alive(keras.Model(ids, layers.Dense(1)(pooled)))

    @pytest.mark.parametrize(
        "method", ["gradient_norm", "gradient_dot_input", "integrated_gradients"]
    )
    def test_a_lost_mask_is_told_with_the_examples(self, method):
        model = self.average(mask_zero=True, loses_mask=True)
        with pytest.warns(
            tfs.UnmaskedPaddingWarning, match="does not mask its padding.*examples 0, 2"
        ) as warned:
            explanation = tfs.explain(model, self.IDS, method, pad_id=0)
        assert len([w for w in warned if w.category is tfs.UnmaskedPaddingWarning]) == 1
        assert "padding" in str(explanation[0])
        assert "padding" not in str(explanation[1])

    def test_the_tokens_and_the_padding_add_up(self):
        with pytest.warns(tfs.UnmaskedPaddingWarning):
            explanation = tfs.explain(self.average(mask_zero=False), self.IDS, pad_id=0)
        for salience in explanation:
            total = salience.scores.sum() + salience.padding_salience
            expected = salience.output - salience.baseline_output + salience.convergence_delta
            np.testing.assert_allclose(total, expected, rtol=1e-5, atol=1e-6)
        # The average of six vectors, of which padding is half, then none, then five.
        norms = tfs.explain(self.average(mask_zero=False), self.IDS, "gradient_norm", pad_id=0)
        np.testing.assert_allclose(norms.padding_share, [3 / 6, 0, 5 / 6], rtol=1e-5)

    @pytest.mark.parametrize(
        "method", ["gradient_norm", "gradient_dot_input", "integrated_gradients"]
    )
    def test_a_model_that_masks_is_not_named(self, method, recwarn):
        explanation = tfs.explain(self.average(mask_zero=True), self.IDS, method)
        assert not [w for w in recwarn if w.category is tfs.UnmaskedPaddingWarning]
        assert not explanation.padding_salience.any()
