"""A small text classifier of built-in Keras layers, from strings to logits, and its training.

Its `.keras` file loads anywhere, without custom objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tf_salience.data import LabelledTexts

VECTORIZER, CLASSIFIER = "words", "classifier"


def word_vectorizer(texts: Sequence[str], *, max_words: int = 8000, max_tokens: int = 64) -> Any:
    """The vocabulary of some texts, as a layer from strings to ids.

    Punctuation goes and the word it leaves stays whole: "isn't" becomes "isnt", a word of its own
    that says no.

    Args:
        texts: what the vocabulary is taken from.
        max_words: its size, the most frequent words first; padding and [UNK] count.
        max_tokens: longer texts are cut.

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
    word_dropout: float = 0.1,
) -> keras.Model:
    """A pre-LN transformer that takes strings (batch,) and gives logits (batch, classes).

    Args:
        vectorizer: from `word_vectorizer`.
        classes: number of classes.
        dim: size of the embeddings.
        heads: attention heads a block.
        blocks: transformer blocks.
        dropout: share of each block's numbers dropped while training.
        word_dropout: share of the words dropped while training.

    Returns:
        The model, untrained. Its layer "classifier" is the part from ids to logits.
    """
    max_tokens = vectorizer.get_config()["output_sequence_length"]
    ids = keras.Input((None,), dtype="int64", name="ids")
    positions = keras.ops.cumsum(keras.ops.ones_like(ids), axis=1) - 1
    # A text without a known word keeps its first padding, so that no mean is over nothing.
    mask = keras.ops.logical_or(keras.ops.not_equal(ids, 0), keras.ops.equal(positions, 0))
    tokens = keras.layers.Embedding(
        vectorizer.vocabulary_size(),
        dim,
        # Twice the places': the less the places weigh, the straighter the path to the baseline.
        embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
        mask_zero=True,
        name="token_embedding",
    )(ids)
    # A dropped word is a vector of zeros: the model learns that zeros say nothing, which is what
    # integrated gradients from a baseline of zeros take for granted.
    tokens = keras.layers.Dropout(word_dropout, noise_shape=(None, None, 1))(tokens)
    places = keras.layers.Embedding(max_tokens, dim, name="position_embedding")(positions)
    hidden = keras.layers.Add()([tokens, places])
    for _ in range(blocks):
        hidden = _block(hidden, mask, heads=heads, dropout=dropout)
    hidden = keras.layers.LayerNormalization()(hidden)
    # The mask is given by hand: Keras drops it where the masked tokens meet the unmasked places.
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
    epochs: int,
    patience: int,
    learning_rate: float = 1e-3,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> None:
    """Trains a model of `text_classifier` in place.

    Args:
        model: the model.
        data: texts with labels.
        validation: texts with labels, none of them in `data`, whose accuracy decides when to stop;
            the weights of the best epoch are kept.
        epochs: at most this many.
        patience: stop after this many epochs without a better validation accuracy.
        learning_rate: of Adam.
        on_epoch: called with the number of finished epochs and Keras' logs.
    """
    classifier = model.get_layer(CLASSIFIER)
    classifier.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU XLA takes longer, to compile and to run
    )
    callbacks: list[Any] = [
        keras.callbacks.EarlyStopping(
            "val_accuracy", mode="max", patience=patience, restore_best_weights=True
        )
    ]
    if on_epoch is not None:
        callbacks.append(
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, logs)
            )
        )
    # The strings become ids once, not at every step.
    classifier.fit(
        token_ids(model, data.texts),
        data.labels,
        validation_data=(token_ids(model, validation.texts), validation.labels),
        batch_size=64,
        epochs=epochs,
        callbacks=callbacks,
        verbose=0,
    )


def token_ids(model: keras.Model, texts: Sequence[str]) -> np.ndarray:
    """The ids of texts, (batch, tokens), padded with 0 to the longest of them."""
    ids = np.asarray(model.get_layer(VECTORIZER)(np.asarray(texts, dtype=object)))
    longest = int((ids != 0).sum(axis=1).max(initial=1))
    return ids[:, : max(longest, 1)]


def probabilities(model: keras.Model, ids: np.ndarray) -> np.ndarray:
    """The probabilities (batch, classes) a model of `text_classifier` gives to ids."""
    logits = model.get_layer(CLASSIFIER).predict(ids, batch_size=256, verbose=0)
    return np.asarray(keras.ops.softmax(logits))


def _block(hidden: Any, mask: Any, *, heads: int, dropout: float) -> Any:
    dim = hidden.shape[-1]
    normed = keras.layers.LayerNormalization()(hidden)
    attention = keras.layers.MultiHeadAttention(heads, dim // heads)
    attended = attention(normed, normed, attention_mask=mask[:, None, :])
    hidden = keras.layers.Add()([hidden, keras.layers.Dropout(dropout)(attended)])
    normed = keras.layers.LayerNormalization()(hidden)
    fed = keras.layers.Dense(2 * dim, activation="gelu")(normed)
    fed = keras.layers.Dense(dim)(fed)
    return keras.layers.Add()([hidden, keras.layers.Dropout(dropout)(fed)])
