"""The path of a request, run in chunks by a loop of the graph."""

import contextlib

import half_precision
import helpers
import numpy as np
import pytest
import serving
import tensorflow as tf
from serving import ids, request

import tf_salience as tfs
from tf_salience.attribution.methods import dot
from tf_salience.attribution.path import PathGradients, PathInputs
from tf_salience.export.erased_loop import ErasedLoop
from tf_salience.export.graph_path import ChunkLoop, GraphPath
from tf_salience.models.text_model import TextModel

PATHS = [
    {"baseline": "mean"},
    {"baseline": 1, "keep_ids": [2, 3]},
    {"baseline": np.linspace(-1, 1, 8)},
    {"baseline": lambda embeddings: 0.5 * embeddings},
    {"rule": "midpoint", "steps": 9},
    {"rule": "lit", "steps": 9},
    {"rule": "gauss_legendre", "steps": 5},
    {"steps": 7},
    {"max_steps": 8, "tolerance": 1e-9},
]
CHUNKS = [{}, {"max_rows": 1}, {"max_rows": 8, "jit_compile": True}, {"max_rows": 7}]


@pytest.mark.parametrize(
    ("path", "chunks"),
    # Each path with every second kind of chunks.
    [
        (path, chunks)
        for path_number, path in enumerate(PATHS)
        for chunk_number, chunks in enumerate(CHUNKS)
        if (path_number + chunk_number) % 2 == 0
    ],
    ids=helpers.printed,
)
def test_scores_are_the_live_ones_in_any_chunks(models, tmp_path, path, chunks):
    model, method = models("convolution"), tfs.IntegratedGradients(**path)
    folder = tfs.export_saved_model(model, tmp_path / "m", method=method, **chunks)
    results = request(serving.load(folder), inputs=ids())
    warns = pytest.warns(tfs.NotConvergedWarning)
    with warns if "max_steps" in path else contextlib.nullcontext():
        live = tfs.explain(model, ids(), method)
    assert ("error_estimate" in results) or live.error_estimate is None
    for name in ("scores", "baseline_output", "convergence_delta", "error_estimate"):
        if getattr(live, name) is not None:
            np.testing.assert_allclose(results[name], getattr(live, name), atol=1e-5)
    if path.get("steps", "auto") == "auto":
        np.testing.assert_array_equal(results["converged"], live.converged)
        np.testing.assert_array_equal(results["evaluations"], live.evaluations)


class TestFloat16:
    """The graph scales the target as the live explainer does."""

    def served(self, model, tmp_path, method, ids, **options):
        folder = tfs.export_saved_model(model, tmp_path / "m", method=method, target=0, **options)
        return request(serving.load(folder), inputs=tf.constant(ids))["scores"]

    @pytest.mark.parametrize("method", ["gradient_norm", tfs.IntegratedGradients(steps=8)])
    def test_a_saturated_model_has_the_scores_of_float32(self, tmp_path, method):
        twins = half_precision.Twins("pooled", "softmax", half_precision.EXTREME)
        scores = self.served(twins.model, tmp_path, method, twins.ids, max_rows=16)
        live = tfs.explain(twins.model, twins.ids, method, target=0).scores
        assert half_precision.relative_error(scores, live) < 2e-3
        if method == "gradient_norm":
            assert half_precision.relative_error(scores, twins.scores(method)) < 5e-3

    @pytest.mark.parametrize("options", [{}, {"max_rows": 3}, {"jit_compile": True}])
    def test_a_row_that_overflows_beside_one_that_underflows(self, tmp_path, options):
        model = helpers.formula_model(half_precision.steep_and_flat, half_precision.STEEP_TABLE)
        ids = half_precision.STEEP_IDS
        scores = self.served(model, tmp_path, "gradient_norm", ids, **options)
        expected = np.tile(half_precision.STEEP_GRADIENTS[:, None] * np.sqrt(2.0), 3)
        np.testing.assert_allclose(scores, expected, rtol=1e-6)


class TestGraphPath:
    """F(x) = (sum of x)², of tokens of one dimension with the values of their ids."""

    TABLE = np.arange(4, dtype=np.float32)[:, None]
    IDS = np.array([[1, 2], [3, 0], [2, 2]], np.int32)

    def path(self, rows):
        model = helpers.formula_model(lambda x: tf.reduce_sum(x, (1, 2))[:, None] ** 2, self.TABLE)
        text_model = TextModel.from_arguments(model)
        score = text_model.score(tfs.targets.get(lambda outputs: outputs[:, 0]))
        gradients = PathGradients(text_model.hooked, score, dot)
        loop = ChunkLoop(gradients, lambda _: tf.constant(rows), jit_compile=False)
        inputs = PathInputs(
            nest=tf.constant(self.IDS),
            vectorized=(),
            target_indices=tf.zeros((3, 0), tf.int32),
            baselines=(tf.zeros((1, 1, 1)),),
        )
        outputs = tf.constant([9.0, 9.0, 16.0], tf.float64)
        return GraphPath(
            loop,
            inputs,
            outputs,
            tf.constant(2),
            erased_loop=ErasedLoop(gradients, lambda _: tf.constant(rows), jit_compile=False),
            units=[tf.constant([[0, 1]] * 3)],
        )

    def integrate(self, rows, examples, nodes, weights):
        """`integrate`, called inside a graph."""
        path = self.path(rows)
        nodes, weights = np.array(nodes), np.array(weights)
        function = tf.function(
            lambda: path.integrate(tf.constant(examples, tf.int32), nodes, weights), autograph=False
        )
        return function()

    @pytest.mark.parametrize("rows", [1, 2, 4, 100])
    def test_weighted_sums_and_targets(self, rows):
        nodes = np.array([0.0, 0.5, 1.0])
        sums, targets = self.integrate(rows, [0, 1, 2], nodes, [[0, 1.0, 0], [0.25, 0.5, 0.25]])
        # The score of a token is 2 · node · (sum of x) · x.
        totals = self.IDS.sum(1)[:, None]
        assert sums.dtype == targets.dtype == tf.float64
        np.testing.assert_allclose(sums[:, 0], totals * self.IDS, rtol=1e-6)
        np.testing.assert_allclose(sums[:, 1], totals * self.IDS, rtol=1e-6)
        np.testing.assert_allclose(targets, (nodes * totals) ** 2, rtol=1e-6)

    def test_a_subset_of_the_examples(self):
        sums, targets = self.integrate(2, [2], [1.0], [[1.0]])
        assert sums.numpy().tolist() == [[[16, 16]]]
        assert targets.numpy().tolist() == [[16]]

    def test_no_examples(self):
        sums, targets = self.integrate(2, [], [1.0], [[1.0]])
        assert sums.shape == (0, 1, 2)
        assert targets.shape == (0, 1)

    @pytest.mark.parametrize("rows", [1, 2, 100])
    def test_the_target_without_tokens(self, rows):
        example = np.array([0, 0, 1, 2, 2])
        erased = np.array([[0, 0], [1, 0], [1, 0], [0, 1], [1, 1]], bool)
        path = self.path(rows)
        targets = tf.function(lambda: path.target_without(example, erased), autograph=False)()
        assert targets.numpy().tolist() == [9, 4, 0, 4, 0]

    def test_the_target_at_a_node(self):
        path = self.path(2)
        targets = tf.function(lambda: path.target_at(0.5), autograph=False)()
        np.testing.assert_allclose(targets, [2.25, 2.25, 4], rtol=1e-6)

    def test_a_path_that_is_not_finite_is_refused(self):
        with pytest.raises(tf.errors.InvalidArgumentError, match="not finite along the path"):
            self.integrate(2, [0, 1, 2], [np.nan], [[1.0]])
