"""Baselines, where the path of integrated gradients starts: embeddings to baseline embeddings.

"zeros", "mean", a token, an array or a callable becomes a tensor of rank 3 that broadcasts against
the embeddings. A zero vector is no word's embedding; the mean or a padding token's may be the
fairer start (Sturmfels et al. 2020, "Visualizing the Impact of Feature Attribution Baselines").
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.utils import validation

NAMES = ("zeros", "mean")


@dataclass(frozen=True)
class SegmentEmbeddings:
    """The embeddings of one segment, and what the model knows of its layer.

    Attributes:
        embeddings: (batch, tokens, dim), the layer's output at the input; of a graph, perhaps.
        ids: (batch, tokens), int64, or None where the layer is not called on ids.
        examples: (batch,), the numbers of these examples in the user's batch.
        total: the number of the user's examples.
        mean: gives the mean of the layer's embeddings, (dim,), or None if it has no table.
        lookup: a token id to its embedding (dim,), by the layer itself.
        token_id: a token string to its id, or None where it is not known.
    """

    embeddings: Any
    ids: Any
    examples: Sequence[int]
    total: int
    mean: Callable[[], Any]
    lookup: Callable[[int], Any]
    token_id: Callable[[str], int | None]


def validate(baseline: Any) -> Any:
    """Checks what can be checked before any model is seen; arrays become numpy arrays.

    Raises:
        TypeError: if it is none of the things a baseline can be.
        ValueError: for an array of another rank, or with numbers that are not finite.
    """
    if validation.is_integer(baseline):
        return int(baseline)
    if isinstance(baseline, str) or callable(baseline):
        return baseline
    if not isinstance(baseline, list | tuple) and not hasattr(baseline, "__array__"):
        raise TypeError(
            "`baseline` must be 'zeros', 'mean', a token id, a token string, an array of shape "
            "(dim,), (tokens, dim) or (batch, tokens, dim), or a callable. "
            f"Received: baseline={baseline!r} (of type {type(baseline).__name__})"
        )
    array = np.asarray(baseline)
    if array.ndim not in (1, 2, 3) or array.dtype.kind not in "fiu":
        raise ValueError(
            "A `baseline` array must hold numbers and have shape (dim,), (tokens, dim) or "
            f"(batch, tokens, dim). Received: shape {array.shape}, dtype {array.dtype}"
        )
    if not np.isfinite(array).all():
        raise ValueError("`baseline` must be finite numbers. Received: NaN or infinite values")
    return array


# TensorFlow is imported in the functions below: the command reads the methods before it.


def compute(baseline: Any, keep_ids: Sequence[int], segment: SegmentEmbeddings) -> Any:
    """Computes the baseline embeddings of one segment.

    Args:
        baseline: as validated.
        keep_ids: ids of tokens that stay as they are, [CLS] and [SEP] for instance.
        segment: the examples.

    Returns:
        (1 or batch, 1 or tokens, dim), of the embeddings' dtype.

    Raises:
        ValueError: if it does not fit the embeddings.
    """
    import tensorflow as tf

    vectors = tf.cast(_vectors(baseline, segment), segment.embeddings.dtype)
    if not keep_ids:
        return vectors
    if segment.ids is None:
        raise ValueError(
            "`keep_ids` needs a layer that is called on token ids. Received: "
            f"keep_ids={list(keep_ids)}, and a layer whose input are no ids"
        )
    kept = tf.reduce_any(tf.equal(segment.ids[:, :, None], list(keep_ids)), axis=-1)
    return tf.where(kept[:, :, None], segment.embeddings, vectors)


def _vectors(baseline: Any, segment: SegmentEmbeddings) -> Any:
    import tensorflow as tf

    embeddings = segment.embeddings
    if isinstance(baseline, str) and baseline == "zeros":
        return tf.zeros((1, 1, embeddings.shape[-1]), embeddings.dtype)
    if isinstance(baseline, str) and baseline == "mean":
        mean = segment.mean()
        if mean is None:
            raise ValueError(
                "`baseline='mean'` needs a layer with an embedding matrix. Received: a layer "
                "without one. Pass an array of shape (dim,) instead."
            )
        return mean[None, None, :]
    if isinstance(baseline, str) or validation.is_integer(baseline):
        return segment.lookup(_token_id(baseline, segment))[None, None, :]
    if isinstance(baseline, np.ndarray):
        return _fitted(baseline, segment)
    vectors = tf.convert_to_tensor(baseline(embeddings))
    if not vectors.shape.is_compatible_with(embeddings.shape):
        raise ValueError(
            "A callable `baseline` must return embeddings of the shape it was given. Received: "
            f"shape {tuple(vectors.shape)} for embeddings of shape {tuple(embeddings.shape)}"
        )
    return vectors


def _token_id(baseline: str | int, segment: SegmentEmbeddings) -> int:
    if not isinstance(baseline, str):
        return int(baseline)
    token_id = segment.token_id(baseline)
    if token_id is None:
        near = difflib.get_close_matches(baseline, NAMES, n=1)
        raise ValueError(
            "A `baseline` string must be 'zeros', 'mean', or a token of the known vocabulary "
            f"(which `tokenizer=` gives). Received: baseline={baseline!r}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    return token_id


def _fitted(baseline: npt.NDArray[Any], segment: SegmentEmbeddings) -> Any:
    """Fits an array, (dim,), (tokens, dim) or (batch, tokens, dim), to these examples."""
    _, tokens, dim = segment.embeddings.shape
    array = baseline[(None,) * (3 - baseline.ndim)]
    fits = array.shape[2] == dim and array.shape[1] in (1, tokens)
    if not fits or array.shape[0] not in (1, segment.total):
        raise ValueError(
            "A `baseline` array must have shape (dim,), (tokens, dim) or (batch, tokens, dim). "
            f"Received: shape {baseline.shape} for embeddings of shape "
            f"{(segment.total, tokens, dim)}"
        )
    return array if array.shape[0] == 1 else array[np.asarray(segment.examples)]
