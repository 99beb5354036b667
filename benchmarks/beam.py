"""Two workers of Beam's DirectRunner beside two of `explain_dataset`, on the same rows and cores.

    python -m benchmarks.beam [--rows 4000] [--rounds 3]

Both read one .tsv file, load one `.keras` file in each of two processes and write Parquet files;
both times are whole, from the call to the last file. A run of 64 rows shows what of it is the
start. Needs the extras `beam` and `parquet`.
"""

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

import tf_salience as tfs
from benchmarks.machine import describe
from tf_salience.beam import Batching, Explain
from tf_salience.beam.files import ReadExamples, explain_files
from tf_salience.utils.cores import usable_cores

GOAL = 1.3
_START = 64
_WORKERS = 2
_OPTIONS = (
    "--runner=DirectRunner",
    "--direct_running_mode=multi_processing",
    f"--direct_num_workers={_WORKERS}",
)


def write_texts(path: Path, rows: int, seed: int = 0) -> list[str]:
    """Writes texts of 3 to 40 made-up words, and returns them."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, 41, rows)
    texts = [" ".join(f"w{word}" for word in random.integers(0, 2000, size)) for size in lengths]
    path.write_text("\n".join(["text", *texts]) + "\n")
    return texts


def text_model(texts: list[str]) -> keras.Model:
    """A bidirectional LSTM that takes texts; its weights are random."""
    keras.utils.set_random_seed(0)
    words = layers.TextVectorization()
    words.adapt(texts)
    return keras.Sequential(
        [
            keras.Input((), dtype="string", name="text"),
            words,
            layers.Embedding(words.vocabulary_size(), 128, mask_zero=True),
            layers.Bidirectional(layers.LSTM(128)),
            layers.Dense(3),
        ]
    )


def seconds(run: Callable[[], Any]) -> float:
    """The time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def by_dataset(data: Path, output: Path, folder: Path) -> None:
    """Explains a file by `explain_dataset`, in eight shards."""
    rows = len(data.read_text().splitlines())
    tfs.explain_dataset(
        str(folder / "model.keras"),
        str(data),
        output,
        workers=_WORKERS,
        shard_rows=-(-rows // (4 * _WORKERS)),
        progress=False,
    )


def by_beam(data: Path, output: Path, folder: Path) -> None:
    """Explains a file by Beam's DirectRunner."""
    explain_files(
        [str(data)],
        str(output),
        Explain(
            folder / "model.keras",
            batching=Batching(max_batch_size=2048),
            threads=max(1, usable_cores() // _WORKERS),
        ),
        ReadExamples("text"),
        pipeline_options=_OPTIONS,
    )


_RUNS: dict[str, Callable[..., None]] = {
    "explain_dataset(workers=2)": by_dataset,
    "Beam, DirectRunner": by_beam,
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for name, value in describe().items():
        print(f"{name}: {value}")
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        texts = write_texts(folder / "texts.tsv", options.rows)
        write_texts(folder / "start.tsv", _START)
        text_model(texts).save(folder / "model.keras")
        times: dict[tuple[str, str], list[float]] = {}
        for number in range(options.rounds):
            for source in ("start", "texts"):
                for name, run in _RUNS.items():
                    output = folder / f"{source}-{number}-{run.__name__}"
                    taken = seconds(
                        functools.partial(run, folder / f"{source}.tsv", output, folder)
                    )
                    times.setdefault((name, source), []).append(taken)
    medians = {key: statistics.median(rounds) for key, rounds in times.items()}
    print(f"\nseconds, {options.rows} rows (and {_START}, mostly the start), {_WORKERS} processes")
    for name in _RUNS:
        rounds = times[name, "texts"]
        print(
            f"  {name:28} {medians[name, 'texts']:6.1f} ({min(rounds):.1f} - {max(rounds):.1f}), "
            f"{medians[name, 'start']:5.1f}"
        )
    ratio = medians["Beam, DirectRunner", "texts"] / medians["explain_dataset(workers=2)", "texts"]
    print(f"  ratio {ratio:.2f}; goal: at most {GOAL}: {'met' if ratio <= GOAL else 'MISSED'}")


if __name__ == "__main__":
    main()
