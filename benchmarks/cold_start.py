"""Work (f): a fresh process, a model loaded, the first sentence explained.

`python -m benchmarks.cold_start '{"folder": ..., "tool": "auto", "options": {}, "sentence": 0}'`
measures one process.
"""

import dataclasses
import importlib
import json
import pathlib
import statistics
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import environments, protocol, work
from benchmarks.peers.catalogue import TOOLS

#: What each module of `peers` needs, as its user would import it.
_PACKAGES = {
    "ours": ("tensorflow", "keras", "keras_hub", "tf_salience"),
    "captum": ("torch", "captum.attr"),
}
#: Calls of the first sentence after its first one.
_AGAIN = 3


@dataclasses.dataclass(frozen=True)
class Variant:
    """A tool and how it is started.

    Attributes:
        label: what the table calls it.
        tool: its name in the catalogue.
        options: beside those of the catalogue.
        variables: environment variables of its process.
    """

    label: str
    tool: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)


VARIANTS = {
    "auto": Variant("tf_salience", "auto"),
    "auto_xla": Variant("tf_salience, jit_compile=True", "auto", {"jit_compile": True}),
    "captum": Variant("captum", "captum_longest"),
    "captum_passive": Variant(
        "captum, OMP_WAIT_POLICY=passive", "captum_longest", {}, {"OMP_WAIT_POLICY": "passive"}
    ),
}


def measure(folder: pathlib.Path, place: pathlib.Path, processes: int) -> dict[str, Any]:
    """Seconds of each part, by variant: the medians of some processes, in turn.

    Args:
        folder: of the work. Each turn has a sentence of its own.
        place: the folder of the peers' environments.
        processes: how many of each variant.

    Returns:
        For each variant "import", "load", "first", "traces" and "longest_trace" (parts of "first"),
        "again", "other" (a sentence of another length, for the first time), and "to_first": the
        sum of the first three. A dict of "failed" alone where there are no figures.
    """
    parts: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    failed: dict[str, str] = {}
    for sentence in range(processes):
        for name, variant in VARIANTS.items():
            argument = {
                "folder": str(folder),
                "tool": variant.tool,
                "options": dict(variant.options),
                "sentence": sentence,
            }
            try:
                python = environments.python_of(TOOLS[variant.tool].environment, place)
                seconds = protocol.once(
                    "benchmarks.cold_start",
                    argument,
                    patience=900,
                    python=python,
                    variables=variant.variables,
                )
            except (environments.CannotInstallError, protocol.WorkerError) as error:
                failed[name] = str(error)
                continue
            parts[name].append({**seconds, "to_first": sum(_up_to_first(seconds))})
    return {
        name: {"failed": failed[name]}
        if name in failed
        else {key: statistics.median(one[key] for one in runs) for key in runs[0]}
        for name, runs in parts.items()
    }


def _up_to_first(seconds: Mapping[str, float]) -> list[float]:
    return [seconds[part] for part in ("import", "load", "first")]


def _started(folder: str, tool: str, options: dict[str, Any], sentence: int) -> dict[str, float]:
    """The parts of one process: this one."""
    times = [perf_counter()]
    for package in _PACKAGES[TOOLS[tool].module]:
        importlib.import_module(package)
    times.append(perf_counter())
    module = importlib.import_module(f"benchmarks.peers.{TOOLS[tool].module}")
    loaded = work.load(pathlib.Path(folder))
    peer = module.make(loaded, **TOOLS[tool].options, **options)
    traces = _traces() if TOOLS[tool].module == "ours" else []
    times.append(perf_counter())

    def explain(number: int) -> float:
        start = perf_counter()
        peer(np.array([number]), TOOLS[tool].default_steps)
        return perf_counter() - start

    first = explain(sentence)
    tracing, longest = sum(traces), max(traces, default=0.0)
    again = statistics.median(explain(sentence) for _ in range(_AGAIN))
    return {
        "import": times[1] - times[0],
        "load": times[2] - times[1],
        "first": first,
        "traces": tracing,
        "longest_trace": longest,
        "again": again,
        "other": explain(_of_other_length(loaded, sentence)),
    }


def _traces() -> list[float]:
    """Seconds of every graph that the library traces from now on."""
    from tf_salience.attribution.execution.compilation import TracedFunction

    seconds: list[float] = []
    trace = TracedFunction._trace

    def timed(self: TracedFunction, tensors: Any) -> Any:
        start = perf_counter()
        graph = trace(self, tensors)
        seconds.append(perf_counter() - start)
        return graph

    setattr(TracedFunction, "_trace", timed)  # noqa: B010
    return seconds


def _of_other_length(loaded: work.Work, sentence: int) -> int:
    """The sentence that differs from another most nearly by a factor of two."""
    lengths = loaded.mask.sum(axis=1)
    ratios = np.abs(np.log2(lengths / lengths[sentence]))
    return int(np.argmin(np.abs(ratios - 1)))


def main() -> None:
    """Measures what the command line says."""
    print(json.dumps(_started(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
