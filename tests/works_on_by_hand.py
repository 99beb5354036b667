"""The target of a model at other embeddings, by hand: without the library.

The model is run as it is, with the `call` of its embedding layers wrapped, and the formula of each
target is written once more.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs

_STEP = 1e-3

Formula = Callable[[Any], np.ndarray]


class ByHand:
    """The target of some examples, as a function of what their embeddings are multiplied by.

    Args:
        model: the model.
        arrays: what `model(...)` takes.
        leaves: the same arrays by the names of the model's inputs.
        explanation: an explanation of them, for its segments and layers.
        target: what was explained, "predicted", a `Span` or a `Position`.
        output: the explained output, of several.
    """

    def __init__(
        self,
        model: keras.Model,
        arrays: Any,
        leaves: dict[str, Any],
        explanation: tfs.Explanation,
        *,
        target: Any = "predicted",
        output: Any = None,
    ) -> None:
        names = set(explanation.config["embeddings"])
        self._model, self._arrays, self._output = model, arrays, output
        self._layers = [
            layer for layer in model._flatten_layers() if {layer.name, layer.path} & names
        ]
        self._rates = np.random.default_rng(2).standard_normal(1000).astype(np.float32)
        outputs, calls = self._run(tf.ones_like)
        ids = _ids_of_segments(explanation, calls, leaves)
        self._ids = np.concatenate([*ids.values()], axis=1)
        self._formula = _formula(target, model, outputs, ids, leaves)

    def at(self, factor: float) -> np.ndarray:
        """Returns the target, (batch,), at the embeddings times a factor."""
        return self._formula(self._run(lambda ids: tf.fill(tf.shape(ids), factor))[0])

    def slope(self) -> np.ndarray:
        """Returns the change of the target, (batch,), as each id's vector grows at its own rate."""
        above, below = (
            self._formula(self._run(lambda ids, step=step: 1 + step * self._rates_of(ids))[0])
            for step in (_STEP, -_STEP)
        )
        return (above - below) / (2 * _STEP)

    def slope_by(self, scores: np.ndarray) -> np.ndarray:
        """Returns the same, (batch,), by the scores of gradient · input, (batch, tokens)."""
        return (scores * np.asarray(self._rates_of(self._ids))).sum(1)

    def _rates_of(self, ids: Any) -> Any:
        return tf.gather(self._rates, tf.cast(ids, tf.int32))

    def _run(self, factors: Callable[[Any], Any]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Runs the model; returns its outputs, and the ids of each call of the layers."""
        calls: list[np.ndarray] = []

        def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
            def wrapper(ids: Any, reverse: bool = False) -> Any:
                if reverse:  # the head of a language model, of the same table
                    return call(ids, reverse=True)
                calls.append(np.asarray(ids))
                return call(ids) * factors(tf.cast(ids, tf.float32))[:, :, None]

            return wrapper

        for layer in self._layers:
            layer.call = wrapped(layer.call)
        try:
            outputs = self._model(self._arrays, training=False)
        finally:
            for layer in self._layers:
                del layer.call
        outputs = outputs if self._output is None else outputs[self._output]
        return np.asarray(outputs, np.float64), calls


def _ids_of_segments(
    explanation: tfs.Explanation, calls: list[np.ndarray], leaves: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Returns the ids of each segment: of the call on the input of its name, or of its width.

    The columns that are padding in all examples may be missing in the segment.
    """
    ids, remaining = {}, list(calls)
    for name, columns in explanation.segments.items():
        width = columns.stop - columns.start

        def fit(number: int, name: str = name, width: int = width) -> tuple[bool, int]:
            array = remaining[number]
            is_input = name in leaves and np.array_equal(array, np.asarray(leaves[name]))
            return not is_input, abs(array.shape[1] - width)

        ids[name] = remaining.pop(min(range(len(remaining)), key=fit))[:, :width]
    return ids


def _formula(
    target: Any,
    model: keras.Model,
    at_input: np.ndarray,
    ids: dict[str, np.ndarray],
    leaves: dict[str, Any],
) -> Formula:
    """Returns the target as a function of the outputs; what it selects is selected at the input."""
    rows = np.arange(len(at_input))
    if isinstance(target, tfs.targets.Span):
        name = next((name for name in ids if "decoder" in name), next(iter(ids)))
        mask = leaves.get(name.replace("token_ids", "padding_mask"), ids[name])
        mask = np.asarray(mask)[:, : ids[name].shape[1]]
        size = 1
        if target.continuation is not None:
            size = len(model.preprocessor.tokenizer(target.continuation))
        return _log_likelihood(at_input, ids[name], mask != 0, size)
    if isinstance(target, tfs.targets.Position):
        tags = at_input[:, target.position].argmax(1)
        return lambda outputs: outputs[rows, target.position, tags]
    if target != "predicted":
        raise ValueError(f"no formula is written here for target={target!r}")
    classes = at_input.reshape(len(rows), -1).argmax(1)
    return lambda outputs: outputs.reshape(len(rows), -1)[rows, classes]


def _log_likelihood(at_input: np.ndarray, ids: np.ndarray, real: np.ndarray, size: int) -> Formula:
    """Returns log p of the last tokens that are real, as a function of the outputs.

    Args:
        at_input: outputs, (batch, tokens, vocabulary), to see whether they are probabilities.
        ids: (batch, tokens).
        real: (batch, tokens), true for real tokens.
        size: the number of the last tokens.
    """
    stops = real.shape[1] - real[:, ::-1].argmax(1)
    columns = stops[:, None] - size + np.arange(size)
    rows, tokens = np.arange(len(ids))[:, None], np.take_along_axis(ids, columns, 1)
    is_probability = np.allclose(at_input.sum(-1), 1)

    def formula(outputs: np.ndarray) -> np.ndarray:
        logits = np.log(outputs) if is_probability else outputs
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        return log_p[rows, columns - 1, tokens].sum(1)

    return formula
