"""LIT 1.3.1's own `gradient_maps`, on a model wrapped as LIT's GLUE example wraps one."""

from typing import Any

import numpy as np
import tensorflow as tf
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import model as lit_model
from lit_nlp.api import types as lit_types
from lit_nlp.components import gradient_maps

from benchmarks.peers.base import Array
from benchmarks.work import Work

_MINIBATCH = 32


class _Model(lit_model.BatchedModel):
    """A Keras model as LIT sees it: sentences of ids, or their embeddings, 32 at a time."""

    def __init__(self, work: Work, *, compiled: bool) -> None:
        self._model = work.model()
        self._classes = [str(number) for number in range(work.shape.classes)]
        dim = work.shape.dim
        self._gradient: Any = self._trace
        if compiled:
            specs = [
                tf.TensorSpec((None, work.shape.tokens, dim), tf.float32),
                tf.TensorSpec((None, work.shape.tokens), tf.bool),
                tf.TensorSpec((None,), tf.int64),
            ]
            self._gradient = tf.function(self._trace, input_signature=specs)

    def max_minibatch_size(self) -> int:
        return _MINIBATCH

    def input_spec(self) -> lit_types.Spec:
        return {
            "tokens": lit_types.Tokenizer(),
            "embs": lit_types.TokenEmbeddings(align="tokens", required=False),
            "grad_class": lit_types.CategoryLabel(vocab=self._classes, required=False),
        }

    def output_spec(self) -> lit_types.Spec:
        return {
            "tokens": lit_types.Tokenizer(),
            "embs": lit_types.TokenEmbeddings(align="tokens"),
            "grads": lit_types.TokenGradients(
                align="tokens", grad_for="embs", grad_target_field_key="grad_class"
            ),
            "grad_class": lit_types.CategoryLabel(vocab=self._classes),
        }

    def predict_minibatch(self, inputs: list[Any]) -> list[Any]:
        longest = max(len(example["tokens"]) for example in inputs)
        ids = np.zeros((len(inputs), longest), np.int32)
        for row, example in zip(ids, inputs, strict=True):
            row[: len(example["tokens"])] = [int(token) for token in example["tokens"]]
        embeddings = self._model.embed(ids).numpy()
        for row, example in zip(embeddings, inputs, strict=True):
            if example.get("embs") is not None:
                row[: len(example["embs"])] = example["embs"]
        pinned = [int(example.get("grad_class", -1)) for example in inputs]
        columns, gradients = self._gradient(
            tf.constant(embeddings), tf.constant(ids != 0), tf.constant(pinned, tf.int64)
        )
        columns, gradients = columns.numpy(), gradients.numpy()
        return [
            {
                "tokens": example["tokens"],
                "embs": embeddings[number, : len(example["tokens"])],
                "grads": gradients[number, : len(example["tokens"])],
                "grad_class": str(columns[number]),
            }
            for number, example in enumerate(inputs)
        ]

    def _trace(self, embeddings: Any, mask: Any, pinned: Any) -> Any:
        """The explained classes (-1: the predicted ones), and the gradients."""
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            logits = self._model.head(self._model.pooled(embeddings, mask, False))
            columns = tf.where(pinned < 0, tf.argmax(logits, axis=1), pinned)
            targets = tf.gather(logits, columns, batch_dims=1)
        return columns, tape.gradient(targets, embeddings)


class Lit:
    """`gradient_maps.IntegratedGradients`, one sentence at a time, as it goes."""

    def __init__(self, work: Work, *, compiled: bool, padded: bool) -> None:
        style = "one tf.function" if compiled else "eager tape, as in its GLUE example"
        self.notes = [style, f"minibatch {_MINIBATCH}"]
        self.facts: dict[str, Any] = {}
        self._work = work
        self._model = _Model(work, compiled=compiled)
        lengths = np.full(len(work.ids), work.ids.shape[1]) if padded else work.mask.sum(axis=1)
        self._inputs = [
            {"tokens": [str(token) for token in row[:length]]}
            for row, length in zip(work.ids, lengths, strict=True)
        ]

    def __call__(self, examples: Array, steps: int) -> Array:
        """Scores (some, tokens) of the examples; see `base.Peer`."""
        interpreter = gradient_maps.IntegratedGradients(interpolation_steps=steps, normalize=False)
        inputs = [self._inputs[number] for number in examples]
        found = interpreter.run(inputs, self._model, lit_dataset.NoneDataset({}))
        scores = np.zeros((len(examples), self._work.ids.shape[1]))
        for row, result in zip(scores, found, strict=True):
            row[: len(result["grads"].salience)] = result["grads"].salience
        return scores

    def tune(self, examples: Array, steps: int) -> None:
        """Its minibatch is a part of the style."""


def make(work: Work, *, compiled: bool, padded: bool = True) -> Lit:
    """The tool for one piece of work."""
    return Lit(work, compiled=compiled, padded=padded)
