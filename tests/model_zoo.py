"""Models that people make by hand, one of each kind, with the layer that embeds their tokens."""

from dataclasses import dataclass
from typing import Any

import helpers
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs

VOCABULARY, WIDTH = helpers.VOCABULARY, helpers.WIDTH


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        build: makes the model.
        embedding_name: the name of the layer that embeds the tokens.
        inputs: makes inputs of the model.
        target: what is explained.
        masks_padding: whether the model knows its padding.
        drops_mask: whether its layers drop the mask on the way all the same, as Keras' `Add` does
            with the mask of only one input: padding then has scores.
        keywords: further arguments of `Explainer`.
    """

    build: Any
    embedding_name: str
    inputs: Any = helpers.ids
    target: Any = "predicted"
    masks_padding: bool = True
    drops_mask: bool = False
    keywords: Any = None


def ids_input(name=None, shape=(None,)):
    return layers.Input(shape, dtype="int32", name=name)


def table(name="words", **keywords):
    return layers.Embedding(VOCABULARY, 8, name=name, **keywords)


def classified(ids, hidden):
    return keras.Model(ids, layers.Dense(3)(hidden))


def convolution_and_maximum():
    ids = ids_input()
    # Smooth, since the corners of a ReLU would be met by finite differences.
    hidden = layers.Conv1D(6, 3, activation="gelu")(table()(ids))
    return classified(ids, layers.GlobalMaxPooling1D()(hidden))


def whole_sentences():
    """Without padding: its windows would all be the maximum at once, where there is no slope."""
    return np.random.default_rng(0).integers(2, VOCABULARY, (6, WIDTH)).astype(np.int32)


def bidirectional_grus():
    ids = ids_input()
    hidden = layers.Bidirectional(layers.GRU(4, return_sequences=True))(table(mask_zero=True)(ids))
    return classified(ids, layers.Bidirectional(layers.GRU(4))(hidden))


def attention_with_masks():
    ids = ids_input()
    hidden = table(mask_zero=True)(ids)
    attended = layers.MultiHeadAttention(2, 4)(hidden, hidden, use_causal_mask=True)
    return classified(ids, layers.GlobalAveragePooling1D()(attended))


def time_distributed():
    ids = ids_input()
    hidden = layers.TimeDistributed(layers.Dense(5, activation="gelu"))(table(mask_zero=True)(ids))
    return classified(ids, layers.LSTM(4)(hidden))


def characters_and_words():
    words, characters = ids_input("words"), ids_input("characters", (None, 6))
    letters = layers.TimeDistributed(layers.Embedding(VOCABULARY, 4, name="letters"))(characters)
    letters = layers.TimeDistributed(layers.Conv1D(4, 3, activation="gelu"))(letters)
    letters = layers.TimeDistributed(layers.GlobalAveragePooling1D())(letters)
    hidden = layers.Concatenate()([table("word_table", mask_zero=True)(words), letters])
    return classified({"words": words, "characters": characters}, layers.GRU(5)(hidden))


def words_and_characters(batch=6):
    letters = np.random.default_rng(0).integers(1, VOCABULARY, (batch, WIDTH, 6))
    return {"words": helpers.ids(batch), "characters": letters}


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class OwnTable(layers.Layer):
    """An embedding layer that is no `keras.layers.Embedding`."""

    def build(self, _):
        self.table = self.add_weight(shape=(VOCABULARY, 8), name="table")

    def call(self, ids):
        return tf.nn.embedding_lookup(self.table, ids)


def own_table():
    ids = ids_input()
    return classified(ids, layers.GRU(5)(OwnTable(name="own")(ids)))


def shared_weights():
    """A language model whose head is its embedding, transposed."""
    ids = ids_input()
    embedding = layers.ReversibleEmbedding(VOCABULARY, 8, mask_zero=True, name="shared")
    hidden = layers.GRU(8, return_sequences=True)(embedding(ids))
    return keras.Model(ids, embedding(hidden, reverse=True))


def masking():
    ids = ids_input()
    return classified(ids, layers.GRU(5)(layers.Masking()(table()(ids))))


def with_category(shape):
    """Words, and a category for each example, which has an embedding too."""
    words, genre = ids_input("text"), ids_input("genre", shape)
    encoded = layers.GRU(5)(table(mask_zero=True)(words))
    genres = layers.Embedding(4, 3, name="genres")(genre)
    genres = layers.Flatten()(genres) if shape else genres
    return classified([words, genre], layers.Concatenate()([encoded, genres]))


def own_positions():
    """Positions of the model's own, embedded by a layer whose name does not say so."""
    ids = ids_input(shape=(WIDTH,))
    positions = layers.Embedding(WIDTH, 8, name="where")(ops.arange(WIDTH)[None])
    hidden = layers.Add()([table(mask_zero=True)(ids), positions])
    return classified(ids, layers.GlobalAveragePooling1D()(hidden))


def tagger():
    ids = ids_input()
    hidden = layers.GRU(5, return_sequences=True)(table(mask_zero=True)(ids))
    return keras.Model(ids, layers.Dense(4)(hidden))


def heads(container):
    """Two outputs, in a list or in a dict."""
    ids = ids_input()
    hidden = layers.GRU(5)(table(mask_zero=True)(ids))
    topic, stars = layers.Dense(3, name="topic")(hidden), layers.Dense(1, name="stars")(hidden)
    return keras.Model(
        ids, {"topic": topic, "stars": stars} if container is dict else [topic, stars]
    )


def with_head(units, activation, squeezed=False):
    ids = ids_input()
    output = layers.Dense(units, activation)(layers.GRU(5)(table(mask_zero=True)(ids)))
    return keras.Model(ids, output[:, 0] if squeezed else output)


def lora():
    model = attention_with_masks()
    model.get_layer("words").enable_lora(2)
    return model


KINDS = {
    "convolution_and_maximum": Kind(convolution_and_maximum, "words", whole_sentences,
                                    masks_padding=False),
    "bidirectional_grus": Kind(bidirectional_grus, "words"),
    "attention_with_masks": Kind(attention_with_masks, "words"),
    "time_distributed": Kind(time_distributed, "words"),
    "characters_and_words": Kind(characters_and_words, "word_table", words_and_characters,
                                 drops_mask=True),
    "own_table": Kind(own_table, "own", masks_padding=False),
    "shared_weights": Kind(shared_weights, "shared", target=tfs.targets.Span(start=-1),
                           inputs=lambda: helpers.ids()[[0, 1, 2, 4]]),
    "masking": Kind(masking, "words"),
    "category": Kind(lambda: with_category((1,)), "words",
                     lambda: (helpers.ids(), np.arange(6)[:, None] % 4)),
    "category_without_axis": Kind(lambda: with_category(()), "words",
                                  lambda: (helpers.ids(), np.arange(6) % 4)),
    "own_positions": Kind(own_positions, "words", drops_mask=True),
    "tagger": Kind(tagger, "words", target=tfs.targets.Position(0, tfs.targets.LogProbability(1))),
    "tagger_margin": Kind(tagger, "words",
                          target=tfs.targets.Position(-1, tfs.targets.Margin(0, 1))),
    "head_of_a_dict": Kind(lambda: heads(dict), "words", keywords={"output": "topic"}),
    "head_of_a_list": Kind(lambda: heads(list), "words", keywords={"output": "stars"}),
    "multi_label": Kind(lambda: with_head(4, "sigmoid"), "words", target=2),
    "one_sigmoid": Kind(lambda: with_head(1, "sigmoid"), "words"),
    "regression": Kind(lambda: with_head(1, None, squeezed=True), "words"),
    "lora": Kind(lora, "words"),
}  # fmt: skip


def build(name):
    """The model of a kind, with weights that make it far from linear."""
    keras.utils.set_random_seed(0)
    model = helpers.weights_alive(KINDS[name].build())
    if name == "masking":
        words = model.get_layer("words")
        rows = words.get_weights()[0]
        rows[0] = 0.0
        words.set_weights([rows])
    return model
