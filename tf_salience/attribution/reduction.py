"""From gradients of (batch, tokens, dim) to one score a token, inside the graph."""

from typing import Any

import tensorflow as tf


def l2_norm(gradient: Any, difference: Any) -> Any:
    """The L2 norm over `dim` of each token's gradient; `difference` does not matter to it.

    Args:
        gradient: (batch, tokens, dim), of the target with respect to the embeddings.
        difference: (batch, tokens, dim), embeddings minus baseline.

    Returns:
        (batch, tokens), at least 0; a row of zeros gives 0.
    """
    del difference
    return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=-1))


def dot(gradient: Any, difference: Any) -> Any:
    """The sum over `dim` of gradient · difference.

    Args:
        gradient: (batch, tokens, dim), of the target with respect to the embeddings.
        difference: (batch, tokens, dim), embeddings minus baseline.

    Returns:
        (batch, tokens), signed, in the units of the target.
    """
    return tf.reduce_sum(gradient * difference, axis=-1)
