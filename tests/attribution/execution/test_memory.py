"""Memory depends on the rows of a chunk, and not on steps, examples or calls."""

import json
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.attribution.execution import memory
from tf_salience.attribution.execution.compilation import AutoJit
from tf_salience.attribution.execution.memory import RowLimit

STATUS = Path("/proc/self/status")
needs_linux = pytest.mark.skipif(not STATUS.exists(), reason="reads /proc/self/status")

MIB = 2**20
GIB = 2**30

COMMON = """
import json, pathlib
import numpy as np
import tensorflow as tf
import keras
import tf_salience as tfs

def memory(key):
    # VmRSS: what is resident now; VmHWM: its peak. In bytes.
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
"""


def in_a_fresh_process(code):
    """Returns the last line that a script prints, JSON: a process of its own has its own peak."""
    completed = subprocess.run(
        [sys.executable, "-c", COMMON + textwrap.dedent(code)],
        cwd=Path(__file__).parents[3],  # for the benchmarks' models
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr[-3000:]
    return json.loads(completed.stdout.splitlines()[-1])


class TestRowLimit:
    def test_a_number_of_rows_is_the_limit(self):
        limit = RowLimit(40)
        assert not limit.is_automatic
        assert limit.rows(10, 0.0) == limit.rows(5000, 1e12) == 40

    def test_halved_rows_are_a_number_of_tokens(self):
        limit = RowLimit(40)
        with pytest.warns(tfs.SmallerChunksWarning, match="40 rows of 10 tokens.*`max_rows=20`"):
            limit.halve(40, 10)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            limit.halve(20, 10)
        assert limit.rows(10, 0.0) == 10
        assert limit.rows(5, 0.0) == 20
        assert limit.rows(400, 0.0) == 1

    def test_automatic_rows_are_a_power_of_two_that_suits_the_device(self):
        limit = RowLimit("auto")
        assert limit.is_automatic
        for width in (3, 17, 128, 512):
            for bytes_per_row in (1.0, 1e5, 1e8):
                rows = limit.rows(width, bytes_per_row)
                suitable = min(memory.suitable_rows(width, bytes_per_row))
                assert rows & (rows - 1) == 0
                assert suitable / 2 < rows < 2 * max(suitable, 1)

    def test_suitable_rows_shrink_with_tokens_and_with_bytes(self):
        by_cache, by_memory = memory.suitable_rows(64, 1e6)
        assert memory.suitable_rows(128, 2e6) == (by_cache / 2, by_memory / 2)

    @pytest.mark.parametrize(("max_rows", "error"), [(0, ValueError), (2.5, TypeError)])
    def test_other_limits_are_refused(self, max_rows, error):
        with pytest.raises(error, match=f"`max_rows`.*Received: max_rows={max_rows}"):
            memory.check_max_rows(max_rows)


def peak_of_steps(steps):
    """Returns the bytes that 2 examples in chunks of 64 rows take at most, after a warm-up.

    A row takes some MiB and next to no time.
    """
    return in_a_fresh_process(f"""
        hidden = inputs = keras.Input((64,), dtype="int32")
        hidden = keras.layers.Embedding(50, 16)(hidden)
        hidden = keras.layers.Dense(4096)(hidden)
        for _ in range(6):
            hidden = keras.layers.Activation("softsign")(hidden)
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.ops.mean(hidden, axis=1)))
        ids = np.random.default_rng(0).integers(1, 50, (2, 64)).astype(np.int32)
        method = tfs.IntegratedGradients(steps={steps})
        explainer = tfs.Explainer(model, method, max_rows=64, jit_compile=False)
        tfs.explain(model, ids[:1], tfs.IntegratedGradients(steps=1), jit_compile=False)
        before = memory("VmRSS")
        explanation = explainer(ids)
        assert (explanation.evaluations == {steps} + 1).all()
        print(json.dumps(memory("VmHWM") - before))
    """)


@needs_linux
@pytest.mark.slow
def test_the_peak_does_not_grow_with_the_steps():
    few, many = peak_of_steps(32), peak_of_steps(1000)
    # So much that 10 % are more than chance; all 2,002 rows at once would take 30 times of it.
    assert few > 300 * MIB
    assert many < 1.1 * few, f"{few / MIB:.0f} MiB with 32 steps, {many / MIB:.0f} with 1000"


def rows_of_chunks(model, ids, **keywords):
    """Returns the number of rows of each chunk of gradient norm, which the target writes down."""
    rows = []

    def target(outputs):
        # In its gradient, since forward passes alone are no chunks.
        def write(values):
            rows.append(len(values))
            return np.zeros((), np.float32)

        @tf.custom_gradient
        def recorded(values):
            def gradient(upstream):
                zero = tf.numpy_function(write, [upstream], tf.float32)
                return upstream + tf.ensure_shape(zero, ())

            return tf.identity(values), gradient

        return recorded(outputs[:, 0])

    tfs.explain(model, ids, "gradient_norm", target=target, jit_compile=False, **keywords)
    return rows


@pytest.mark.parametrize("max_rows", ["auto", 5])
def test_rows_of_a_chunk_do_not_depend_on_the_number_of_examples(max_rows):
    model = helpers.convolution()
    ids = np.random.default_rng(0).integers(1, helpers.VOCABULARY, (300, 512)).astype(np.int32)
    few, many = (rows_of_chunks(model, ids[:count], max_rows=max_rows) for count in (64, 300))
    assert sum(few) == 64
    assert sum(many) == 300
    assert max(few) == max(many) < 64


def first_chunk_rows(monkeypatch, dim, blocks):
    """Returns the automatic number of rows of a transformer; it is traced, and never run."""
    inputs = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(9, dim)(inputs)
    for _ in range(blocks):
        hidden = helpers.block(hidden, dim=dim)
    pooled = keras.layers.GlobalAveragePooling1D()(hidden)
    model = keras.Model(inputs, keras.layers.Dense(2)(pooled))
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=2))

    class Stopped(Exception):
        """Running the chunk would take long."""

    def stop(function, chunk):
        _, example, *_ = chunk
        raise Stopped(len(example))

    monkeypatch.setattr(AutoJit, "__call__", stop)
    with pytest.raises(Stopped) as stopped:
        explainer(np.ones((40, 256), int))
    return stopped.value.args[0]


def test_automatic_chunks_are_smaller_for_a_larger_model(monkeypatch):
    assert first_chunk_rows(monkeypatch, dim=8, blocks=1) == 32  # 8,192 tokens
    assert 1 <= first_chunk_rows(monkeypatch, dim=512, blocks=6) < 8


@needs_linux
@pytest.mark.slow
def test_auto_rows_of_a_large_model():
    # These few examples are more than one chunk already; by a test above, more make none larger.
    peak = in_a_fresh_process("""
        from benchmarks import models
        model = models.build("pre_ln", 1000, tokens=512, dim=768, layers=12)
        before = memory("VmRSS")
        ids = np.random.default_rng(0).integers(1, 1000, (6, 512)).astype(np.int32)
        explainer = tfs.Explainer(model, "gradient_norm", embeddings=model.embed)
        scores = explainer(ids).scores
        assert scores.shape == (6, 512) and (scores > 0).all()
        print(json.dumps({"process": memory("VmHWM"), "chunks": memory("VmHWM") - before}))
    """)
    print({name: f"{value / GIB:.2f} GiB" for name, value in peak.items()})
    assert peak["process"] < 8 * GIB
    assert peak["chunks"] < 1.5 * GIB


@needs_linux
@pytest.mark.slow
def test_repeated_calls_neither_retrace_nor_leak():
    calls = in_a_fresh_process("""
        hidden = inputs = keras.Input((None,), dtype="int32")
        hidden = keras.layers.Embedding(50, 256, mask_zero=True)(hidden)
        hidden = keras.layers.GlobalAveragePooling1D()(keras.layers.Dense(64, "tanh")(hidden))
        model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
        explainer = tfs.Explainer(model)

        generator = np.random.default_rng(0)
        def call(batch, width):
            ids = generator.integers(1, 50, (batch, width)).astype(np.int32)
            lengths = generator.integers(1, width + 1, batch)
            ids[np.arange(width) >= lengths[:, None]] = 0
            explainer(ids)

        traces, resident = [], []
        for number in range(200):
            # The first calls have every width, with one example and with several.
            batch = generator.integers(1, 17) if number > 5 else (1, 16)[number % 2]
            call(batch, (8, 16, 24)[number % 3])
            traces.append(explainer.trace_count)
            resident.append(memory("VmRSS"))
        print(json.dumps({"traces": traces, "resident": resident}))
    """)
    resident = np.array(calls["resident"]) / MIB
    print("traces", calls["traces"][::20], "MiB", resident[::20].round(1))
    assert len(set(calls["traces"][20:])) == 1
    # 2 to 5 MiB are usual; if each call kept its embeddings, it would be 27.
    assert resident[-1] - resident[20] < 15


def peak_of_a_request(steps):
    """Returns the bytes that a request to an exported model takes at most; see `peak_of_steps`."""
    return in_a_fresh_process(f"""
        import tempfile
        hidden = inputs = keras.Input((64,), dtype="int32", name="ids")
        hidden = keras.layers.Embedding(50, 16)(hidden)
        hidden = keras.layers.Dense(4096)(hidden)
        for _ in range(6):
            hidden = keras.layers.Activation("softsign")(hidden)
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.ops.mean(hidden, axis=1)))
        ids = tf.constant(np.random.default_rng(0).integers(1, 50, (2, 64)), tf.int32)
        with tempfile.TemporaryDirectory() as folder:
            method = tfs.IntegratedGradients(steps={steps})
            tfs.export_saved_model(model, folder, method=method, max_rows=64)
            served = tf.saved_model.load(folder)
        served.signatures["serving_default"](ids=ids)
        before = memory("VmRSS")
        served.signatures["attributions"](ids=ids)
        print(json.dumps(memory("VmHWM") - before))
    """)


@needs_linux
@pytest.mark.slow
def test_the_peak_of_a_request_does_not_grow_with_the_steps():
    few, many = peak_of_a_request(32), peak_of_a_request(500)
    assert few > 300 * MIB
    assert many < 1.1 * few, f"{few / MIB:.0f} MiB with 32 steps, {many / MIB:.0f} with 500"
