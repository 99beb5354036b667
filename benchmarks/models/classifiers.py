"""An LSTM, a ReLU CNN, and a transformer, pre-LN or post-LN.

All are subclassed Keras models from ids (batch, tokens) to logits (batch, classes). Their mask is
an argument, so that a tool which feeds them something else than ids can still pass it; no logit
changes with the number of trailing paddings (id 0).
"""

from typing import Any

import keras
from keras import layers, ops

_HEADS = 4
_MASKED = -1e9


class Classifier(keras.Model):
    """What they share: token embeddings first, logits last.

    Attributes:
        embed: the token embedding, ids (batch, tokens) -> (batch, tokens, dim).
    """

    def __init__(self, vocabulary: int, dim: int, classes: int, dropout: float, name: str) -> None:
        super().__init__(name=name)
        self.embed = layers.Embedding(vocabulary, dim, name="token_embedding")
        self.dropout = layers.Dropout(dropout)
        self.head = layers.Dense(classes, name="logits")

    def call(self, ids: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Ids, and true for real tokens, both (batch, tokens), to logits (batch, classes)."""
        mask = ops.not_equal(ids, 0) if mask is None else ops.cast(mask, "bool")
        pooled = self.pooled(self.embed(ids), mask, training)
        return self.head(self.dropout(pooled, training=training))

    def pooled(self, hidden: Any, mask: Any, training: bool | None) -> Any:
        """Embeddings (batch, tokens, dim) and their mask to (batch, features)."""
        raise NotImplementedError


def mean_of_real(hidden: Any, mask: Any) -> Any:
    """The mean of hidden states (batch, tokens, dim) over real tokens, (batch, dim)."""
    real = ops.cast(mask, hidden.dtype)[:, :, None]
    return ops.sum(hidden * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)


class BidirectionalLSTM(Classifier):
    """An LSTM each way, `layers` times; the last states are read."""

    def __init__(
        self, vocabulary: int, *, dim: int, layers_: int, classes: int, dropout: float
    ) -> None:
        super().__init__(vocabulary, dim, classes, dropout, "lstm")
        self.stack = [
            layers.Bidirectional(layers.LSTM(dim // 2, return_sequences=number < layers_ - 1))
            for number in range(layers_)
        ]

    def pooled(self, hidden: Any, mask: Any, training: bool | None) -> Any:
        """The last states of both directions."""
        for layer in self.stack:
            hidden = layer(hidden, mask=mask, training=training)
        return hidden


class ReluCNN(Classifier):
    """Convolutions of 3 and 5 words in turn, each with a ReLU, and the maximum over the tokens."""

    def __init__(
        self, vocabulary: int, *, dim: int, layers_: int, classes: int, dropout: float
    ) -> None:
        super().__init__(vocabulary, dim, classes, dropout, "relu_cnn")
        self.stack = [
            layers.Conv1D(dim, (3, 5)[number % 2], padding="same", activation="relu")
            for number in range(layers_)
        ]

    def pooled(self, hidden: Any, mask: Any, training: bool | None) -> Any:
        """The maximum over real tokens."""
        real = ops.cast(mask, hidden.dtype)[:, :, None]
        for layer in self.stack:
            # A bias makes something of the padding in each layer.
            hidden = layer(hidden * real)
        return ops.max(ops.where(mask[:, :, None], hidden, _MASKED), axis=1)


class Block(layers.Layer):
    """Attention and two dense layers, normalized before (pre-LN) or after (post-LN) each."""

    def __init__(self, dim: int, *, pre: bool, dropout: float) -> None:
        super().__init__()
        self.supports_masking = True
        self.pre = pre
        self.attention = layers.MultiHeadAttention(_HEADS, dim // _HEADS)
        self.wide = layers.Dense(4 * dim, activation="gelu")
        self.narrow = layers.Dense(dim)
        self.norms = [layers.LayerNormalization(), layers.LayerNormalization()]
        self.dropout = layers.Dropout(dropout)

    def call(self, hidden: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Hidden states (batch, tokens, dim), whose padding is not attended to."""

        def attend(inner: Any) -> Any:
            return self.attention(inner, inner, attention_mask=mask[:, None, :], training=training)

        for norm, function in zip(self.norms, (attend, self._feed), strict=True):
            if self.pre:
                hidden = hidden + self.dropout(function(norm(hidden)), training=training)
            else:
                hidden = norm(hidden + self.dropout(function(hidden), training=training))
        return hidden

    def _feed(self, inner: Any) -> Any:
        return self.narrow(self.wide(inner))


class Transformer(Classifier):
    """Learned positions, blocks, and the mean over real tokens."""

    def __init__(
        self,
        vocabulary: int,
        *,
        tokens: int,
        dim: int,
        layers_: int,
        classes: int,
        dropout: float,
        pre: bool,
    ) -> None:
        super().__init__(vocabulary, dim, classes, dropout, "pre_ln" if pre else "post_ln")
        self.positions = layers.Embedding(tokens, dim, name="position_embedding")
        self.stack = [Block(dim, pre=pre, dropout=dropout) for _ in range(layers_)]
        self.last = layers.LayerNormalization() if pre else None

    def pooled(self, hidden: Any, mask: Any, training: bool | None) -> Any:
        """The mean over real tokens."""
        hidden = hidden + self.positions(ops.arange(ops.shape(hidden)[1]))
        for block in self.stack:
            hidden = block(hidden, mask=mask, training=training)
        if self.last is not None:
            hidden = self.last(hidden)
        return mean_of_real(hidden, mask)
