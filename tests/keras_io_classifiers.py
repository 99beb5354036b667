"""Models in the shapes of keras.io's examples that classify a text."""

import helpers
import keras
from keras import layers
from keras_io_parts import (
    TOKENS,
    VOCABULARY,
    WIDTH,
    Case,
    Encoder,
    Experts,
    TokenAndPosition,
    by_vectorizer,
    ids,
    ids_input,
    texts,
)

try:
    import keras_hub
except ImportError:  # the extra `hub` is not installed
    keras_hub = None


def convolutions():
    """Strings, an embedding, two convolutions with strides, and the maximum."""
    token_ids = layers.Input((None,), dtype="int64")
    hidden = layers.Dropout(0.5)(layers.Embedding(VOCABULARY, WIDTH, name="embedding")(token_ids))
    hidden = layers.Conv1D(32, 3, strides=2, activation="relu")(hidden)
    hidden = layers.Conv1D(32, 2, activation="relu")(hidden)
    hidden = layers.Dense(32, activation="relu")(layers.GlobalMaxPooling1D()(hidden))
    of_ids = keras.Model(token_ids, layers.Dense(1, activation="sigmoid")(hidden))
    strings = layers.Input((1,), dtype="string", name="text")
    return keras.Model(strings, of_ids(helpers.vectorizer()(strings)))


def pooled_transformer(block):
    """A block on tokens and positions, the mean of all tokens, and two classes."""
    token_ids = ids_input("ids")
    hidden = block(TokenAndPosition()(token_ids))
    hidden = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(hidden))
    hidden = layers.Dropout(0.1)(layers.Dense(32, activation="relu")(hidden))
    return keras.Model(token_ids, layers.Dense(2, activation="softmax")(hidden))


def bidirectional():
    """One recurrent layer both ways, its maximum, and a single unit; the ids come as floats."""
    token_ids = layers.Input((TOKENS,), name="ids")
    hidden = layers.Embedding(VOCABULARY, WIDTH, name="embedding")(token_ids)
    hidden = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(hidden)
    hidden = layers.Dense(32, activation="relu")(layers.GlobalMaxPooling1D()(hidden))
    return keras.Model(
        token_ids, layers.Dense(1, activation="sigmoid")(layers.Dropout(0.5)(hidden))
    )


def stacked():
    """Two recurrent layers both ways, one upon the other, for sentences of any length."""
    token_ids = ids_input("ids", None)
    hidden = layers.Embedding(VOCABULARY, WIDTH, name="embedding")(token_ids)
    hidden = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(hidden)
    hidden = layers.Bidirectional(layers.LSTM(6))(hidden)
    return keras.Model(token_ids, layers.Dense(1, activation="sigmoid")(hidden))


def fourier():
    """KerasHub's layers: tokens and positions, and two that mix by a Fourier transform."""
    token_ids = ids_input("input_ids")
    hidden = keras_hub.layers.TokenAndPositionEmbedding(VOCABULARY, TOKENS, WIDTH, mask_zero=True)(
        token_ids
    )
    for _ in range(2):
        hidden = keras_hub.layers.FNetEncoder(intermediate_dim=16)(hidden)
    hidden = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(hidden))
    return keras.Model(token_ids, layers.Dense(1, activation="sigmoid")(hidden))


def fixed_vectors():
    """Word vectors from elsewhere, which are not trained, and convolutions between poolings."""
    matrix = 0.5 * keras.random.normal((VOCABULARY, WIDTH), seed=5)
    token_ids = ids_input("ids", None)
    hidden = layers.Embedding(
        VOCABULARY,
        WIDTH,
        embeddings_initializer=keras.initializers.Constant(matrix),
        trainable=False,
        name="vectors",
    )(token_ids)
    hidden = layers.MaxPooling1D(2)(layers.Conv1D(32, 3, activation="relu")(hidden))
    hidden = layers.GlobalMaxPooling1D()(layers.Conv1D(32, 2, activation="relu")(hidden))
    hidden = layers.Dropout(0.5)(layers.Dense(32, activation="relu")(hidden))
    return keras.Model(token_ids, layers.Dense(4, activation="softmax")(hidden))


def masked_language_model():
    """Words and positions, a block, and a softmax over the vocabulary at each token."""
    token_ids = ids_input("ids")
    words = layers.Embedding(VOCABULARY, WIDTH, name="word_embedding")(token_ids)
    positions = layers.Embedding(TOKENS, WIDTH, name="position_embedding")
    hidden = Encoder(name="encoder")(words + positions(keras.ops.arange(TOKENS)))
    outputs = layers.Dense(VOCABULARY, activation="softmax", name="vocabulary")(hidden)
    return keras.Model(token_ids, outputs, name="masked_language_model")


def fine_tuned():
    """The masked language model up to its head, frozen, below a classifier that takes strings."""
    pretrained = helpers.weights_alive(masked_language_model(), 0.4)
    encoder = keras.Model(pretrained.input, pretrained.get_layer("encoder").output)
    encoder.trainable = False
    strings = layers.Input((1,), dtype="string", name="text")
    hidden = layers.GlobalMaxPooling1D()(encoder(helpers.vectorizer()(strings)))
    hidden = layers.Dense(32, activation="relu")(hidden)
    return keras.Model(strings, layers.Dense(1, activation="sigmoid")(hidden))


CLASSIFIERS = {
    "text classification from scratch": Case(convolutions, texts, "strings", path="kinks"),
    "text classification with a transformer": Case(
        lambda: pooled_transformer(Encoder()), ids, "ids"
    ),
    "switch transformer": Case(
        lambda: pooled_transformer(Encoder(feed_forward=Experts())),
        ids,
        "ids",
        path="jumps",
        note="a token that changes its expert along the path makes the output jump, which no "
        "gradient sees",
    ),
    "active learning": Case(bidirectional, path="kinks", **by_vectorizer()),
    "stacked bidirectional LSTM": Case(stacked, ids, "ids"),
    "pretrained word vectors": Case(fixed_vectors, ids, "ids", path="kinks"),
    "masked language model": Case(masked_language_model, **by_vectorizer()),
    "masked language model, fine-tuned": Case(fine_tuned, texts, "strings", path="kinks"),
}
if keras_hub is not None:
    CLASSIFIERS["FNet"] = Case(fourier, ids, "ids")
