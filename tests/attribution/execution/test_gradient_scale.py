"""Scales of the target, by which float16 has gradients where it would lose them."""

import functools
import warnings

import half_precision
import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from half_precision import EXTREME, SATURATED, Twins, relative_error

import tf_salience as tfs
from tf_salience.attribution.execution.compilation import AutoJit
from tf_salience.attribution.execution.gradient_scale import ScaledRuns, first_scales
from tf_salience.attribution.path import RowResults

MIDPOINT = tfs.IntegratedGradients(steps=16, rule="midpoint")
METHODS = {
    "gradient_norm": "gradient_norm",
    "gradient_dot_input": "gradient_dot_input",
    "integrated_gradients": MIDPOINT,
}
TWINS = [
    ("pooled", "sigmoid", SATURATED),
    ("pooled", "softmax", EXTREME),
    ("attention over 256 tokens", "softmax", SATURATED),
    ("attention over 256 tokens", "sigmoid", EXTREME),
    ("lstm", "sigmoid", EXTREME),
]


@pytest.fixture(scope="module", params=TWINS, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")
def twins(request):
    return Twins(*request.param)


@pytest.mark.filterwarnings("error::tf_salience.GradientUnderflowWarning")
class TestSaturatedModels:
    @pytest.mark.parametrize("method", METHODS)
    def test_scores_are_those_of_float32(self, twins, method):
        scores = tfs.explain(twins.model, twins.ids, METHODS[method], target=0).scores
        # 0.52 % at most, on a CPU whose float16 products round differently from the others'.
        assert relative_error(scores, twins.scores(method)) < 6e-3

    def test_chunks_do_not_matter(self, twins):
        whole = tfs.explain(twins.model, twins.ids, MIDPOINT, target=0).scores
        parts = tfs.explain(twins.model, twins.ids, MIDPOINT, target=0, max_rows=7).scores
        assert relative_error(parts, whole) < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gradient_norm", "gradient_dot_input"])
@pytest.mark.parametrize("bias", [0.0, SATURATED])
def test_a_deep_stack(method, bias):
    twins = Twins("deep", "sigmoid", bias)
    scores = tfs.explain(twins.model, twins.ids, method).scores
    assert relative_error(scores, twins.scores(method)) < 1e-2


def test_without_scales_the_cases_are_wrong():
    """Otherwise the tests above would say nothing."""
    twins = Twins("attention over 256 tokens", "sigmoid", EXTREME)
    embeddings = tf.cast(twins.model.layers[1](twins.ids), tf.float16)
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        target = tf.reduce_sum(twins.model.layers[2](embeddings))
    norms = np.linalg.norm(tape.gradient(target, embeddings).numpy().astype(float), axis=-1)
    assert relative_error(norms, twins.scores("gradient_norm")) > 0.09


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_only_float16_is_scaled(policy, monkeypatch):
    twins = Twins("pooled", "sigmoid", SATURATED, policy)
    scales = []
    call = AutoJit.__call__

    def noted(function, *chunks):
        scales.extend(chunk[-1].max() for chunk in chunks)
        return call(function, *chunks)

    monkeypatch.setattr(AutoJit, "__call__", noted)
    scores = tfs.explain(twins.model, twins.ids, "gradient_norm").scores
    assert (max(scales) > 1) == (policy == "mixed_float16")
    assert len(scales) == 1 or policy == "mixed_float16"
    # bfloat16 has the range of float32, and fewer digits.
    tolerance = 5e-2 if policy == "mixed_bfloat16" else 5e-3
    assert relative_error(scores, twins.scores("gradient_norm")) < tolerance


def steep_and_flat():
    return helpers.formula_model(half_precision.steep_and_flat, half_precision.STEEP_TABLE)


@pytest.mark.filterwarnings("error::tf_salience.GradientUnderflowWarning")
@pytest.mark.parametrize("max_rows", ["auto", 1, 3])
def test_a_row_that_overflows_beside_one_that_underflows(max_rows):
    explainer = tfs.Explainer(steep_and_flat(), "gradient_norm", max_rows=max_rows)
    expected = np.tile(half_precision.STEEP_GRADIENTS[:, None] * np.sqrt(2.0), 3)
    for _ in range(2):  # The second call starts where the first one ended.
        scores = explainer(half_precision.STEEP_IDS).scores
        np.testing.assert_allclose(scores, expected, rtol=1e-6)


class TestUnderflow:
    @staticmethod
    def model(flat):
        """A model in float16 whose gradient is 2 after the word 1, and else this."""
        formula = functools.partial(half_precision.steep_and_flat, steep=2.0, flat=flat)
        return helpers.formula_model(formula, half_precision.STEEP_TABLE)

    @pytest.mark.filterwarnings("ignore::tf_salience.NotConvergedWarning")
    @pytest.mark.parametrize("method", ["gradient_norm", "integrated_gradients"])
    def test_gradients_that_no_scale_reaches_are_told_by_example(self, method):
        model = self.model(2.0**-46)
        with pytest.warns(
            tfs.GradientUnderflowWarning, match=r"examples 1, 3 are .*float32"
        ) as caught:
            explanation = tfs.explain(model, half_precision.STEEP_IDS, method)
        assert len([w for w in caught if w.category is tfs.GradientUnderflowWarning]) == 1
        assert (np.abs(explanation.scores[[0, 2]]).sum(axis=1) > 1).all()

    def test_small_gradients_that_a_scale_reaches_are_not(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error", tfs.GradientUnderflowWarning)
            scores = tfs.explain(
                self.model(2.0**-24), half_precision.STEEP_IDS, "gradient_norm"
            ).scores
        np.testing.assert_allclose(scores[1], 2.0**-24 * np.sqrt(2.0), rtol=1e-6)

    def test_an_example_without_tokens_is_not(self):
        keras.utils.set_random_seed(0)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_float16")
        try:
            model = helpers.sequential_lstm()
        finally:
            keras.config.set_dtype_policy(before)
        ids = np.array([[3, 4], [0, 0]], np.int32)
        with pytest.warns(tfs.NoTokensWarning) as caught:
            tfs.explain(model, ids, "gradient_norm")
        assert tfs.GradientUnderflowWarning not in {warning.category for warning in caught}

    def test_a_gradient_that_is_infinite_is_an_error_as_ever(self):
        model = helpers.formula_model(
            lambda x: tf.sqrt(tf.reduce_sum(x, axis=(1, 2)) * 0.0)[:, None],
            half_precision.STEEP_TABLE,
        )
        with pytest.raises(ValueError, match="gradients along the path must be finite"):
            tfs.explain(model, half_precision.STEEP_IDS, "gradient_norm")


class TestRowScales:
    EXAMPLE = np.array([0, 0, 1, 2], np.int32)

    @pytest.mark.parametrize("convert", [np.asarray, tf.constant], ids=["numpy", "tensors"])
    def test_rows_are_adjusted_by_themselves(self, convert):
        scales = first_scales(convert(np.zeros(4)))
        start = float(scales.values[0])
        # Of example 0 a row is large enough, so the other may be small.
        largest = np.array([1.0, 0.0, 0.0, 1e-9], np.float32)
        finite = np.array([True, True, False, True])
        adjusted = scales.adjusted(convert(finite), convert(largest), convert(self.EXAMPLE))
        values = np.asarray(adjusted.values)
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values / start, [1, 1, 2.0**-8, 2.0**8])
        # A scale that overflowed is not tried again.
        again = adjusted.adjusted(
            convert(np.ones(4, bool)), convert(0 * largest), convert(self.EXAMPLE)
        )
        assert float(again.values[2]) == values[2]
        assert float(again.values[3]) == values[3] * 2.0**8

    def test_scales_are_powers_of_two_and_end(self):
        for finite in (True, False):
            scales = first_scales(np.zeros(1))
            for _ in range(12):
                last = scales
                scales = scales.adjusted(
                    np.array([finite]), np.zeros(1, np.float32), np.zeros(1, np.int32)
                )
                assert np.log2(scales.values) % 1 == 0
            np.testing.assert_array_equal(scales.values, last.values)


class TestScaledRuns:
    """A computation of gradients of a known size, in which 2¹⁶ is the end of the range."""

    def runs(self, sizes, *, uses_float16=True):
        self.scales = []

        def integrate(*chunks):
            results = []
            for _, example, _, _, scale in chunks:
                self.scales.append(scale.tolist())
                size = np.asarray(sizes, np.float32)[example]
                finite = size * scale < 2.0**16
                zeros = np.zeros(len(scale), np.float32)
                results.append(RowResults(zeros, zeros, finite, np.where(finite, size, 0.0)))
            return results

        return ScaledRuns(integrate, uses_float16=uses_float16)

    @staticmethod
    def chunk(rows):
        return (None, np.arange(rows, dtype=np.int32), np.ones(rows), np.ones((rows, 1)))

    def test_each_row_ends_in_the_range(self):
        sizes = [1.0, 1e-7, 1e4, 1e-12, 2000.0]
        ((results, resolution),) = self.runs(sizes)([self.chunk(5)])
        scale = np.array(self.scales[-1])
        assert results.finite.all()
        assert (sizes * scale >= 2.0**-12).all()
        assert (sizes * scale < 2.0**16).all()
        np.testing.assert_allclose(resolution * scale, 2.0**-12)

    def test_the_next_chunk_starts_where_most_rows_ended(self):
        run = self.runs([1e-7, 1e-7, 1.0])
        run([self.chunk(3)])
        first = len(self.scales)
        run([self.chunk(2)])
        assert first > 1
        assert len(self.scales) == first + 1
        assert self.scales[-1] == self.scales[first - 1][:2]

    def test_chunks_of_several_replicas_have_scales_of_their_own(self):
        run = self.runs([1e-7, 1.0])
        second = (None, np.ones(1, np.int32), np.ones(1), np.ones((1, 1)))
        results = run([self.chunk(1), second])
        assert len(results) == 2
        assert self.scales[-2] != self.scales[-1]

    def test_without_float16_there_is_one_run_of_the_target_as_it_is(self):
        ((_, resolution),) = self.runs([1e-7, 1e30], uses_float16=False)([self.chunk(2)])
        assert self.scales == [[1.0, 1.0]]
        assert not resolution.any()
