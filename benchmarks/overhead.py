"""What the library takes for one sentence, warm, beside the model's own passes.

`python -m benchmarks.overhead '{"folder": ..., "sentences": 16}'` measures it on one work.
"""

import json
import pathlib
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import tensorflow as tf

import tf_salience as tfs
from benchmarks import work
from benchmarks.peers.base import Array
from tf_salience.attribution.path import Path
from tf_salience.attribution.result import Attribution

#: Of the default rule: 16 nodes with both ends, so that F(baseline) takes no pass of its own, which
#: would be one of the model's and not of the library's.
_STEPS = 15
_TRIES = 9


def _passes(model: Any) -> tuple[Any, Any]:
    """The model's own passes: forward alone, and forward and backward along a path."""

    def forward(ids: Any) -> Any:
        return model(ids, training=False)

    def backward(ids: Any, nodes: Any, target: Any) -> Any:
        embeddings = model.embed(ids)
        points = nodes[:, None, None] * embeddings
        mask = tf.repeat(ids != 0, tf.shape(nodes)[0], axis=0)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            logits = model.head(model.pooled(points, mask, False))
            total = tf.reduce_sum(tf.gather(logits, target, axis=1))
        return tf.reduce_sum(tape.gradient(total, points) * embeddings, axis=-1)

    return (
        tf.function(forward, reduce_retracing=True),
        tf.function(backward, reduce_retracing=True),
    )


def _seconds(run: Callable[[], Any]) -> float:
    run()
    times = []
    for _ in range(_TRIES):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return statistics.median(times)


class _Counting:
    """A path that keeps how many rows each round has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rounds: list[int] = []

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Sums token scores; see `path.Path`."""
        self.rounds.append(len(examples) * weights.shape[-1])
        return self._path.integrate(examples, nodes, weights)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._path, name)


class _Counted(tfs.IntegratedGradients):
    """Integrated gradients that keeps the `rounds` of its last path: the rows of each."""

    def __call__(self, path: Path) -> Attribution:
        """Computes the attribution of every example of the path."""
        counting = _Counting(path)
        attribution = super().__call__(counting)
        object.__setattr__(self, "rounds", counting.rounds)
        return attribution


def _sentence(
    explainer: tfs.Explainer, method: _Counted, passes: Any, ids: Array
) -> tuple[float, float]:
    """Seconds of the library and of the bare passes, for one sentence."""
    forward, backward = passes
    explainer(ids)
    rounds = method.rounds  # type: ignore[attr-defined]
    nodes = [np.linspace(0, 1, rows, dtype=np.float32) for rows in rounds]

    def bare() -> None:
        target = int(np.argmax(forward(ids)[0]))
        if method.steps == "auto":  # F(baseline)
            forward(np.zeros_like(ids)).numpy()
        for round_nodes in nodes:
            backward(ids, round_nodes, target).numpy()

    return _seconds(lambda: explainer(ids)), _seconds(bare)


def measure(folder: str, sentences: int) -> dict[str, Any]:
    """Milliseconds beyond the passes, the median sentence, at fixed steps and under "auto"."""
    given = work.load(pathlib.Path(folder))
    model = given.model()
    passes = _passes(model)
    methods = {
        str(_STEPS): _Counted(steps=_STEPS),
        "auto": _Counted(),
    }
    found: dict[str, Any] = {}
    for steps, method in methods.items():
        explainer = tfs.Explainer(model, method)
        pairs = [
            _sentence(explainer, method, passes, row[: max(1, np.count_nonzero(row))][None])
            for row in given.ids[:sentences]
        ]
        found[steps] = {
            "library_ms": 1e3 * statistics.median(ours for ours, _ in pairs),
            "passes_ms": 1e3 * statistics.median(bare for _, bare in pairs),
            "overhead_ms": 1e3 * statistics.median(ours - bare for ours, bare in pairs),
            "overhead_worst_ms": 1e3 * max(ours - bare for ours, bare in pairs),
            "sentences": len(pairs),
        }
    return found


def main() -> None:
    """Measures the work named in the command line."""
    print(json.dumps(measure(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
