"""PAIR saliency 0.2.1, called as its README calls it: an eager tape, one example at a time."""

from typing import Any

import numpy as np
import saliency.core as saliency
import tensorflow as tf

from benchmarks.peers.base import Array
from benchmarks.work import Work

#: Nodes a call, as in its example notebooks.
_BATCH = 20


class Saliency:
    """`IntegratedGradients` on the embeddings of each sentence."""

    def __init__(self, work: Work) -> None:
        self.notes = [f"eager tape, one example at a time, batch_size={_BATCH}, as its examples"]
        self.facts: dict[str, Any] = {}
        self._work = work
        self._model = work.model()

    def __call__(self, examples: Array, steps: int) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        method = saliency.IntegratedGradients()
        found = []
        for number in examples:
            mask = method.GetMask(
                self._model.embed(self._work.ids[number]).numpy(),
                self._call_model,
                {"mask": self._work.mask[number], "class": int(self._work.target[number])},
                x_steps=steps,
                batch_size=_BATCH,
            )
            found.append(mask.sum(axis=-1))
        return np.stack(found)

    def tune(self, examples: Array, steps: int) -> None:
        """Its batch is a part of the style."""

    def _call_model(self, points: Array, call_model_args: Any, expected_keys: Any) -> Any:
        points = tf.convert_to_tensor(points, tf.float32)
        mask = np.repeat(call_model_args["mask"][None], len(points), axis=0)
        with tf.GradientTape() as tape:
            tape.watch(points)
            logits = self._model.head(self._model.pooled(points, mask, False))
            output = logits[:, call_model_args["class"]]
        return {saliency.INPUT_OUTPUT_GRADIENTS: tape.gradient(output, points).numpy()}


def make(work: Work) -> Saliency:
    """The tool for one piece of work."""
    return Saliency(work)
