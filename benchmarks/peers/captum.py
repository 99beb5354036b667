"""captum on torch's CPU build: `LayerIntegratedGradients` at the embedding layer."""

from typing import Any

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

from benchmarks.peers import torch_model
from benchmarks.peers.base import Array, fastest
from benchmarks.work import Work


class Captum:
    """Gauss-Legendre, its default; the batch sizes are the fastest of some.

    Args:
        work: the work.
        padding: "work": to the width of the work's ids; "longest": each batch to its longest text,
            as Hugging Face's tokenizers do with `padding=True`.
    """

    def __init__(self, work: Work, padding: str = "work") -> None:
        self.notes: list[str] = []
        self.facts: dict[str, Any] = {}
        self._work = work
        self._model = torch_model.build(work)
        self._method = LayerIntegratedGradients(self._model, self._model.embed)
        self._padding = padding
        self._choice = (8, 32)

    def __call__(self, examples: Array, steps: int) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        return self._run(examples, steps, self._choice)

    def tune(self, examples: Array, steps: int) -> None:
        """Tries how many examples to pass at once, and `internal_batch_size`.

        Raises:
            ValueError: if its model is not the one in Keras.
        """
        difference = torch_model.largest_difference(self._model, self._work)
        if difference > 1e-4:
            raise ValueError(f"The copy's logits differ by {difference:.1e} from the model's.")
        choices = [
            (together, rows)
            for together in sorted({min(8, len(examples)), len(examples)})
            for rows in (16, 32, 64)
            if together <= rows <= together * steps
        ]
        self._choice = fastest(choices, lambda choice: self._run(examples, steps, choice))
        together, rows = self._choice
        self.notes = [
            f"its model's logits differ by {difference:.0e}",
            f"{together} examples a call, internal_batch_size={rows}",
        ]

    def _run(self, examples: Array, steps: int, choice: tuple[int, int]) -> Array:
        together, rows = choice
        scores = np.zeros((len(examples), self._work.ids.shape[1]), np.float32)
        for start in range(0, len(examples), together):
            some = examples[start : start + together]
            ids, mask = self._work.ids[some], self._work.mask[some]
            if self._padding == "longest":
                width = int(mask.sum(axis=1).max())
                ids, mask = ids[:, :width], mask[:, :width]
            tensor = torch.from_numpy(ids).long()
            attributions = self._method.attribute(
                tensor,
                baselines=torch.zeros_like(tensor),  # padding, whose embedding is zero
                target=torch.from_numpy(self._work.target[some]),
                additional_forward_args=(torch.from_numpy(mask),),
                n_steps=steps,
                internal_batch_size=rows,
            )
            found = attributions.sum(dim=-1).detach().numpy()
            scores[start : start + together, : found.shape[1]] = found
        return scores


def make(work: Work, **options: Any) -> Captum:
    """The tool for one piece of work."""
    return Captum(work, **options)
