"""captum on torch's CPU build: `LayerIntegratedGradients` at the embedding layer."""

from typing import Any

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

from benchmarks.peers import torch_model
from benchmarks.peers.base import Array, fastest
from benchmarks.work import Work


class Captum:
    """Gauss-Legendre, its default; the batch sizes are the fastest of some."""

    def __init__(self, work: Work) -> None:
        model = torch_model.build(work)
        difference = torch_model.largest_difference(model, work)
        if difference > 1e-4:
            raise ValueError(f"The copy's logits differ by {difference:.1e} from the model's.")
        self.notes = [f"its model's logits differ by {difference:.0e}"]
        self.facts: dict[str, Any] = {}
        self._ids = torch.from_numpy(work.ids).long()
        self._mask = torch.from_numpy(work.mask)
        self._target = torch.from_numpy(work.target)
        self._method = LayerIntegratedGradients(model, model.embed)
        self._choice = (8, 32)

    def __call__(self, examples: Array, steps: int) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        return self._run(examples, steps, self._choice)

    def tune(self, examples: Array, steps: int) -> None:
        """Tries how many examples to pass at once, and `internal_batch_size`."""
        choices = [
            (together, rows)
            for together in sorted({min(8, len(examples)), len(examples)})
            for rows in (16, 32, 64)
            if together <= rows <= together * steps
        ]
        self._choice = fastest(choices, lambda choice: self._run(examples, steps, choice))
        together, rows = self._choice
        self.notes = [*self.notes[:1], f"{together} examples a call, internal_batch_size={rows}"]

    def _run(self, examples: Array, steps: int, choice: tuple[int, int]) -> Array:
        together, rows = choice
        found = []
        for start in range(0, len(examples), together):
            some = torch.from_numpy(examples[start : start + together])
            ids = self._ids[some]
            attributions = self._method.attribute(
                ids,
                baselines=torch.zeros_like(ids),  # padding, whose embedding is zero
                target=self._target[some],
                additional_forward_args=(self._mask[some],),
                n_steps=steps,
                internal_batch_size=rows,
            )
            found.append(attributions.sum(dim=-1).detach().numpy())
        return np.concatenate(found)


def make(work: Work) -> Captum:
    """The tool for one piece of work."""
    return Captum(work)
