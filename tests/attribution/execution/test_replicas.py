"""Rows spread over the replicas of a strategy, and the workers of several processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import helpers
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.attribution.execution.replicas import on_replicas

TESTS = Path(__file__).parents[2]


def test_the_default_strategy_has_one_replica():
    function = on_replicas(lambda array, number: array + number, tf.distribute.get_strategy())
    (result,) = function((tf.ones(3), tf.constant(2.0)))
    assert result.numpy().tolist() == [3.0] * 3


#: Logical devices must be made before TensorFlow looks at the real ones: a process of its own.
TWO_REPLICAS = """
import json
import numpy as np
import tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
devices = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, devices)
import helpers
import tf_salience as tfs

def target(outputs):
    # Where the rows are computed: under a tape, and on a device of the strategy's.
    if not tf.executing_eagerly():
        devices_of_rows.add(tf.identity(outputs).device)
    return outputs[:, 0]

ids = helpers.ids()
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
report = {}
for name in ("sequential_lstm", "Subclassed"):
    devices_of_rows = set()
    with strategy.scope():
        model = helpers.weights_alive(getattr(helpers, name)())
        before = np.asarray(model(ids))
        # The last method has adaptive steps, here one row at a time.
        for method, max_rows in (
            ("gradient_norm", "auto"),
            (tfs.IntegratedGradients(steps=8), 7),
            ("occlusion", 7),
            ("integrated_gradients", 1),
        ):
            explainer = tfs.Explainer(model, method, target=target, max_rows=max_rows)
            inside = explainer(ids)
            single = explainer(ids[:1])
    outside = explainer(ids)
    devices = sorted(device[-5:] for device in devices_of_rows if device)
    alone = tfs.Explainer(model, "integrated_gradients", target=target)(ids)
    scale = np.abs(alone.scores).max()

    def difference(scores, examples):
        expected = alone.scores[:examples, : scores.shape[1]]
        return float(np.abs(scores - expected).max() / scale)

    report[name] = {
        "devices": devices,
        "differences": [
            difference(inside.scores, 6),
            difference(outside.scores, 6),
            difference(single.scores, 1),
        ],
        "evaluations": bool((inside.evaluations == alone.evaluations).all()),
        "unchanged": bool((np.asarray(model(ids)) == before).all()),
        # Keras' own list of all layers, nested ones included; there is no public one.
        "hooked": any("call" in vars(layer) for layer in model._flatten_layers()),
    }
print(json.dumps(report))
"""


@pytest.mark.slow
def test_two_replicas_share_the_rows_and_give_the_scores_of_one_device():
    completed = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS],
        cwd=TESTS,  # for `helpers`
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr[-3000:]
    report = json.loads(completed.stdout.splitlines()[-1])
    assert report.keys() == {"sequential_lstm", "Subclassed"}
    for model in report.values():
        assert model["devices"] == ["CPU:0", "CPU:1"]
        assert max(model["differences"]) < 1e-5
        assert model["evaluations"]
        assert model["unchanged"]
        assert not model["hooked"]


#: Each worker explains texts of its own, of which one has two more than the other.
TWO_WORKERS = """
import json
import sys
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
import helpers
import tf_salience as tfs

ids = helpers.ids()[int(sys.argv[1]) :][:4]
with strategy.scope():
    model = helpers.weights_alive(helpers.sequential_lstm())
    scores = {
        method: tfs.Explainer(model, method)(ids).scores.tolist()
        for method in ("gradient_norm", "integrated_gradients", "occlusion")
    }
print(json.dumps({"replicas": strategy.num_replicas_in_sync, "scores": scores}))
"""


@pytest.mark.slow
def test_two_workers_give_the_scores_of_one_process():
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    addresses = [f"localhost:{server.getsockname()[1]}" for server in sockets]
    for server in sockets:
        server.close()
    starts = (0, 4)
    processes = []
    for number, start in enumerate(starts):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", TWO_WORKERS, str(start)],
                cwd=TESTS,  # for `helpers`
                env={**os.environ, "TF_CONFIG": json.dumps(task)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    model = helpers.weights_alive(helpers.sequential_lstm())
    expected = {
        method: tfs.explain(model, helpers.ids(), method).scores
        for method in ("gradient_norm", "integrated_gradients", "occlusion")
    }
    try:
        outputs = [process.communicate(timeout=200) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for start, (printed, errors) in zip(starts, outputs, strict=True):
        assert printed, errors[-3000:]
        report = json.loads(printed.splitlines()[-1])
        assert report["replicas"] == 2
        for method, scores in report["scores"].items():
            rows = expected[method][start:][:4]
            np.testing.assert_allclose(
                np.array(scores), rows[:, : len(scores[0])], atol=1e-5 * np.abs(rows).max()
            )
