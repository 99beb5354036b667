"""What streaming costs: `explain_dataset` beside the bare explainer, its memory, its workers.

    python -m benchmarks.streaming --data movie_reviews.tsv [--part speed|memory|workers|cost]

A pre-LN transformer of two layers, d=64, trained for two epochs on the reviews, which are repeated
as often as rows are needed. Each point is a process of its own; those of a part are printed with
its goal. Shards go to a temporary folder.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks import machine, protocol
from benchmarks.goals import Goal

_ROWS, _MORE_ROWS, _WORKER_ROWS, _ROUNDS = 20_000, 200_000, 60_000, 3
_COST_ROWS = (5_000, 10_000, 20_000)
_METHODS = ("gradient_norm", "gradient_dot_input", "integrated_gradients")
_BILLION = 10**9
PARTS = ("speed", "memory", "workers", "cost")


def texts(data: str, rows: int) -> list[str]:
    """So many texts of a file, repeated."""
    from tf_salience.data.files import read_file

    return list(itertools.islice(itertools.cycle(read_file(data).texts), rows))


def train(data: str, path: pathlib.Path) -> None:
    """Trains the model of strings and saves it."""
    import keras

    from benchmarks import models
    from tf_salience.data.files import read_file

    keras.utils.set_random_seed(0)
    reviews = read_file(data)
    words = keras.layers.TextVectorization(max_tokens=8000)
    words.adapt(reviews.texts)
    classifier = models.build("pre_ln", words.vocabulary_size(), tokens=64, dim=64, layers=2)
    ids = words(np.array(reviews.texts, object)).numpy()[:, :64]
    classifier.compile(
        keras.optimizers.Adam(5e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    classifier.fit(ids, reviews.labels, epochs=2, batch_size=64, verbose=0)
    # Last the vocabulary: what has it is whole.
    np.savez(path, *classifier.get_weights())
    path.with_suffix(".txt").write_text("\n".join(words.get_vocabulary()[2:]), encoding="utf-8")


def _words(path: str) -> list[str]:
    return pathlib.Path(path).with_suffix(".txt").read_text(encoding="utf-8").split("\n")


def tokenizer(path: str) -> Any:
    """The tokenizer of the model at a path."""
    import keras

    return keras.layers.TextVectorization(vocabulary=_words(path))


def load(path: str) -> Any:
    """The model at a path."""
    from benchmarks import models

    # Padding and unknown are the first two.
    model = models.build("pre_ln", len(_words(path)) + 2, tokens=64, dim=64, layers=2)
    with np.load(path) as weights:
        model.set_weights([weights[name] for name in weights.files])
    return model


class PinnedModel:
    """Loads the model, in a worker on one core of its own.

    Args:
        path: of the model.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self) -> Any:
        """Pins a worker, and returns the model."""
        number = multiprocessing.current_process().name.rpartition("-")[2]
        if number.isdecimal():
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[(int(number) - 1) % len(cores)]})
        return load(self.path)


def measure(kind: str, model: str, data: str, **options: Any) -> dict[str, Any]:
    """One point, in this process."""
    if kind == "speed":
        return _speed(model, data, options["rows"], options["rounds"])
    if options.get("cores"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: options["cores"]]))
    if options.get("threads"):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(options["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(options["threads"])
    cpu = process_time()
    seconds, counts = _stream(
        model,
        data,
        options["rows"],
        method=options["method"],
        workers=options.get("workers", 1),
        jit_compile=options.get("jit_compile", "auto"),
    )
    cpu = process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "peak_mib": _peak_mib(), **counts}


def _stream(model: str, data: str, rows: int, **keywords: Any) -> tuple[float, dict[str, int]]:
    import tf_salience as tfs

    source = itertools.islice(({"text": text} for text in _cycled(data)), rows)
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        manifest = tfs.explain_dataset(
            PinnedModel(model),
            source,
            folder,
            tokenizer=tokenizer(model),
            progress=False,
            **keywords,
        )
        return perf_counter() - start, manifest.counts


def _cycled(data: str) -> Any:
    from tf_salience.data.files import read_file

    return itertools.cycle(read_file(data).texts)


def _speed(model: str, data: str, rows: int, rounds: int) -> dict[str, Any]:
    """The bare explainer and streaming in turn, each with an explainer that is new."""
    import tf_salience as tfs

    sentences = texts(data, rows)
    bare, streamed, cpu = [], [], []
    for _ in range(rounds):
        start, used = perf_counter(), process_time()
        tfs.Explainer(load(model), "gradient_dot_input", tokenizer=tokenizer(model))(sentences)
        bare.append(perf_counter() - start)
        used_bare, used = process_time() - used, process_time()
        streamed.append(_stream(model, data, rows, method="gradient_dot_input")[0])
        cpu.append((process_time() - used) / used_bare)
    return {"bare": bare, "streamed": streamed, "cpu": cpu}


def _point(kind: str, folder: pathlib.Path, data: str, **options: Any) -> dict[str, Any]:
    arguments = {"kind": kind, "model": str(folder / "model.npz"), "data": data, **options}
    return protocol.once("benchmarks.streaming", arguments, patience=900)


def speed(folder: pathlib.Path, data: str, scale: float) -> list[Goal]:
    """Streaming beside the bare explainer."""
    rows = int(_ROWS * scale)
    point = _point("speed", folder, data, rows=rows, rounds=_ROUNDS)
    ratios = [new / old for new, old in zip(point["streamed"], point["bare"], strict=True)]
    print(f"{rows:,} sentences, seconds: bare {_seconds(point['bare'])}; streamed "
          f"{_seconds(point['streamed'])}; processor time, streamed over bare: "
          f"{', '.join(f'{ratio:.3f}' for ratio in point['cpu'])}", flush=True)  # fmt: skip
    return [Goal("streaming over the bare explainer", "at most", 1.05, statistics.median(ratios))]


def memory(folder: pathlib.Path, data: str, scale: float) -> list[Goal]:
    """The peak of few rows and of ten times as many, without XLA.

    XLA compiles a shape once the job is long enough to pay for it, which takes memory once.
    """
    peaks = []
    for total in (_ROWS, _MORE_ROWS):
        rows = int(total * scale)
        point = _point(
            "stream", folder, data, rows=rows, method="gradient_dot_input", jit_compile=False
        )
        peaks.append(point["peak_mib"])
        print(f"{rows:,} rows: {point['seconds']:.1f} s, peak {peaks[-1]:.0f} MiB", flush=True)
    return [Goal("peak of ten times the rows", "at most", 1.10, peaks[1] / peaks[0])]


def workers(folder: pathlib.Path, data: str, scale: float) -> list[Goal]:
    """One worker on one core, two on two; each on a core of its own."""
    rows, seconds = int(_WORKER_ROWS * scale), []
    for count in (1, 2):
        point = _point(
            "stream", folder, data, rows=rows, method="gradient_dot_input", workers=count,
            cores=count, threads=1,
        )  # fmt: skip
        seconds.append(point["seconds"])
        print(f"{count} on {count} cores, {rows:,} rows: {seconds[-1]:.1f} s", flush=True)
    return [Goal("two workers over one", "at least", 1.6, seconds[0] / seconds[1])]


def cost(folder: pathlib.Path, data: str, scale: float) -> list[Goal]:
    """Seconds and evaluations of each method as the rows grow, and of a billion."""
    for method in _METHODS:
        rows = [int(number * scale) for number in _COST_ROWS]
        points = [
            _point("stream", folder, data, rows=number, method=method, cores=1, threads=1)
            for number in rows
        ]
        # Of one core: what else the machine does is not in it.
        seconds = [point["cpu"] for point in points]
        slope, start = np.polyfit(rows, seconds, 1)
        evaluations = points[-1]["evaluations"] / points[-1]["rows"]
        print(
            f"{method:22} {', '.join(f'{s:.1f}' for s in seconds)} s for "
            f"{', '.join(f'{number:,}' for number in rows)} rows on one core: {1e3 * slope:.3f} ms "
            f"a row after {start:.1f} s, {evaluations:.2f} evaluations a row; a billion: "
            f"{evaluations * _BILLION:.2e} evaluations, {slope * _BILLION / 3600:,.0f} core-hours",
            flush=True,
        )
    return []


def _peak_mib() -> float:
    """The most memory that this process has had, in MiB; Linux."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _seconds(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)


def main() -> None:
    """Measures the parts, or the point that the command line names as JSON."""
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(**json.loads(sys.argv[1]))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="labelled texts, .tsv, .csv or .jsonl")
    parser.add_argument("--part", choices=PARTS, action="append", help="all, if none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of rows")
    parser.add_argument("--model", help="where the trained model is kept for other parts")
    options = parser.parse_args()
    options.data = str(pathlib.Path(options.data).resolve())
    for name, value in machine.describe().items():
        print(f"{name}: {value}")
    folder = pathlib.Path(options.model or tempfile.mkdtemp()).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not (folder / "model.txt").is_file():
            train(options.data, folder / "model.npz")
        for part in options.part or PARTS:
            for goal in globals()[part](folder, options.data, options.scale):
                verdict = "reached" if goal.reached else "MISSED"
                print(f"{goal.text}: {goal.found:.3f} ({goal.bound} {goal.value}) {verdict}")
    finally:
        if options.model is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
