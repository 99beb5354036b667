"""What an explanation costs a server, in predictions of the same exported model.

    python -m benchmarks.serving

A pre-LN transformer (4 layers, d=256, 64 tokens) is exported with 32 nodes, and with automatic
steps; `serving_default` and `attributions` are asked in turn, in one process, medians.
"""

import statistics
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from benchmarks import machine, models

_TOKENS, _VOCABULARY, _NODES = 64, 2000, 32
_BATCHES, _ROUNDS = (1, 32), 7
_FIXED = tfs.IntegratedGradients(steps=_NODES - 1)
METHODS: dict[str, dict[str, Any]] = {
    f"{_NODES} nodes": {"method": _FIXED},
    f"{_NODES} nodes, XLA": {"method": _FIXED, "jit_compile": True},
    "auto": {"method": tfs.IntegratedGradients()},
    "auto, XLA": {"method": tfs.IntegratedGradients(), "jit_compile": True},
    "gradient_dot_input": {"method": tfs.GradientDotInput()},
}


def _seconds(function: Any, ids: Any, calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        function(inputs=ids)["output_0" if "output_0" in function.structured_outputs else "scores"]
    return (perf_counter() - start) / calls


def measure(keywords: dict[str, Any], model: Any, folder: Path) -> list[dict[str, float]]:
    """Seconds of a prediction and of an explanation, one row a batch size."""
    spec = tf.TensorSpec((None, None), tf.int32, "inputs")
    tfs.export_saved_model(model, folder, input_signature=spec, **keywords)
    loaded = tf.saved_model.load(str(folder))
    predict, explain = (loaded.signatures[name] for name in ("serving_default", "attributions"))
    rows = []
    for batch in _BATCHES:
        shape = (batch, _TOKENS)
        ids = tf.constant(np.random.default_rng(0).integers(2, _VOCABULARY, shape), tf.int32)
        calls = max(1, 64 // batch)
        plain, explained = [], []
        for number in range(_ROUNDS + 1):
            times = (_seconds(predict, ids, calls), _seconds(explain, ids, 1 + (batch == 1)))
            if number:  # the first round prepares the graphs
                plain.append(times[0])
                explained.append(times[1])
        answer = explain(inputs=ids)
        fixed = _NODES if keywords["method"] is _FIXED else 1
        nodes = float(np.mean(answer.get("evaluations", fixed)))
        rows.append(
            {
                "batch": batch,
                "nodes": nodes,
                "prediction": statistics.median(plain),
                "explanation": statistics.median(explained),
            }
        )
    return rows


def main() -> None:
    """Prints the price of each method at each batch size."""
    for name, value in machine.describe().items():
        print(f"{name}: {value}")
    keras.utils.set_random_seed(0)
    model = models.build("pre_ln", _VOCABULARY, tokens=_TOKENS, dim=256, layers=4)
    with tempfile.TemporaryDirectory() as folder:
        for name, keywords in METHODS.items():
            for row in measure(keywords, model, Path(folder) / name.replace(" ", "_")):
                times = row["explanation"] / row["prediction"]
                print(
                    f"{name:20} batch {row['batch']:2} · prediction {1e3 * row['prediction']:.1f} "
                    f"ms · explanation {1e3 * row['explanation']:.0f} ms · {times:.1f} times, "
                    f"{times / row['nodes']:.2f} a node ({row['nodes']:.1f} nodes)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
