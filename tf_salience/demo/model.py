"""A small text classifier of built-in Keras layers, from strings to logits, and its training.

Its `.keras` file loads without custom objects.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tf_salience.data.labelled_texts import LabelledTexts

VECTORIZER, CLASSIFIER = "words", "classifier"
_WORD_DROPOUT = 0.1


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of the training.

    Attributes:
        epochs: maximum number of epochs.
        patience: number of epochs without a better validation accuracy after which to stop.
        learning_rate: learning rate of Adam.
        dropout: dropout rate of the model's blocks, for `text_classifier`.
    """

    epochs: int
    patience: int
    learning_rate: float
    dropout: float


def word_vectorizer(texts: Sequence[str], *, max_words: int = 8000, max_tokens: int = 64) -> Any:
    """Returns a layer from strings to ids with the vocabulary of the texts.

    Punctuation is stripped and does not split a word: "isn't" becomes "isnt", which keeps its
    negation.

    Args:
        texts: the texts that the vocabulary is made from.
        max_words: maximum size of the vocabulary, padding and [UNK] included.
        max_tokens: number of tokens at which texts are truncated.

    Returns:
        A `keras.layers.TextVectorization`: strings (batch,) -> ids (batch, max_tokens).
    """
    vectorizer = keras.layers.TextVectorization(
        max_tokens=max_words, output_sequence_length=max_tokens, name=VECTORIZER
    )
    vectorizer.adapt(np.asarray(texts, dtype=object), batch_size=1024)
    return vectorizer


def text_classifier(
    vectorizer: Any,
    *,
    classes: int = 2,
    dim: int = 64,
    heads: int = 4,
    blocks: int = 2,
    dropout: float = 0.1,
) -> keras.Model:
    """Returns a pre-LN transformer from strings (batch,) to logits (batch, classes).

    Args:
        vectorizer: from `word_vectorizer`.
        classes: number of classes.
        dim: size of the embeddings.
        heads: number of attention heads of a block.
        blocks: number of transformer blocks.
        dropout: dropout rate of a block.

    Returns:
        The untrained model. Its layer "classifier" is the part from ids to logits.
    """
    max_tokens = vectorizer.get_config()["output_sequence_length"]
    ids = keras.Input((None,), dtype="int64", name="ids")
    positions = keras.ops.cumsum(keras.ops.ones_like(ids), axis=1) - 1
    # An empty text keeps its first padding token: a mean over no tokens would not be a number.
    mask = keras.ops.logical_or(keras.ops.not_equal(ids, 0), keras.ops.equal(positions, 0))
    tokens = keras.layers.Embedding(
        vectorizer.vocabulary_size(),
        dim,
        # Twice that of the positions: the smaller these are, the straighter is the path.
        embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
        mask_zero=True,
        name="token_embedding",
    )(ids)
    # A dropped word is a vector of zeros, so the model learns that zeros carry no information, as
    # the baseline of zeros presumes.
    tokens = keras.layers.Dropout(_WORD_DROPOUT, noise_shape=(None, None, 1))(tokens)
    position_vectors = keras.layers.Embedding(max_tokens, dim, name="position_embedding")(positions)
    hidden = keras.layers.Add()([tokens, position_vectors])
    for _ in range(blocks):
        hidden = _block(hidden, mask, heads=heads, dropout=dropout)
    hidden = keras.layers.LayerNormalization()(hidden)
    # Keras drops the mask where the masked tokens are added to the unmasked positions.
    pooled = keras.layers.GlobalAveragePooling1D()(hidden, mask=mask)
    logits = keras.layers.Dense(classes, name="logits")(pooled)
    classifier = keras.Model(ids, logits, name=CLASSIFIER)
    text = keras.Input((), dtype="string", name="text")
    return keras.Model(text, classifier(vectorizer(text)), name="text_classifier")


def train(
    model: keras.Model,
    data: LabelledTexts,
    *,
    validation: LabelledTexts,
    config: TrainingConfig,
    on_epoch: Callable[[int, dict[str, float]], None],
) -> None:
    """Trains a model of `text_classifier` in place.

    Args:
        model: the model.
        data: texts with labels.
        validation: texts with labels, none of them in `data`; the weights of the epoch with the
            best validation accuracy are kept.
        config: settings of the training.
        on_epoch: callback of the epoch that has ended, from 0, and Keras' logs.
    """
    classifier = model.get_layer(CLASSIFIER)
    classifier.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # XLA is slower on a CPU
    )
    early_stopping = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=config.patience, restore_best_weights=True
    )
    # Strings are converted to ids once, not at every step.
    classifier.fit(
        token_ids(model, data.texts),
        data.labels,
        validation_data=(token_ids(model, validation.texts), validation.labels),
        batch_size=64,
        epochs=config.epochs,
        callbacks=[early_stopping, keras.callbacks.LambdaCallback(on_epoch_end=on_epoch)],
        verbose=0,
    )


def token_ids(model: keras.Model, texts: Sequence[str]) -> np.ndarray:
    """Returns the ids of texts, (batch, tokens), padded with 0 to the longest text."""
    ids = np.asarray(model.get_layer(VECTORIZER)(np.asarray(texts, dtype=object)))
    return ids[:, : (ids != 0).sum(axis=1).max(initial=1)]


def probabilities(model: keras.Model, ids: np.ndarray) -> np.ndarray:
    """Returns the probabilities, (batch, classes), of a model of `text_classifier` for ids."""
    logits = model.get_layer(CLASSIFIER).predict(ids, batch_size=256, verbose=0)
    return np.asarray(keras.ops.softmax(logits))


def accuracy(model: keras.Model, data: LabelledTexts) -> float:
    """Returns the share of texts that a model of `text_classifier` classifies as labelled."""
    predictions = probabilities(model, token_ids(model, data.texts)).argmax(axis=1)
    return float(np.mean(predictions == data.labels))


def _block(hidden: Any, mask: Any, *, heads: int, dropout: float) -> Any:
    dim = hidden.shape[-1]
    normed = keras.layers.LayerNormalization()(hidden)
    attention = keras.layers.MultiHeadAttention(heads, dim // heads)
    attended = attention(normed, normed, attention_mask=mask[:, None, :])
    hidden = keras.layers.Add()([hidden, keras.layers.Dropout(dropout)(attended)])
    normed = keras.layers.LayerNormalization()(hidden)
    wide = keras.layers.Dense(2 * dim, activation="gelu")(normed)
    projected = keras.layers.Dense(dim)(wide)
    return keras.layers.Add()([hidden, keras.layers.Dropout(dropout)(projected)])
