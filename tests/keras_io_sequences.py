"""Models in the shapes of keras.io's examples that have an output for each token."""

from typing import Any

import helpers
import keras
import numpy as np
from keras import layers
from keras_io_parts import (
    TOKENS,
    VOCABULARY,
    WIDTH,
    Case,
    Decoder,
    Encoder,
    PositionalEmbedding,
    TokenAndPosition,
    by_vectorizer,
    ids,
    ids_input,
    texts,
    vectors,
)

try:
    import keras_hub
    import keras_hub_models as hub
except ImportError:  # the extra `hub` is not installed
    keras_hub = None


class Tagger(keras.Model):
    """Named entities, by a transformer in the subclassing style."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = TokenAndPosition()
        self.encoder = Encoder()
        self.first_dropout, self.second_dropout = layers.Dropout(0.1), layers.Dropout(0.1)
        self.hidden = layers.Dense(32, activation="relu")
        self.tags = layers.Dense(5, activation="softmax")

    def call(self, token_ids: Any, training: bool = False) -> Any:
        hidden = self.encoder(self.embedding(token_ids))
        hidden = self.hidden(self.first_dropout(hidden, training=training))
        return self.tags(self.second_dropout(hidden, training=training))


def tagger():
    model = Tagger()
    model(ids())
    return model


def translation():
    """An encoder model and a decoder model, whose embeddings compute their masks."""
    source, target = ids_input("encoder_inputs", None), ids_input("decoder_inputs", None)
    encoded = Encoder()(PositionalEmbedding(name="source_embedding")(source))
    encoder = keras.Model(source, encoded, name="encoder")
    context = layers.Input((None, WIDTH), name="decoder_context")
    hidden = Decoder()(PositionalEmbedding(name="target_embedding")(target), context)
    outputs = layers.Dense(VOCABULARY, activation="softmax")(layers.Dropout(0.5)(hidden))
    decoder = keras.Model([target, context], outputs, name="decoder")
    return keras.Model([source, target], decoder([target, encoder(source)]))


def hub_translation():
    """The same of KerasHub's layers."""
    source, target = ids_input("encoder_inputs"), ids_input("decoder_inputs")

    def embedded(token_ids):
        return keras_hub.layers.TokenAndPositionEmbedding(VOCABULARY, TOKENS, WIDTH)(token_ids)

    encoded = keras_hub.layers.TransformerEncoder(16, 2)(embedded(source))
    hidden = keras_hub.layers.TransformerDecoder(16, 2)(embedded(target), encoded)
    outputs = layers.Dense(VOCABULARY, activation="softmax")(layers.Dropout(0.5)(hidden))
    return keras.Model([source, target], outputs)


def two_languages():
    """The arguments of a case of translation: two inputs, each with words of its own."""
    words = [f"palabra{number}" for number in range(VOCABULARY - 2)]
    spanish = layers.TextVectorization(vocabulary=words, output_sequence_length=TOKENS)
    tokenizers = {"encoder_inputs": helpers.vectorizer(), "decoder_inputs": spanish}
    sentences = {
        "encoder_inputs": texts(),
        "decoder_inputs": np.array([text.replace("w", "palabra") for text in texts(5)], object),
    }
    return {
        "inputs": lambda: sentences,
        "kind": "two of strings, by a `tokenizer=` for each",
        "said": lambda: {"tokenizer": tokenizers},
        "arrays": lambda model, strings, continuation: {
            name: tokenizers[name](array) for name, array in strings.items()
        },
    }


def miniature_gpt():
    """A causal block; its outputs are the logits of the next token and what they are made of."""
    token_ids = ids_input("ids")
    hidden = Encoder(causal=True)(TokenAndPosition()(token_ids))
    return keras.Model(token_ids, [layers.Dense(VOCABULARY)(hidden), hidden])


def captioning():
    """The caption's decoder, which attends to the vectors of regions of an image."""
    image = layers.Input((6, 12), name="image")
    caption = ids_input("caption")
    regions = layers.Dense(WIDTH, activation="relu")(layers.LayerNormalization()(image))
    regions = Encoder(name="of_regions")(regions)
    hidden = Decoder()(PositionalEmbedding(name="of_caption")(caption), regions)
    outputs = layers.Dense(VOCABULARY, activation="softmax")(layers.Dropout(0.5)(hidden))
    return keras.Model([image, caption], outputs)


SEQUENCES = {
    "named entities": Case(tagger, ids, "ids", path="kinks"),
    "translation": Case(translation, **two_languages()),
    "miniature GPT": Case(miniature_gpt, **by_vectorizer()),
    "image captioning": Case(
        captioning,
        lambda: {"image": vectors(6, 12), "caption": ids()},
        "ids, and vectors of an image",
    ),
}


#: The pieces that a sentence of a language model may have.
PIECES = 28


def lora():
    """GPT-2 whose dense layers have matrices of a low rank beside their own."""
    model = helpers.weights_alive(hub.language_model("GPT2", PIECES), 0.3)
    model.backbone.enable_lora(2)
    return model


def packed(model, texts, continuation):
    """The ids of texts and of what follows them; of an encoder with a decoder the latter has it."""
    if isinstance(texts, dict):
        longer = [f"{text}{continuation}" for text in texts["decoder_text"]]
        return model.preprocessor.generate_preprocess({**texts, "decoder_text": longer})
    return model.preprocessor.generate_preprocess([f"{text}{continuation}" for text in texts])


PROMPTS = ["the soup was good", "play", "a waiter", "good soup and a cat"]
if keras_hub is not None:
    SEQUENCES |= {
        "translation, KerasHub": Case(hub_translation, **two_languages()),
        "GPT-2 with LoRA": Case(
            lora, lambda: PROMPTS, "strings, by its preprocessor", arrays=packed, scale=0.3
        ),
        "BART summarization": Case(
            lambda: hub.language_model("Bart", PIECES),
            lambda: {"encoder_text": PROMPTS, "decoder_text": ["a", "the soup", "song", "good"]},
            "two of strings, by its preprocessor",
            arrays=packed,
            scale=0.3,
        ),
    }
