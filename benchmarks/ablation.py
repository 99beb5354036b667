"""What the time of work (a)'s rows goes to: each part of the model is left out in turn.

    python -m benchmarks.ablation

XLA fuses what a profiler of operations would tell apart, so the parts are told apart by leaving
them out: the time that is saved is theirs. 32 rows of 64 tokens through the compiled forward and
backward pass, all variants in turn, medians.
"""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks import models

_ROWS, _TOKENS, _DIM, _LAYERS = 32, 64, 256, 4
_ROUNDS, _CALLS = 15, 4


def _no_gelu(model: Any) -> None:
    for block in model.stack:
        block.wide.activation = keras.activations.linear


def _no_norms(model: Any) -> None:
    for norm in [model.last, *(norm for block in model.stack for norm in block.norms)]:
        norm.call = lambda inputs: inputs


def _no_softmax(model: Any) -> None:
    for block in model.stack:
        block.attention._softmax.call = lambda scores, mask=None: scores


def _no_attention(model: Any) -> None:
    """Neither scores, softmax nor weighted values; the four projections stay."""

    def values(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> Any:
        return query + key + value, None

    for block in model.stack:
        block.attention._compute_attention = values


#: Never all at once: the gradient of a linear model needs no forward pass, and XLA drops it.
VARIANTS: dict[str, Callable[[Any], None] | None] = {
    "whole": None,
    "without GELU": _no_gelu,
    "without layer norms": _no_norms,
    "without softmax": _no_softmax,
    "without attention (softmax too)": _no_attention,
}


def _compiled(change: Callable[[Any], None] | None) -> Callable[[Any, Any], Any]:
    model = models.build("pre_ln", 2000, tokens=_TOKENS, dim=_DIM, layers=_LAYERS)
    if change is not None:
        change(model)

    def row(embeddings: Any, mask: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(embeddings)
            total = tf.reduce_sum(model.head(model.pooled(embeddings, mask, False))[:, 0])
        return tape.gradient(total, embeddings)

    return tf.function(row, jit_compile=True)


def main() -> None:
    """Prints the median of each variant, and the share of the whole that it saves."""
    generator = np.random.default_rng(0)
    embeddings = tf.constant(generator.standard_normal((_ROWS, _TOKENS, _DIM)), tf.float32)
    mask = tf.ones((_ROWS, _TOKENS), tf.bool)
    functions = {name: _compiled(change) for name, change in VARIANTS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(_ROUNDS + 1):
        for name, function in functions.items():
            start = perf_counter()
            for _ in range(_CALLS):
                function(embeddings, mask).numpy()
            if number:  # the first round compiles
                seconds[name].append((perf_counter() - start) / _CALLS)
    whole = statistics.median(seconds["whole"])
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:32} {1e3 * median:6.1f} ms  {1 - median / whole:5.1%} saved")


if __name__ == "__main__":
    main()
