"""This project."""

from time import perf_counter
from typing import Any

import numpy as np

import tf_salience as tfs
from benchmarks.peers.base import Array
from benchmarks.work import Work

#: Seconds of work before the timing.
_WARMING = 60.0


class Ours:
    """An `Explainer` for each number of steps, kept as its user keeps it."""

    def __init__(self, work: Work, options: dict[str, Any]) -> None:
        self.notes = ["XLA" if options.get("jit_compile") is True else "as it comes"]
        self.facts: dict[str, Any] = {}
        self._work = work
        self._model = work.model()
        self._options = options
        self._explainers: dict[Any, tfs.Explainer] = {}

    def __call__(self, examples: Array, steps: Any) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        if steps not in self._explainers:
            self._explainers[steps] = tfs.Explainer(self._model, _method(steps), **self._options)
        inputs = self._work.shape.inputs(self._work.ids[examples])
        explanation = self._explainers[steps](inputs)
        if steps == "auto":
            evaluations = np.asarray(explanation.evaluations)
            self.facts = {
                "evaluations": evaluations.tolist(),
                "converged": int(np.count_nonzero(np.asarray(explanation.converged))),
            }
        scores = np.asarray(explanation.scores)
        return np.pad(scores, [(0, 0), (0, self._work.ids.shape[1] - scores.shape[1])])

    def tune(self, examples: Array, steps: Any) -> None:
        """Gives XLA the time to earn its compiling, as a data set of some thousand sentences does.

        All examples are run, since each number of rows earns its own.
        """
        del examples
        everyone = np.arange(len(self._work.ids))
        until, calls = perf_counter() + _WARMING, 0
        while perf_counter() < until:
            self(everyone, steps)
            calls += 1
        self.notes.append(f"{calls} calls before it is timed")


def _method(steps: Any) -> tfs.IntegratedGradients:
    if steps == "auto":
        return tfs.IntegratedGradients()
    return tfs.IntegratedGradients(steps=steps, rule="gauss_legendre")


def make(work: Work, **options: Any) -> Ours:
    """The tool for one piece of work."""
    return Ours(work, options)
