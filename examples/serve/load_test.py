"""What does an explanation cost a server, and are the answers still right under load?

Loads an exported model into one process and asks it from 8 threads at once for some seconds:
predictions, then explanations, of texts of many lengths. What to see: no answer differs from the
one that was given when nothing else was going on; the memory does not grow; and the throughput
of explanations beside that of predictions, which is their price.

    python examples/serve/load_test.py

`--seconds 60` for longer, `--saved-model DIR` for your own, if it takes texts.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

sys.path.append(str(Path(__file__).parent))

from make_requests import exported

WORDS = [
    "the",
    "soup",
    "was",
    "not",
    "really",
    "good",
    "and",
    "last",
    "night",
    "film",
    "never",
    "dull",
    "coffee",
    "awful",
    "view",
]


def resident() -> float:
    """The memory of this process, in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def requests(number: int) -> list[Any]:
    """Batches of 1 to 4 texts of 1 to 20 words."""
    generator = np.random.default_rng(0)
    return [
        tf.constant(
            [
                " ".join(generator.choice(WORDS, generator.integers(1, 21)))
                for _ in range(generator.integers(1, 5))
            ]
        )
        for _ in range(number)
    ]


def load(ask: Any, batches: list[Any], seconds: float, threads: int) -> tuple[float, int, float]:
    """Asks from many threads: texts a second, wrong answers, MiB that the memory grew by."""
    expected = [ask(batch).numpy() for batch in batches]
    asked, wrong, end = [0] * threads, [0] * threads, 0.0

    def work(thread: int) -> None:
        turn = thread
        while time.perf_counter() < end:
            which = turn % len(batches)
            answer = ask(batches[which]).numpy()
            same = answer.shape == expected[which].shape
            wrong[thread] += not (same and np.allclose(answer, expected[which], atol=1e-5))
            asked[thread] += len(batches[which])
            turn += threads

    def run(length: float) -> float:
        nonlocal end
        start = time.perf_counter()
        end = start + length
        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return time.perf_counter() - start

    run(seconds / 2)  # every thread has its buffers after that
    before = resident()
    asked[:] = [0] * threads
    taken = run(seconds)
    return sum(asked) / taken, sum(wrong), resident() - before


def main() -> None:
    """Loads, asks, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--saved-model", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        folder = options.saved_model or exported(Path(room))
        model = tf.saved_model.load(str(folder))
    (name,) = model.signatures["attributions"].structured_input_signature[1]
    rates = {}
    for signature, output in (("serving_default", "output_0"), ("attributions", "scores")):
        function = model.signatures[signature]

        def ask(batch: Any, function: Any = function, output: str = output) -> Any:
            return function(**{name: batch})[output]

        rate, wrong, grown = load(ask, requests(64), options.seconds, options.threads)
        rates[signature] = rate
        print(
            f"{signature:16} {options.threads} threads: {rate:7.0f} texts a second, {wrong} wrong, "
            f"memory {grown:+.0f} MiB"
        )
    price = rates["serving_default"] / rates["attributions"]
    print(f"an explanation is worth {price:.1f} predictions")


if __name__ == "__main__":
    main()
