"""What memory depends on: rows in flight; and what it does not: steps, sentences, calls."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import helpers
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs

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
    # VmRSS: what is resident now; VmHWM: the most that ever was. In bytes.
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
"""


def in_a_fresh_process(code):
    """What a script prints last, as JSON: in a process of its own, whose peak is its own."""
    done = subprocess.run(
        [sys.executable, "-c", COMMON + textwrap.dedent(code)],
        cwd=Path(__file__).parents[3],  # for the benchmarks' models
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def peak_of_steps(steps):
    """The peak of 2 sentences in chunks of 64 rows, beyond what was there after a warm-up.

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
        found = explainer(ids)
        assert (found.evaluations == {steps} + 1).all()
        print(json.dumps(memory("VmHWM") - before))
    """)


@needs_linux
@pytest.mark.slow
def test_the_peak_does_not_grow_with_the_steps():
    few, many = peak_of_steps(32), peak_of_steps(1000)
    # So much that 10 % are more than chance; all 2,002 rows at once would make 30 times of it.
    assert few > 300 * MIB
    assert many < 1.1 * few, f"{few / MIB:.0f} MiB with 32 steps, {many / MIB:.0f} with 1000"


def rows_of_calls(model, ids, **keywords):
    """The rows of each compiled call of gradient norm, by a target that writes them down."""
    seen = []

    def target(outputs):
        # Only what runs under a tape has a gradient to take.
        def write(values):
            seen.append(len(values))
            return np.zeros((), np.float32)

        @tf.custom_gradient
        def noted(values):
            def gradient(upstream):
                count = tf.numpy_function(write, [upstream], tf.float32)
                return upstream + tf.ensure_shape(count, ())

            return tf.identity(values), gradient

        return noted(outputs[:, 0])

    tfs.explain(model, ids, "gradient_norm", target=target, jit_compile=False, **keywords)
    return seen


@pytest.mark.parametrize("max_rows", ["auto", 5])
def test_rows_in_a_call_do_not_depend_on_the_number_of_sentences(max_rows):
    model = helpers.convolution()
    sentences = np.random.default_rng(0).integers(1, helpers.VOCABULARY, (300, 512))
    few, many = (
        rows_of_calls(model, sentences[:count].astype(np.int32), max_rows=max_rows)
        for count in (64, 300)
    )
    assert sum(few) == 64
    assert sum(many) == 300
    assert max(few) == max(many) < 64


@needs_linux
@pytest.mark.slow
def test_auto_rows_of_a_large_model():
    # 64 sentences would take minutes on two cores. These few are already more than one call
    # takes, which the bound shows, and by the test above more of them make no call larger.
    found = in_a_fresh_process("""
        from benchmarks import models
        model = models.build("pre_ln", 1000, tokens=512, dim=768, layers=12)
        before = memory("VmRSS")
        ids = np.random.default_rng(0).integers(1, 1000, (6, 512)).astype(np.int32)
        explainer = tfs.Explainer(model, "gradient_norm", embeddings=model.embed)
        scores = explainer(ids).scores
        assert scores.shape == (6, 512) and (scores > 0).all()
        print(json.dumps({"whole": memory("VmHWM"), "beyond": memory("VmHWM") - before}))
    """)
    print({name: f"{value / GIB:.2f} GiB" for name, value in found.items()})
    assert found["whole"] < 8 * GIB
    assert found["beyond"] < 1.5 * GIB


@needs_linux
@pytest.mark.slow
def test_repeated_calls_neither_retrace_nor_leak():
    found = in_a_fresh_process("""
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
            # The first calls show it every width, with one sentence and with several.
            batch = generator.integers(1, 17) if number > 5 else (1, 16)[number % 2]
            call(batch, (8, 16, 24)[number % 3])
            traces.append(explainer._engine.traces + explainer._reader._read.traces)
            resident.append(memory("VmRSS"))
        print(json.dumps({"traces": traces, "resident": resident}))
    """)
    resident = np.array(found["resident"]) / MIB
    print("traces", found["traces"][::20], "MiB", resident[::20].round(1))
    assert len(set(found["traces"][20:])) == 1
    # 2 to 5 were measured; each call keeping the embeddings of its sentences would make 27.
    assert resident[-1] - resident[20] < 15


def peak_of_a_request(steps):
    """The peak of one request to an exported model, in chunks of 64 rows; see `peak_of_steps`."""
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
