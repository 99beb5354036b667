"""alibi 0.9.6: `IntegratedGradients` at the embedding layer."""

from typing import Any

import keras
import numpy as np
from alibi.explainers import IntegratedGradients

from benchmarks.peers.base import Array, fastest
from benchmarks.work import Work


class _Model(keras.Model):
    """The model with what alibi asks of one beside its call."""

    inputs = ()

    def __init__(self, model: keras.Model, classes: int) -> None:
        super().__init__()
        self.inner = model
        self.output_shape = (None, classes)

    def call(self, ids: Any, mask: Any = None) -> Any:
        return self.inner(ids, mask=mask, training=False)


class Alibi:
    """Its defaults: Gauss-Legendre, 100 rows at a time, eager."""

    def __init__(self, work: Work) -> None:
        self.facts: dict[str, Any] = {}
        self._work = work
        self._model = _Model(work.model(), work.shape.classes)
        self._together = len(work.ids)
        self.notes = [
            "the mask is passed by hand: alibi feeds the model zeros for ids, and without it its "
            f"scores are {self._without_mask()}"
        ]

    def __call__(self, examples: Array, steps: int) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        return self._run(examples, steps, self._together)

    def tune(self, examples: Array, steps: int) -> None:
        """Tries how many examples to pass at once."""
        choices = sorted({1, min(8, len(examples)), len(examples)})
        if len(choices) > 1:
            self._together = fastest(choices, lambda some: self._run(examples, steps, some))
        self.notes = [*self.notes[:1], f"{self._together} examples a call"]

    def _run(self, examples: Array, steps: int, together: int) -> Array:
        explainer = IntegratedGradients(self._model, layer=self._model.inner.embed, n_steps=steps)
        found = []
        for start in range(0, len(examples), together):
            some = examples[start : start + together]
            explanation = explainer.explain(
                self._work.ids[some],
                forward_kwargs={"mask": self._work.mask[some]},
                target=self._work.target[some],
            )
            found.append(np.asarray(explanation.attributions[0]).sum(axis=-1))
        return np.concatenate(found)

    def _without_mask(self) -> str:
        explainer = IntegratedGradients(self._model, layer=self._model.inner.embed, n_steps=2)
        found = explainer.explain(self._work.ids[:1], target=self._work.target[:1])
        return "not zero" if np.any(found.attributions[0]) else "all zero"


def make(work: Work) -> Alibi:
    """The tool for one piece of work."""
    return Alibi(work)
