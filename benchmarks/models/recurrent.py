"""Two recurrent classifiers as their users write them: functional, without a mask.

Ids are padded in front, as `keras.utils.pad_sequences` does by default, and the padding is read
like a word.
"""

from typing import Any

import keras
from keras import layers


def stacked_bilstm(
    vocabulary: int, *, dim: int, layers_: int, classes: int, dropout: float
) -> keras.Model:
    """The model of keras.io's `bidirectional_lstm_imdb`: LSTMs each way, one upon the other."""
    del dropout  # that model has none
    ids, hidden = _embedded(vocabulary, dim)
    for number in range(layers_):
        hidden = layers.Bidirectional(layers.LSTM(dim // 2, return_sequences=number < layers_ - 1))(
            hidden
        )
    return keras.Model(ids, _probabilities(hidden, classes), name="stacked_bilstm")


def max_pool_bilstm(
    vocabulary: int, *, dim: int, layers_: int, classes: int, dropout: float
) -> keras.Model:
    """LSTMs each way, the maximum over all tokens, and a dense ReLU layer before the output."""
    ids, hidden = _embedded(vocabulary, dim)
    for _ in range(layers_):
        hidden = layers.Bidirectional(layers.LSTM(dim // 2, return_sequences=True))(hidden)
    hidden = layers.Dropout(dropout)(layers.GlobalMaxPooling1D()(hidden))
    hidden = layers.Dropout(dropout)(layers.Dense(dim // 2, activation="relu")(hidden))
    return keras.Model(ids, _probabilities(hidden, classes), name="max_pool_bilstm")


def _embedded(vocabulary: int, dim: int) -> tuple[Any, Any]:
    ids = layers.Input((None,), dtype="int32", name="ids")
    return ids, layers.Embedding(vocabulary, dim, name="token_embedding")(ids)


def _probabilities(hidden: Any, classes: int) -> Any:
    if classes == 2:
        return layers.Dense(1, activation="sigmoid", name="probability")(hidden)
    return layers.Dense(classes, activation="softmax", name="probabilities")(hidden)
