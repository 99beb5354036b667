"""Graphs traced once a shape, and XLA where it pays."""

import threading
import types
import warnings
from pathlib import Path

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.attribution.execution import compilation
from tf_salience.attribution.execution.compilation import AutoJit, TracedFunction

TESTS = Path(__file__).parents[2]


class TestTracedFunction:
    @staticmethod
    def traced():
        """A function, and the list of the shapes with which it is traced."""
        shapes = []

        def sums(array):
            shapes.append(tuple(array.shape))
            return tf.reduce_sum(array, axis=0)

        return TracedFunction(sums), shapes

    def test_the_batch_axis_is_open_and_the_others_are_not(self):
        function, shapes = self.traced()
        for batch in (3, 1, 7):
            np.testing.assert_array_equal(function(np.ones((batch, 4))), np.full(4, batch))
        function(np.ones((3, 5)))
        assert shapes == [(None, 4), (None, 5)]
        assert function.trace_count == 2

    def test_dtypes_are_traced_apart(self):
        function, shapes = self.traced()
        for dtype in (np.float32, np.int32, np.float32):
            function(np.ones((3, 4), dtype))
        assert shapes == [(None, 4)] * 2

    def test_embeddings_that_broadcast_keep_their_leading_axis(self):
        function, shapes = self.traced()
        for shape in ((1, 1, 8), (1, 1, 8), (2, 4, 8)):
            function(np.ones(shape))
        assert shapes == [(1, 1, 8), (None, 4, 8)]

    def test_nests_of_arrays(self):
        function = TracedFunction(lambda nest, factor: {"sum": nest["a"] + nest["b"][0] * factor})
        result = function({"a": np.ones(3), "b": (np.arange(3.0),)}, np.full(3, 2.0))
        np.testing.assert_array_equal(result["sum"], [1, 3, 5])

    def test_the_same_arrays_in_another_nest_are_traced_apart(self):
        function = TracedFunction(lambda nest: nest["a"] if isinstance(nest, dict) else nest[1])
        arrays = np.zeros(3), np.ones(3)
        for _ in range(2):
            np.testing.assert_array_equal(function(arrays), np.ones(3))
            np.testing.assert_array_equal(function({"a": arrays[0], "b": arrays[1]}), np.zeros(3))
        assert function.trace_count == 2

    def test_bytes_of_a_row_grow_with_what_is_computed(self):
        def repeated(count):
            def function(array):
                for _ in range(count):
                    array = tf.sin(array)
                return array

            tensors = [tf.ones((5, 1000))]
            return TracedFunction(function).bytes_per_row(tensors)

        # float32: each sine of a row gives 4,000 bytes, whatever the batch.
        assert repeated(12) - repeated(2) == 10 * 4000

    def test_threads_whose_graphs_add_up_large_gradients(self):
        """TensorFlow names the temporary variables of such sums alike: two runs must not meet."""
        keras.utils.set_random_seed(0)
        inputs = keras.Input((64,), dtype="int32")
        hidden = keras.layers.Embedding(50, 128)(inputs)
        for _ in range(2):
            hidden = helpers.block(hidden, heads=4, dim=128)
        pooled = keras.layers.GlobalAveragePooling1D()(hidden)
        model = keras.Model(inputs, keras.layers.Dense(2)(pooled))
        ids = np.random.default_rng(0).integers(1, 50, (8, 64)).astype(np.int32)
        method = tfs.IntegratedGradients(steps=15)
        shared, own = (tfs.Explainer(model, method, jit_compile=False) for _ in range(2))
        expected, results = shared(ids).scores, []

        def work(explainer):
            results.extend(explainer(ids).scores for _ in range(4))

        threads = [
            threading.Thread(target=work, args=(explainer,)) for explainer in (shared, shared, own)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 12
        for scores in results:
            np.testing.assert_allclose(scores, expected, atol=1e-6 * np.abs(expected).max())


class Clock:
    """Stands for the module's clock: tracing takes a second, running takes what it is told to.

    Attributes:
        seconds: of a run of the plain graph and of one by XLA.
        runs: "plain" or "xla" for each run so far.
    """

    def __init__(self):
        self.now = 0.0
        self.seconds = {"plain": 0.1, "xla": 0.1}
        self.runs = []

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Replaces the clock by which `AutoJit` decides, and records how each call is run."""
    clock = Clock()

    class TimedFunction(TracedFunction):
        def __init__(self, function, *, jit_compile=False):
            def traced(*arguments):
                clock.now += 1.0
                return function(*arguments)

            super().__init__(traced, jit_compile=jit_compile)
            self._kind = "xla" if jit_compile else "plain"

        def __call__(self, *arguments):
            clock.runs.append(self._kind)
            clock.now += clock.seconds[self._kind]
            return super().__call__(*arguments)

    monkeypatch.setattr(compilation, "TracedFunction", TimedFunction)
    monkeypatch.setattr(compilation, "time", types.SimpleNamespace(perf_counter=clock.perf_counter))
    return clock


#: So long a run pays for a trial of XLA at once.
LONG = 100.0


def squares(array):
    return tf.reduce_sum(tf.square(array), axis=-1)


def looped(array):
    return tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, x + array), [0, array])[1]


def lengths(array):
    return tf.strings.length(array)


def doubled_by_numpy(array):
    return tf.numpy_function(lambda x: 2 * x, [array], tf.float64)


def auto_jit(function, jit_compile="auto"):
    return AutoJit(function, jit_compile=jit_compile, model_name="reviews")


@pytest.mark.skipif(
    bool(tf.config.list_logical_devices("GPU")), reason="a GPU compiles every shape at once"
)
class TestAutoJitOnACpu:
    def test_a_shape_is_a_plain_graph_until_compiling_pays(self, clock):
        function = auto_jit(squares)
        for _ in range(5):
            np.testing.assert_array_equal(function(np.full((3, 2), 2.0)), np.full(3, 8.0))
        assert clock.runs == ["plain"] * 5
        assert function.trace_count == 1

    def test_time_of_many_short_runs_pays_for_compiling(self, clock):
        function = auto_jit(squares)
        clock.seconds["plain"] = 5.0
        for _ in range(6):
            function(np.ones((3, 2)))
        assert clock.runs[0] == "plain"
        assert "xla" in clock.runs

    @pytest.mark.parametrize(("xla_seconds", "faster"), [(LONG / 2, "xla"), (2 * LONG, "plain")])
    def test_both_are_tried_in_turn_and_the_faster_one_stays(self, clock, xla_seconds, faster):
        clock.seconds.update(plain=LONG, xla=xla_seconds)
        function = auto_jit(squares)
        for _ in range(12):
            np.testing.assert_array_equal(function(np.full((3, 2), 2.0)), np.full(3, 8.0))
        assert clock.runs == ["plain", *["xla", "plain"] * 3, *[faster] * 5]
        assert function.trace_count == 2

    def test_a_slow_first_run_of_xla_does_not_count(self, clock):
        """It compiles."""
        clock.seconds.update(plain=LONG, xla=50 * LONG)
        function = auto_jit(squares)
        for _ in range(2):
            function(np.ones((3, 2)))
        clock.seconds["xla"] = LONG / 2
        for _ in range(6):
            function(np.ones((3, 2)))
        assert clock.runs[-1] == "xla"

    def test_each_number_of_rows_is_timed_by_itself(self, clock):
        clock.seconds["plain"] = LONG
        function = auto_jit(squares)
        for rows in (2, 3, 2, 4):
            function(np.ones((rows, 2)))
        assert clock.runs == ["plain", "plain", "xla", "plain"]

    @pytest.mark.parametrize(
        ("function", "array"), [(looped, np.ones(3)), (lengths, np.array(["a", "bc"]))]
    )
    def test_loops_and_strings_are_not_tried(self, clock, function, array):
        clock.seconds["plain"] = LONG
        function = auto_jit(function)
        expected = function(array)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(4):
                np.testing.assert_array_equal(function(array), expected)
        assert clock.runs == ["plain"] * 5
        assert function.trace_count == 1

    def test_a_function_that_xla_cannot_compile_is_one_warning_and_the_same_result(self, clock):
        clock.seconds["plain"] = LONG
        function = auto_jit(doubled_by_numpy)
        function(np.ones(3))
        with pytest.warns(tfs.NotCompiledWarning, match="'reviews'.*`jit_compile=False`"):
            np.testing.assert_array_equal(function(np.ones(3)), 2 * np.ones(3))
        assert clock.runs == ["plain", "xla", "plain"]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(4):
                np.testing.assert_array_equal(function(np.ones(3)), 2 * np.ones(3))
        assert clock.runs[3:] == ["plain"] * 4

    def test_an_explainer_gives_the_same_scores_either_way(self, clock):
        model = helpers.weights_alive(helpers.functional_with_mask())
        inputs = helpers.ids(), (helpers.ids() != 0).astype("int32")
        method = tfs.IntegratedGradients(steps=8)
        expected = tfs.explain(model, inputs, method, jit_compile=False).scores
        clock.runs.clear()
        explainer = tfs.Explainer(model, method, max_rows=9)
        clock.seconds.update(plain=LONG, xla=LONG / 2)
        explanations = [explainer(inputs) for _ in range(2)]
        traces = explainer.trace_count
        explanations.append(explainer(inputs))
        # Six examples of nine nodes are six chunks of nine rows in each call.
        assert clock.runs == ["plain", *["xla", "plain"] * 3, *["xla"] * 11]
        assert explainer.trace_count == traces
        for explanation in explanations:
            np.testing.assert_allclose(
                explanation.scores, expected, atol=1e-5 * np.abs(expected).max()
            )


class TestXla:
    def test_it_compiles_at_once_or_never_if_told_so(self, clock):
        clock.seconds.update(plain=LONG, xla=2 * LONG)
        for jit_compile in (True, False):
            function = auto_jit(squares, jit_compile)
            for _ in range(4):
                function(np.ones((3, 2)))
        assert clock.runs == ["xla"] * 4 + ["plain"] * 4

    @pytest.mark.parametrize("method", ["gradient_norm", tfs.IntegratedGradients(steps=8)])
    def test_it_gives_the_same_scores(self, method):
        model = helpers.weights_alive(helpers.functional_with_mask())
        inputs = helpers.ids(), (helpers.ids() != 0).astype("int32")
        expected = tfs.explain(model, inputs, method, jit_compile=False).scores
        scores = tfs.explain(model, inputs, method, jit_compile=True).scores
        np.testing.assert_allclose(scores, expected, atol=1e-5 * np.abs(expected).max())

    def test_a_model_of_strings_is_run_without(self):
        model = helpers.weights_alive(helpers.text_model())
        expected = tfs.explain(model, helpers.texts(), "gradient_norm", jit_compile=False).scores
        explainer = tfs.Explainer(model, "gradient_norm", jit_compile=True)
        with pytest.warns(tfs.NotCompiledWarning, match="XLA.*`jit_compile=False`"):
            scores = explainer(helpers.texts()).scores
        np.testing.assert_array_equal(scores, expected)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            explainer(helpers.texts())

    def test_numbers_of_rows_are_rounded_up_to_few(self):
        always, never = (auto_jit(squares, jit_compile) for jit_compile in (True, False))
        padded = [always.padded_rows(rows) for rows in range(1, 14)]
        assert padded == [1, 2, 3, 4, 6, 6, 8, 8, 12, 12, 12, 12, 16]
        assert [never.padded_rows(rows) for rows in (5, 13)] == [5, 13]

    def test_rows_that_pad_a_chunk_change_nothing(self):
        model = helpers.weights_alive(helpers.functional_with_mask())
        inputs = helpers.ids(), (helpers.ids() != 0).astype("int32")
        method = tfs.IntegratedGradients(steps=6)
        expected = tfs.explain(model, inputs, method, jit_compile=False)
        padded = tfs.explain(model, inputs, method, jit_compile=True, max_rows=11)
        scale = np.abs(expected.scores).max()
        np.testing.assert_allclose(padded.scores, expected.scores, atol=1e-5 * scale)
        np.testing.assert_allclose(padded.baseline_output, expected.baseline_output, rtol=1e-5)
