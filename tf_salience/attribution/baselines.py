"""Baselines, where the path of integrated gradients starts: embeddings to baseline embeddings.

"zeros", "mean", a token, an array or a callable becomes a tensor of rank 3 that broadcasts against
the embeddings. A zero vector is no word's embedding; the mean or a padding token's may be the
fairer start (Sturmfels et al. 2020, "Visualizing the Impact of Feature Attribution Baselines").
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.utils import validation

#: "mean", a token string or a token id to a vector of the layer, (dim,).
VectorOf = Callable[[str | int], Any]


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
            f"Received: baseline={validation.format_value(baseline)} "
            f"(of type {type(baseline).__name__})"
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


def compute(
    baseline: Any,
    keep_ids: Sequence[int],
    *,
    embeddings: Any,
    ids: Any,
    vector_of: VectorOf,
    examples: Sequence[int] = (),
    total: int = 1,
) -> Any:
    """Computes the baseline embeddings of one segment.

    Args:
        baseline: as validated.
        keep_ids: ids of tokens that stay as they are, [CLS] and [SEP] for instance.
        embeddings: (batch, tokens, dim), of the segment.
        ids: (batch, tokens), or None where the layer is not called on token ids.
        vector_of: gives the vectors of the segment's layer.
        examples: (batch,), the numbers of these examples in the user's batch.
        total: the number of the user's examples.

    Returns:
        (1 or batch, 1 or tokens, dim), of the embeddings' dtype.

    Raises:
        ValueError: if it does not fit the embeddings.
    """
    # Imported here: the command reads the methods before TensorFlow is imported.
    import tensorflow as tf

    if isinstance(baseline, str) and baseline == "zeros":
        vectors = tf.zeros((1, 1, embeddings.shape[-1]), embeddings.dtype)
    elif isinstance(baseline, str | int):
        vectors = vector_of(baseline)[None, None, :]
    elif isinstance(baseline, np.ndarray):
        vectors = _fitted(baseline, embeddings.shape, examples, total)
    else:
        vectors = tf.convert_to_tensor(baseline(embeddings))
        if not vectors.shape.is_compatible_with(embeddings.shape):
            raise ValueError(
                "A callable `baseline` must return embeddings of the shape it was given. Received: "
                f"shape {tuple(vectors.shape)} for embeddings of shape {tuple(embeddings.shape)}"
            )
    vectors = tf.cast(vectors, embeddings.dtype)
    if not keep_ids:
        return vectors
    if ids is None:
        raise ValueError(
            "`keep_ids` needs a layer that is called on token ids. Received: "
            f"keep_ids={validation.format_value(list(keep_ids))}, "
            "and a layer whose input is not ids"
        )
    kept = tf.reduce_any(tf.equal(ids[:, :, None], list(keep_ids)), axis=-1)
    return tf.where(kept[:, :, None], embeddings, vectors)


def _fitted(
    baseline: npt.NDArray[Any], shape: Sequence[int], examples: Sequence[int], total: int
) -> Any:
    """Fits an array, (dim,), (tokens, dim) or (batch, tokens, dim), to these examples."""
    _, tokens, dim = shape
    array = baseline[(None,) * (3 - baseline.ndim)]
    fits = array.shape[2] == dim and array.shape[1] in (1, tokens)
    if not fits or array.shape[0] not in (1, total):
        raise ValueError(
            "A `baseline` array must have shape (dim,), (tokens, dim) or (batch, tokens, dim). "
            f"Received: shape {baseline.shape} for embeddings of shape {(total, tokens, dim)}"
        )
    return array if array.shape[0] == 1 else array[np.asarray(examples)]
