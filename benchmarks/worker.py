"""A worker: `python -m benchmarks.worker TOOL` runs one tool when it is told to."""

import importlib
import pathlib
import resource
import sys
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import protocol, work
from benchmarks.peers import base, catalogue


class _Runner:
    """Holds the tool between requests."""

    def __init__(self, name: str) -> None:
        self._tool = catalogue.TOOLS[name]
        self._peer: base.Peer | None = None
        self._work: work.Work | None = None

    def load(self, folder: str) -> dict[str, Any]:
        """Gets everything ready that a user gets ready once."""
        start = perf_counter()
        module = importlib.import_module(f"benchmarks.peers.{self._tool.module}")
        self._work = work.load(pathlib.Path(folder))
        self._peer = module.make(self._work, **self._tool.options)
        return {"seconds": perf_counter() - start}

    def tune(self, steps: Any) -> dict[str, Any]:
        """Lets the tool choose its batch sizes, on some of the examples."""
        self._ready.tune(np.arange(min(32, len(self._loaded.ids))), steps)
        return {"notes": self._ready.notes}

    def run(
        self, steps: Any, output: str | None = None, examples: list[int] | None = None
    ) -> dict[str, Any]:
        """Explains, and says how long it took."""
        some = np.arange(len(self._loaded.ids)) if examples is None else np.asarray(examples)
        start = perf_counter()
        scores = self._ready(some, steps)
        # The limit is reckoned, not run: it says its own seconds.
        seconds = self._ready.facts.get("seconds", perf_counter() - start)
        if output is not None:
            np.save(output, scores)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"seconds": seconds, "peak_mib": peak, "facts": self._ready.facts}

    @property
    def _ready(self) -> base.Peer:
        assert self._peer is not None, "load comes first"
        return self._peer

    @property
    def _loaded(self) -> work.Work:
        assert self._work is not None, "load comes first"
        return self._work


def main() -> None:
    """Serves the tool named in the command line."""
    runner = _Runner(sys.argv[1])
    protocol.serve({"load": runner.load, "tune": runner.tune, "run": runner.run})


if __name__ == "__main__":
    main()
