"""Rows spread over the replicas of a `tf.distribute` strategy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: Logical devices must be made before TensorFlow looks at the real ones: a process of its own.
SCRIPT = """
import json, sys
import numpy as np, tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
import helpers
import tf_salience as tfs

ids = helpers.ids()
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
report = {}
for name in ("sequential_lstm", "Subclassed"):
    with strategy.scope():
        model = helpers.weights_alive(getattr(helpers, name)())
        before = np.asarray(model(ids))
        asked = {"gradient_norm": "auto", tfs.IntegratedGradients(steps=8): 7,
                 "integrated_gradients": 1}
        for method, max_rows in asked.items():
            spread = tfs.Explainer(model, method, max_rows=max_rows)
            inside = spread(ids)
            single = spread(ids[:1])
    # (the last: steps="auto", one row at a time)
    outside = spread(ids)
    alone = tfs.Explainer(model, "integrated_gradients")(ids)
    function = next(iter(spread._engine._integrate._plain._traces.values()))
    devices = {one.device for one in function.graph.get_operations() if one.type == "MatMul"}
    scale = np.abs(alone.scores).max()
    report[name] = {
        "replicas": spread._engine._replicas,
        "devices": len(devices),
        "apart": [
            float(np.abs(one.scores - alone.scores).max() / scale) for one in (inside, outside)
        ],
        "single": float(np.abs(single.scores - alone.scores[:1, : single.scores.shape[1]]).max()),
        "evaluations": bool((inside.evaluations == alone.evaluations).all()),
        "unchanged": bool((np.asarray(model(ids)) == before).all()),
        "hooked": any("call" in vars(layer) for layer in model._flatten_layers()),
    }
print(json.dumps(report))
"""


@pytest.mark.slow
def test_two_replicas_give_the_numbers_of_one_device():
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-3000:]
    for numbers in json.loads(found.stdout.splitlines()[-1]).values():
        assert numbers["replicas"] == numbers["devices"] == 2
        assert max(numbers["apart"]) < 1e-5
        assert numbers["single"] < 1e-5
        assert numbers["evaluations"]
        assert numbers["unchanged"]
        assert not numbers["hooked"]
