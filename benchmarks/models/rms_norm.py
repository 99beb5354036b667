"""A transformer whose first layer is an RMSNorm, in the shape of Gemma."""

from typing import Any

from keras import layers, ops

from benchmarks.models.classifiers import Classifier, mean_of_real

_HEADS = 4
_EPSILON = 1e-6
#: The longest wave of the rotary positions, in tokens, over 2 pi.
_WAVELENGTH = 1e4


class RMSBlock(layers.Layer):
    """Causal attention with rotary positions, and a gated MLP, each after an RMSNorm."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.norms = [layers.RMSNormalization(epsilon=_EPSILON) for _ in range(2)]
        self.query, self.key, self.value, self.out = (
            layers.Dense(dim, use_bias=False) for _ in range(4)
        )
        self.gate = layers.Dense(3 * dim, use_bias=False, activation=_tanh_gelu)
        self.wide = layers.Dense(3 * dim, use_bias=False)
        self.narrow = layers.Dense(dim, use_bias=False)
        self.dropout = layers.Dropout(dropout)

    def call(self, hidden: Any, real: Any, training: bool | None = None) -> Any:
        """Hidden states (batch, tokens, dim); only real tokens (batch, tokens) are attended to."""
        attended = self._attend(self.norms[0](hidden), real)
        hidden = hidden + self.dropout(attended, training=training)
        normed = self.norms[1](hidden)
        fed = self.narrow(self.gate(normed) * self.wide(normed))
        return hidden + self.dropout(fed, training=training)

    def _attend(self, normed: Any, real: Any) -> Any:
        tokens, dim = ops.shape(normed)[1], normed.shape[-1]
        query, key, value = (
            ops.reshape(layer(normed), (-1, tokens, _HEADS, dim // _HEADS))
            for layer in (self.query, self.key, self.value)
        )
        places = ops.arange(tokens)
        allowed = real[:, None, None, :] & (places[:, None] >= places)
        attended = ops.dot_product_attention(_rotated(query), _rotated(key), value, mask=allowed)
        return self.out(ops.reshape(attended, (-1, tokens, dim)))


class RMSNormTransformer(Classifier):
    """Scaled embeddings, blocks, a last RMSNorm, and the mean over real tokens.

    Nothing is added to the embeddings before they are normalized, so most of the way of the output
    from zero embeddings to an input is made within about `sqrt(epsilon) / rms(embeddings)` of it.
    """

    def __init__(
        self, vocabulary: int, *, dim: int, layers_: int, classes: int, dropout: float
    ) -> None:
        super().__init__(vocabulary, dim, classes, dropout, "rms_norm")
        self.stack = [RMSBlock(dim, dropout) for _ in range(layers_)]
        self.last = layers.RMSNormalization(epsilon=_EPSILON)

    def pooled(self, hidden: Any, mask: Any, training: bool | None) -> Any:
        """The mean over real tokens."""
        hidden = hidden * hidden.shape[-1] ** 0.5
        for block in self.stack:
            hidden = block(hidden, mask, training=training)
        return mean_of_real(self.last(hidden), mask)


def _tanh_gelu(inner: Any) -> Any:
    return ops.gelu(inner, approximate=True)


def _rotated(heads: Any) -> Any:
    """Queries or keys (batch, tokens, heads, size) turned by their places."""
    tokens, half = ops.shape(heads)[1], heads.shape[-1] // 2
    places = ops.cast(ops.arange(tokens), heads.dtype)
    speeds = _WAVELENGTH ** (-ops.arange(half, dtype=heads.dtype) / half)
    angles = (places[:, None] * speeds)[:, None, :]
    real, imaginary = heads[..., :half], heads[..., half:]
    sine, cosine = ops.sin(angles), ops.cos(angles)
    return ops.concatenate(
        [real * cosine - imaginary * sine, imaginary * cosine + real * sine], axis=-1
    )
