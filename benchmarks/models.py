"""The models that are measured: an LSTM, a ReLU CNN, a pre-LN and a post-LN transformer.

All are subclassed Keras models from ids (batch, tokens) to logits (batch, classes). Their mask is
an argument, so that a tool which feeds them something else than ids can still pass it; no logit
changes with the number of trailing paddings (id 0).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers, ops

KINDS = ("lstm", "relu_cnn", "pre_ln", "post_ln")
#: Those whose explanations are evaluated; the max-pool LSTM is not among the four that are timed.
EVALUATED_KINDS = ("lstm", "max_pool_lstm", "pre_ln", "post_ln")

_HEADS = 4
_MASKED = -1e9


class Classifier(keras.Model):
    """What the four share: token embeddings first, logits last.

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


class BidirectionalLSTM(Classifier):
    """An LSTM each way, `layers` times; the last states are read."""

    #: Whether the states at all tokens are read rather than the last.
    reads_all_states = False

    def __init__(
        self, vocabulary: int, *, dim: int, layers_: int, classes: int, dropout: float
    ) -> None:
        super().__init__(vocabulary, dim, classes, dropout, "lstm")
        self.stack = [
            layers.Bidirectional(
                layers.LSTM(
                    dim // 2, return_sequences=self.reads_all_states or number < layers_ - 1
                )
            )
            for number in range(layers_)
        ]

    def pooled(self, hidden: Any, mask: Any, training: bool | None) -> Any:
        """The last states of both directions."""
        for layer in self.stack:
            hidden = layer(hidden, mask=mask, training=training)
        return hidden


class MaxPoolLSTM(BidirectionalLSTM):
    """An LSTM each way, `layers` times; the maximum of the states over the tokens is read."""

    reads_all_states = True

    def pooled(self, hidden: Any, mask: Any, training: bool | None) -> Any:
        """The maximum over real tokens."""
        hidden = super().pooled(hidden, mask, training)
        return ops.max(ops.where(mask[:, :, None], hidden, _MASKED), axis=1)


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
        real = ops.cast(mask, hidden.dtype)[:, :, None]
        return ops.sum(hidden * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)


def build(
    kind: str,
    vocabulary: int,
    *,
    tokens: int = 64,
    dim: int,
    layers: int,
    classes: int = 2,
    seed: int = 0,
    dropout: float = 0.1,
) -> keras.Model:
    """A model with random weights, built.

    Args:
        kind: "lstm", "max_pool_lstm", "relu_cnn", "pre_ln" or "post_ln".
        vocabulary: how many ids there are; 0 is padding.
        tokens: the most tokens a transformer takes.
        dim: size of the embeddings and of every hidden layer.
        layers: how many LSTMs, convolutions or blocks.
        classes: how many logits.
        seed: of the weights.
        dropout: share of numbers dropped while training.

    Returns:
        The model: `model(ids, mask=None)` -> logits (batch, classes). `model.embed` is its token
        embedding.

    Raises:
        ValueError: for another kind.
    """
    keras.utils.set_random_seed(seed)
    shape: dict[str, Any] = {
        "dim": dim, "layers_": layers, "classes": classes, "dropout": dropout
    }  # fmt: skip
    if kind == "lstm":
        model: keras.Model = BidirectionalLSTM(vocabulary, **shape)
    elif kind == "max_pool_lstm":
        model = MaxPoolLSTM(vocabulary, **shape)
    elif kind == "relu_cnn":
        model = ReluCNN(vocabulary, **shape)
    elif kind in ("pre_ln", "post_ln"):
        model = Transformer(vocabulary, tokens=tokens, pre=kind == "pre_ln", **shape)
    else:
        raise ValueError(
            f"`kind` must be one of {[*KINDS, 'max_pool_lstm']}. Received: kind={kind!r}"
        )
    model(np.ones((1, min(tokens, 4)), np.int32))
    return model


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained model and what belongs to it.

    Attributes:
        model: the model, from ids to logits.
        vocabulary: its words, by id; 0 is padding, 1 is [UNK].
        vectorizer: the `keras.layers.TextVectorization` that makes ids, (batch, tokens).
        accuracy: on the held-out tenth, between 0 and 1.
        held_out: the numbers of the texts that it was not trained on.
    """

    model: keras.Model
    vocabulary: list[str]
    vectorizer: Any
    accuracy: float
    held_out: npt.NDArray[np.int64]


#: Epochs and learning rate of each kind: near the best held-out accuracy, and under a minute.
_RECIPES = {
    "lstm": (3, 2e-3),
    "max_pool_lstm": (3, 2e-3),
    "relu_cnn": (3, 1e-3),
    "pre_ln": (3, 5e-4),
    "post_ln": (3, 3e-4),
}


def trained(
    kind: str,
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    tokens: int = 64,
    seed: int = 0,
    dim: int = 128,
    layers: int | None = None,
    max_words: int = 8000,
    epochs: int | None = None,
) -> Trained:
    """A model trained on nine tenths of some texts.

    Args:
        kind: as in `build`.
        texts: (batch,) texts.
        labels: (batch,) classes, from 0.
        tokens: longer texts are cut.
        seed: of the weights, of what is held out, and of the order.
        dim: as in `build`.
        layers: as in `build`; None: 4 for a transformer, 2 for a CNN, 1 for an LSTM.
        max_words: the size of the vocabulary, the most frequent words first.
        epochs: how often the texts are seen; None: enough for about the best accuracy.
    """
    if layers is None:
        layers = {"lstm": 1, "max_pool_lstm": 1, "relu_cnn": 2}.get(kind, 4)
    order = np.random.default_rng(seed).permutation(len(texts))
    held_out, seen = np.split(order, [max(1, len(texts) // 10)])
    words = np.asarray(texts, dtype=object)
    answers = np.asarray(labels, np.int64)
    vectorizer = keras.layers.TextVectorization(max_words, output_sequence_length=tokens)
    vectorizer.adapt(words[seen], batch_size=1024)
    ids = np.asarray(vectorizer(words))
    vocabulary = vectorizer.get_vocabulary()
    model = build(
        kind,
        len(vocabulary),
        tokens=tokens,
        dim=dim,
        layers=layers,
        classes=int(answers.max()) + 1,
        seed=seed,
    )
    recipe_epochs, rate = _RECIPES[kind]
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.01, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU XLA takes longer, to compile and to run
    )
    model.fit(
        _batches(ids[seen], answers[seen], seed),
        epochs=epochs or recipe_epochs,
        shuffle=False,  # the batches are shuffled already
        verbose=0,
    )
    logits = np.concatenate([model(some) for some in np.array_split(ids[held_out], 8)])
    accuracy = float((logits.argmax(axis=1) == answers[held_out]).mean())
    return Trained(model, vocabulary, vectorizer, accuracy, held_out)


def _batches(ids: Any, labels: Any, seed: int) -> Any:
    """Batches of 64 texts of about the same length, no wider than their longest."""
    lengths = np.maximum((ids != 0).sum(axis=1), 1)
    bounds, size = [12, 18, 24, 32, 44], 64

    def examples() -> Any:
        for row, length, label in zip(ids, lengths, labels, strict=True):
            yield row[:length], label

    signature = (tf.TensorSpec((None,), tf.int64), tf.TensorSpec((), tf.int64))
    in_buckets = np.bincount(np.searchsorted(bounds, lengths, side="right"))
    return (
        tf.data.Dataset.from_generator(examples, output_signature=signature)
        .cache()
        .shuffle(len(ids), seed=seed)
        .bucket_by_sequence_length(
            lambda row, _: tf.shape(row)[0], bounds, [size] * (len(bounds) + 1)
        )
        .apply(tf.data.experimental.assert_cardinality(int(np.ceil(in_buckets / size).sum())))
    )
