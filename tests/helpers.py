"""Models for the tests: of every style of Keras, and formulas with gradients in closed form."""

import re

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from tf_salience.evaluation.evaluation import Evaluation

VOCABULARY = 30
WIDTH = 10
CLASSES = 3
WORDS = [f"w{number}" for number in range(VOCABULARY - 2)]


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class Subclassed(keras.Model):
    """A model in the subclassing style, with positions of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.token_embedding = layers.Embedding(VOCABULARY, 8, mask_zero=True)
        self.position_embedding = layers.Embedding(WIDTH, 8, name="position_embedding")
        self.gru = layers.GRU(6)
        self.dropout = layers.Dropout(0.5)
        self.head = layers.Dense(CLASSES)

    def call(self, ids, training=False):
        mask = self.token_embedding.compute_mask(ids)
        hidden = self.token_embedding(ids) + self.position_embedding(ops.arange(ids.shape[1]))
        return self.head(self.dropout(self.gru(hidden, mask=mask), training=training))


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class FunctionCall(keras.Model):
    """A model whose `call` is a `tf.function` of the user's, with an `if` on a tensor."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(VOCABULARY, 8, mask_zero=True)
        self.head = layers.Dense(CLASSES)
        # Built now: a layer built inside a `tf.function` keeps its first weights as constants.
        self.embedding.build((None, None))
        self.head.build((None, 8))

    @tf.function
    def call(self, ids):
        hidden = self.embedding(ids)
        mask = tf.cast(ids != 0, hidden.dtype)[:, :, None]
        if tf.reduce_sum(mask) >= 0:
            hidden = tf.tanh(hidden * mask)
        return self.head(tf.reduce_sum(hidden, axis=1))


def block(hidden, mask=None, heads=2, dim=8):
    """One post-LN transformer block; `mask` is (batch, tokens)."""
    attention = layers.MultiHeadAttention(heads, dim // heads)
    key_mask = None if mask is None else layers.Lambda(lambda m: ops.expand_dims(m, 1))(mask)
    attended = attention(hidden, hidden, attention_mask=key_mask)
    hidden = layers.LayerNormalization()(layers.Add()([hidden, attended]))
    forwarded = layers.Dense(dim)(layers.Dense(2 * dim, activation="gelu")(hidden))
    return layers.LayerNormalization()(layers.Add()([hidden, forwarded]))


def sequential_lstm():
    return keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(VOCABULARY, 8, mask_zero=True),
            layers.LSTM(6),
            layers.Dense(CLASSES),
        ]
    )


def functional_with_mask():
    """A transformer that takes its padding mask as a second input."""
    ids = layers.Input((WIDTH,), dtype="int32", name="token_ids")
    mask = layers.Input((WIDTH,), dtype="int32", name="padding_mask")
    real = layers.Lambda(lambda m: ops.cast(m, "bool"))(mask)
    hidden = block(layers.Embedding(VOCABULARY, 8, name="tokens")(ids), real)
    weights = layers.Lambda(lambda m: ops.expand_dims(ops.cast(m, "float32"), -1))(mask)
    pooled = layers.Lambda(
        lambda pair: ops.sum(pair[0] * pair[1], axis=1) / ops.maximum(ops.sum(pair[1], axis=1), 1)
    )([hidden, weights])
    return keras.Model([ids, mask], layers.Dense(CLASSES)(pooled))


def nested():
    """An encoder model inside a classifier."""
    ids = layers.Input((None,), dtype="int32")
    hidden = layers.Embedding(VOCABULARY, 8, mask_zero=True, name="words")(ids)
    encoder = keras.Model(ids, layers.Bidirectional(layers.LSTM(4))(hidden), name="encoder")
    outer = layers.Input((None,), dtype="int32")
    return keras.Model(outer, layers.Dense(CLASSES)(encoder(outer)))


def two_segments():
    """Premise and hypothesis through one embedding layer."""
    premise = layers.Input((None,), dtype="int32", name="premise")
    hypothesis = layers.Input((None,), dtype="int32", name="hypothesis")
    embedding = layers.Embedding(VOCABULARY, 8, mask_zero=True)
    encoder = layers.GRU(6)
    vectors = [encoder(embedding(segment)) for segment in (premise, hypothesis)]
    outputs = layers.Dense(CLASSES)(layers.Concatenate()(vectors))
    return keras.Model({"premise": premise, "hypothesis": hypothesis}, outputs)


def with_segment_ids():
    """Token ids and segment ids, each with its embedding; the sum of the two has no Keras mask."""
    ids = layers.Input((None,), dtype="int32", name="token_ids")
    segments = layers.Input((None,), dtype="int32", name="segment_ids")
    hidden = layers.Embedding(VOCABULARY, 8, mask_zero=True, name="token_embedding")(ids)
    hidden = layers.Add()([hidden, layers.Embedding(2, 8, name="segment_embedding")(segments)])
    real = layers.Lambda(lambda x: ops.not_equal(x, 0))(ids)
    pooled = layers.GlobalAveragePooling1D()(block(hidden, real), mask=real)
    return keras.Model([ids, segments], layers.Dense(CLASSES)(pooled))


def vectorizer():
    return layers.TextVectorization(vocabulary=WORDS, output_sequence_length=WIDTH)


def text_model():
    """Strings in: `TextVectorization` is the first layer."""
    return keras.Sequential(
        [
            layers.Input((), dtype="string"),
            vectorizer(),
            layers.Embedding(VOCABULARY, 8, mask_zero=True),
            layers.GRU(6),
            layers.Dense(CLASSES),
        ]
    )


def convolution():
    """A convolution without masks: padding counts in its average."""
    return keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(VOCABULARY, 8),
            layers.Conv1D(6, 3, padding="same", activation="tanh"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(CLASSES),
        ]
    )


def single_unit():
    return keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(VOCABULARY, 8, mask_zero=True),
            layers.GRU(6),
            layers.Dense(1),
        ]
    )


def printed(value):
    """A parameter as the name of a test, without addresses, which differ between processes."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def evaluation_of_cost(method, **cost):
    """An evaluation of one method on two examples, of which the cost alone was measured."""
    return Evaluation(
        methods=[method],
        measures={},
        curves={},
        shares=np.zeros(1),
        agreement=np.ones((1, 1)),
        sanity={},
        layers=[],
        cost={method: cost},
        examples=2,
        left_out=0,
        config={"eraser": "baseline", "scale": "logit", "target_name": "positive"},
    )


def reloaded(folder):
    """A model that was saved as `.keras` and loaded again."""
    path = folder / "model.keras"
    sequential_lstm().save(path)
    return keras.models.load_model(path)


def ids(batch=6, width=WIDTH, seed=0):
    """Token ids of sentences of 1 to `width` words, padded with 0."""
    generator = np.random.default_rng(seed)
    array = generator.integers(2, VOCABULARY, (batch, width)).astype(np.int32)
    lengths = generator.integers(1, width + 1, batch)
    lengths[0] = width
    array[np.arange(width) >= lengths[:, None]] = 0
    return array


def texts(batch=6, seed=0):
    return [" ".join(WORDS[i - 2] for i in row if i) for row in ids(batch, seed=seed)]


def weights_alive(model, scale=0.7, seed=1):
    """Sets weights so large that the model is far from linear; those of layer norms stay."""
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if "normalization" not in variable.path:
            variable.assign(scale * generator.standard_normal(variable.shape))
    return model


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class Formula(layers.Layer):
    """A formula of the embeddings, (batch, tokens, dim), to (batch, 1)."""

    def __init__(self, formula, **kwargs):
        super().__init__(**kwargs)
        self.formula = formula

    def call(self, embeddings):
        return self.formula(embeddings)


def formula_model(formula, table):
    """An embedding with the given table, (vocabulary, dim), and a formula on it, in its dtype."""
    table = np.asarray(table)
    model = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(*table.shape, dtype=table.dtype.name),
            Formula(formula, dtype=table.dtype.name),
        ]
    )
    model.layers[0].set_weights([table])
    return model
