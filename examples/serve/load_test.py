"""Load test of an exported model: throughput, correct results, memory.

Loads the model into one process and calls it from 8 threads for some seconds: predictions, then
explanations, of texts of different lengths. What to see: every result equals that of a call
without load; the memory does not grow; the throughput of explanations relative to predictions.

    python examples/serve/load_test.py

`--seconds 60` runs longer; `--saved-model DIR` loads your own model, which must take texts.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

sys.path.append(str(Path(__file__).parent))

from make_requests import export_classifier

TEXT = "the soup was not really good and last night film never dull coffee awful view"
WORDS = TEXT.split()


def resident_memory() -> float:
    """Returns the resident memory of this process in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def random_batches(count: int) -> list[Any]:
    """Returns batches of 1 to 4 texts of 1 to 20 words."""
    rng = np.random.default_rng(0)
    return [
        tf.constant(
            [" ".join(rng.choice(WORDS, rng.integers(1, 21))) for _ in range(rng.integers(1, 5))]
        )
        for _ in range(count)
    ]


def measure(
    function: Callable[[Any], Any], batches: list[Any], seconds: float, threads: int
) -> tuple[float, int, float]:
    """Calls a function from several threads.

    Returns:
        Texts per second, the number of wrong results, and the growth of the memory in MiB.
    """
    expected = [function(batch).numpy() for batch in batches]
    texts, wrong, end = [0] * threads, [0] * threads, 0.0

    def work(thread: int) -> None:
        call = thread
        while time.perf_counter() < end:
            index = call % len(batches)
            result = function(batches[index]).numpy()
            same_shape = result.shape == expected[index].shape
            wrong[thread] += not (same_shape and np.allclose(result, expected[index], atol=1e-5))
            texts[thread] += len(batches[index])
            call += threads

    def run(duration: float) -> float:
        nonlocal end
        start = time.perf_counter()
        end = start + duration
        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return time.perf_counter() - start

    run(seconds / 2)  # lets every thread allocate its buffers
    memory = resident_memory()
    texts[:] = [0] * threads
    elapsed = run(seconds)
    return sum(texts) / elapsed, sum(wrong), resident_memory() - memory


def main() -> None:
    """Loads a model and prints its throughput."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--saved-model", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.saved_model or export_classifier(Path(temporary))
        model = tf.saved_model.load(str(directory))
    (name,) = model.signatures["attributions"].structured_input_signature[1]
    rates = {}
    for signature, output in (("serving_default", "output_0"), ("attributions", "scores")):

        def function(batch: Any, signature: str = signature, output: str = output) -> Any:
            return model.signatures[signature](**{name: batch})[output]

        batches = random_batches(64)
        rate, wrong, growth = measure(function, batches, options.seconds, options.threads)
        rates[signature] = rate
        print(
            f"{signature:16} {options.threads} threads: {rate:7.0f} texts a second, {wrong} wrong, "
            f"memory {growth:+.0f} MiB"
        )
    ratio = rates["serving_default"] / rates["attributions"]
    print(f"an explanation costs as much as {ratio:.1f} predictions")


if __name__ == "__main__":
    main()
