"""Models in half precision beside their twins in float32, with gradients by an own tape."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

VOCABULARY, DIM = 40, 16
#: Logits of this bias are probabilities of about 1 - 1e-4, and of 1 - 1e-6.
SATURATED, EXTREME = 9.0, 13.0


def _pooled(hidden):
    return layers.GlobalAveragePooling1D()(hidden)


def _attention(hidden, depth=1):
    for _ in range(depth):
        attended = layers.MultiHeadAttention(2, DIM // 2)(hidden, hidden)
        hidden = layers.LayerNormalization()(hidden + attended)
        forwarded = layers.Dense(DIM)(layers.Dense(2 * DIM, activation="gelu")(hidden))
        hidden = layers.LayerNormalization()(hidden + forwarded)
    return _pooled(hidden)


def _lstm(hidden):
    return layers.LSTM(DIM)(hidden)


#: Tokens, and the layers between the embeddings and the head.
BODIES = {
    "pooled": (64, _pooled),
    "attention over 256 tokens": (256, _attention),
    "deep": (32, lambda hidden: _attention(hidden, depth=4)),
    "lstm": (32, _lstm),
}


class Twins:
    """A model under a dtype policy and the same weights in float32.

    Attributes:
        model: under the policy; its head is in float32, as Keras advises.
        ids: (batch, tokens).
    """

    def __init__(self, body, head, bias, policy="mixed_float16"):
        keras.utils.set_random_seed(0)
        tokens, body = BODIES[body]
        self.ids = np.random.default_rng(0).integers(1, VOCABULARY, (3, tokens)).astype(np.int32)
        units = {"sigmoid": 1, "softmax": 3}[head]

        def build():
            hidden = layers.Input((tokens, DIM))
            outputs = layers.Dense(units, activation=head, dtype="float32", name="head")(
                body(hidden)
            )
            ids = layers.Input((tokens,), dtype="int32")
            rest = keras.Model(hidden, outputs)
            embed = layers.Embedding(VOCABULARY, DIM, embeddings_initializer="random_normal")
            return keras.Model(ids, rest(embed(ids))), embed, rest

        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            self.model, _, rest = build()
            rest.get_layer("head").bias.assign(np.eye(units)[0] * bias)
        finally:
            keras.config.set_dtype_policy(before)
        twin, self._embed, self._rest = build()
        # Half precision rounds the weights once, here, so that both models have the same.
        rounded = [ops.cast(weight, "float16") for weight in self.model.get_weights()]
        self.model.set_weights([np.asarray(weight, np.float32) for weight in rounded])
        twin.set_weights(self.model.get_weights())

    def gradients(self, node=1.0):
        """Computes gradients of the first output by the twin's own tape, and the embeddings."""
        embeddings = self._embed(self.ids)
        point = node * embeddings
        with tf.GradientTape() as tape:
            tape.watch(point)
            # Scaled as well: float32 has its own end.
            target = 2.0**10 * tf.reduce_sum(self._rest(point)[:, 0])
        return tape.gradient(target, point).numpy() / 2.0**10, embeddings.numpy()

    def scores(self, method):
        """Computes the scores of a method, (batch, tokens), in float32."""
        if method == "integrated_gradients":
            nodes = (np.arange(16) + 0.5) / 16
            pairs = [self.gradients(node) for node in nodes.tolist()]
            return np.mean([(gradient * x).sum(-1) for gradient, x in pairs], axis=0)
        gradient, embeddings = self.gradients()
        if method == "gradient_norm":
            return np.linalg.norm(gradient, axis=-1)
        return (gradient * embeddings).sum(-1)


def relative_error(scores, expected):
    """Returns the largest error of an example, relative to its sum of |scores|."""
    difference = np.abs(np.asarray(scores) - expected).sum(axis=1)
    return (difference / np.abs(expected).sum(axis=1)).max()


def steep_and_flat(embeddings, steep=4000.0, flat=2.0**-26):
    """A formula whose gradient is `steep` where the first value is over 50, and else `flat`."""
    total = tf.reduce_sum(embeddings, axis=(1, 2))
    # Two steps, with a ReLU that is always active: as one factor it would be 0 in float16.
    small = tf.nn.relu(total * np.sqrt(flat) + 4.0) * np.sqrt(flat)
    return tf.where(embeddings[:, 0, 0] > 50.0, total * steep, small)[:, None]


#: Of float16: the first token makes a formula steep.
STEEP_TABLE = np.array([[0.0, 0.0], [64.0, -60.0], [1.0, 0.5], [-2.0, 1.0]], np.float16)
STEEP_IDS = np.array([[1, 2, 3], [2, 3, 2], [1, 3, 3], [3, 3, 2]], np.int32)
STEEP_GRADIENTS = np.array([4000.0, 2.0**-26, 4000.0, 2.0**-26])
