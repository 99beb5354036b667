"""Work (c): how time and peak memory grow with steps, tokens and batch; a fresh process a point.

`python -m benchmarks.growth '{"steps": 32, "tokens": 64, "batch": 8}'` measures one point.
"""

import dataclasses
import json
import pathlib
import resource
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import protocol
from benchmarks.work import Shape

#: What stays as it is while one axis grows.
_BASE = {"steps": 32, "tokens": 64, "batch": 8}
AXES = {
    "steps": [8, 16, 32, 64, 128, 256, 512, 1024],
    "tokens": [16, 32, 64, 128, 256, 512],
    "batch": [1, 2, 4, 8, 16, 32, 64, 128, 256],
}
QUICK_AXES = {"steps": [8, 64, 512], "tokens": [16, 64, 256], "batch": [1, 8, 64]}
_SHAPE = Shape("pre_ln", vocabulary=2000, tokens=512, dim=64, layers=2)


@dataclasses.dataclass(frozen=True)
class Growth:
    """How this project grows along one axis.

    Attributes:
        axis: "steps", "tokens" or "batch".
        points: its sizes.
        seconds: at each size, the median of some warm runs.
        peak_mib: at each size, beside what the process had after loading and one small run.
        time_exponent: of the power that fits the upper half of the sizes best.
        memory_exponent: the same; None where no more memory was taken.
    """

    axis: str
    points: list[int]
    seconds: list[float]
    peak_mib: list[float]
    time_exponent: float
    memory_exponent: float | None


def measure(axes: dict[str, list[int]], say: Callable[[str], None]) -> list[Growth]:
    """Every point of the axes."""
    found: dict[tuple[int, ...], dict[str, float]] = {}
    grown = []
    for axis, sizes in axes.items():
        say(f"growth with {axis}")
        points = []
        for size in sizes:
            point = {**_BASE, axis: size}
            key = tuple(point.values())
            if key not in found:
                found[key] = protocol.once("benchmarks.growth", point, patience=600)
            points.append(found[key])
        seconds = [point["seconds"] for point in points]
        peaks = [point["peak_mib"] for point in points]
        exponents = exponent(sizes, seconds), exponent(sizes, peaks)
        grown.append(Growth(axis, sizes, seconds, peaks, exponents[0] or 0.0, exponents[1]))
    return grown


def exponent(sizes: list[int], values: list[float]) -> float | None:
    """The exponent of the power law through the upper half of the points; None below zero."""
    half = len(sizes) // 2
    if min(values[half:]) <= 0:
        return None
    return float(np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0])


def _peak_mib() -> float:
    status = pathlib.Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    # In KiB on Linux, in bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _forget_peak() -> None:
    """Starts the peak anew where the system can; elsewhere it goes on from what it was."""
    clear = pathlib.Path("/proc/self/clear_refs")
    if clear.is_file():
        clear.write_text("5")


def point(steps: int, tokens: int, batch: int) -> dict[str, float]:
    """Seconds and peak memory of one point, in this process."""
    import tf_salience as tfs

    model = _SHAPE.model()
    generator = np.random.default_rng(0)
    method = tfs.IntegratedGradients(steps=steps, rule="gauss_legendre")
    explainer = tfs.Explainer(model, method)
    tfs.explain(model, generator.integers(1, 2000, (1, 16)), tfs.IntegratedGradients(steps=8))
    ids = generator.integers(1, _SHAPE.vocabulary, (batch, tokens))
    _forget_peak()
    before = _peak_mib()
    seconds: list[float] = []
    while len(seconds) < 4 and sum(seconds) < 20:
        start = perf_counter()
        explainer(ids)
        seconds.append(perf_counter() - start)
    warm = seconds[1:] or seconds
    return {"seconds": statistics.median(warm), "peak_mib": _peak_mib() - before}


def main() -> None:
    """Measures the point named in the command line."""
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    print(json.dumps(point(**arguments)))


if __name__ == "__main__":
    main()
