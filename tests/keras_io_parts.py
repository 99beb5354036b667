"""Parts of the models in the shapes of keras.io's examples: layers, inputs, and `Case`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import helpers
import keras
import numpy as np
from keras import layers, ops

VOCABULARY, TOKENS, WIDTH, HEADS = helpers.VOCABULARY, helpers.WIDTH, 8, 2
EXAMPLES = 4


@dataclass(frozen=True)
class Case:
    """A model, and what is asked of it.

    Attributes:
        build: makes the model.
        inputs: makes inputs of the model, as a user passes them.
        kind: the kind of the inputs, for the page.
        said: what a user has to say to `inspect`: `embeddings`, `tokenizer`; makes the keywords.
        arrays: makes of a model, the inputs and a continuation what `model(...)` takes; None: the
            inputs are that.
        note: what else a reader of the page should know.
        path: the output along the path of integrated gradients: "smooth"; "kinks", of maxima and
            ReLUs, where an example may say that it did not converge; "jumps", where the scores
            need not add up, if the explanation says so.
        scale: the size of the random weights.
    """

    build: Callable[[], keras.Model]
    inputs: Callable[[], Any]
    kind: str
    said: Callable[[], dict[str, Any]] = dict
    arrays: Callable[[keras.Model, Any, str], Any] | None = None
    note: str = ""
    path: str = "smooth"
    scale: float = 0.4


def ids(seed: int = 9) -> np.ndarray:
    """Token ids, (batch, tokens), of sentences of three words and more, padded with 0."""
    return helpers.ids(EXAMPLES, seed=seed)


def texts(seed: int = 9) -> np.ndarray:
    """The same sentences as strings, (batch,)."""
    return np.array(helpers.texts(EXAMPLES, seed=seed), object)


def by_vectorizer() -> dict[str, Any]:
    """The arguments of a case whose model takes ids, and whose user has the vectorizer."""
    return {
        "inputs": texts,
        "kind": "strings, by `tokenizer=`",
        "said": lambda: {"tokenizer": helpers.vectorizer()},
        "arrays": lambda model, strings, continuation: helpers.vectorizer()(strings),
    }


def vectors(*shape: int) -> np.ndarray:
    """What another network made of an image, or other numbers beside the text."""
    return np.random.default_rng(7).standard_normal((EXAMPLES, *shape)).astype(np.float32)


def ids_input(name: str, tokens: int | None = TOKENS) -> Any:
    return layers.Input((tokens,), dtype="int32", name=name)


class TokenAndPosition(layers.Layer):
    """The sum of a token's vector and its position's, without a mask."""

    def __init__(self, tokens: int = TOKENS, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.tokens = layers.Embedding(VOCABULARY, WIDTH, name="tokens")
        self.positions = layers.Embedding(tokens, WIDTH, name="positions")

    def build(self, shape: Any) -> None:
        self.tokens.build(shape)
        self.positions.build(shape)

    def call(self, token_ids: Any) -> Any:
        return self.tokens(token_ids) + self.positions(ops.arange(ops.shape(token_ids)[1]))


class PositionalEmbedding(TokenAndPosition):
    """The same, which computes the mask of its padding itself."""

    def compute_mask(self, token_ids: Any, mask: Any = None) -> Any:
        return ops.not_equal(token_ids, 0)


class FeedForward(layers.Layer):
    """Two dense layers, added to their input and normalized."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.supports_masking = True
        self.network = keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(WIDTH)])
        self.norm = layers.LayerNormalization()

    def build(self, shape: Any) -> None:
        self.network.build(shape)
        self.norm.build(shape)

    def call(self, hidden: Any) -> Any:
        return self.norm(hidden + self.network(hidden))


class Encoder(layers.Layer):
    """Attention among the tokens, and a feed-forward layer.

    Args:
        causal: whether a token sees only those before it.
        feed_forward: the second part, or None for `FeedForward`.
    """

    def __init__(self, causal: bool = False, feed_forward: Any = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.supports_masking = True
        self.causal = causal
        self.attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
        self.norm = layers.LayerNormalization()
        self.feed_forward = FeedForward() if feed_forward is None else feed_forward

    def build(self, shape: Any) -> None:
        self.attention.build(shape, shape)
        self.norm.build(shape)
        self.feed_forward.build(shape)

    def call(self, hidden: Any, mask: Any = None) -> Any:
        keys = None if mask is None else mask[:, None, :]
        attended = self.attention(hidden, hidden, attention_mask=keys, use_causal_mask=self.causal)
        return self.feed_forward(self.norm(hidden + attended))


class Decoder(layers.Layer):
    """Causal attention among the tokens, attention to a context, and a feed-forward layer."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.supports_masking = True
        self.encoder = Encoder(causal=True, feed_forward=layers.Identity())
        self.attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
        self.norm = layers.LayerNormalization()
        self.feed_forward = FeedForward()

    def build(self, hidden_shape: Any, context_shape: Any) -> None:
        self.encoder.build(hidden_shape)
        self.attention.build(hidden_shape, context_shape)
        self.norm.build(hidden_shape)
        self.feed_forward.build(hidden_shape)

    def call(
        self, hidden: Any, context: Any, hidden_mask: Any = None, context_mask: Any = None
    ) -> Any:
        hidden = self.encoder(hidden, mask=hidden_mask)
        keys = None if context_mask is None else context_mask[:, None, :]
        attended = self.attention(hidden, context, attention_mask=keys)
        return self.feed_forward(self.norm(hidden + attended))

    def compute_mask(self, hidden: Any, mask: Any = None) -> Any:
        return mask[0] if isinstance(mask, list | tuple) else mask


class Experts(layers.Layer):
    """The layer of a switch transformer: each token goes to the expert that a router chooses.

    The routes of an example are its own: with places that a whole batch shares, as the paper has
    them, an example's output would depend on the others.
    """

    def __init__(self, experts: int = 3, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.router = layers.Dense(experts, activation="softmax")
        self.experts = [
            keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(WIDTH)])
            for _ in range(experts)
        ]

    def build(self, shape: Any) -> None:
        for layer in (self.router, *self.experts):
            layer.build(shape)

    def call(self, hidden: Any) -> Any:
        shares = self.router(hidden)
        chosen = ops.one_hot(ops.argmax(shares, axis=-1), len(self.experts))
        # An even load is a part of the loss.
        loads = ops.mean(chosen, axis=(0, 1)) * ops.mean(shares, axis=(0, 1))
        self.add_loss(0.01 * len(self.experts) * ops.sum(loads))
        answers = ops.stack([expert(hidden) for expert in self.experts], axis=-1)
        return ops.sum(answers * (shares * chosen)[:, :, None, :], axis=-1)


class MeanOfTokens(layers.Layer):
    """The mean of the vectors of real tokens, told by a mask that is an input."""

    def call(self, hidden: Any, padding_mask: Any) -> Any:
        weights = ops.cast(padding_mask, hidden.dtype)[:, :, None]
        return ops.sum(hidden * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1.0)


class Cosine(layers.Layer):
    """The cosine of two vectors, (batch, 1)."""

    def call(self, first: Any, second: Any) -> Any:
        first, second = (
            vector / ops.norm(vector, axis=-1, keepdims=True) for vector in (first, second)
        )
        return ops.sum(first * second, axis=-1, keepdims=True)
