"""Models in the shapes of keras.io's examples that take several inputs: texts, features, images."""

import helpers
import keras
import numpy as np
from keras import layers, ops
from keras_io_parts import (
    EXAMPLES,
    TOKENS,
    VOCABULARY,
    WIDTH,
    Case,
    Cosine,
    Encoder,
    MeanOfTokens,
    PositionalEmbedding,
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


def sentence_encoder():
    """Ids and the mask of their padding to the vector of a sentence, by a transformer."""
    token_ids, padding_mask = ids_input("token_ids"), ids_input("padding_mask")
    hidden = Encoder()(PositionalEmbedding()(token_ids))
    inputs = {"token_ids": token_ids, "padding_mask": padding_mask}
    return keras.Model(inputs, MeanOfTokens()(hidden, padding_mask), name="sentence_encoder")


def sentence_bert():
    """Two sentences through one encoder, a list of two dicts, and the cosine of their vectors."""
    encoder = sentence_encoder()
    sentences = [
        {"token_ids": ids_input(f"{side}_ids"), "padding_mask": ids_input(f"{side}_mask")}
        for side in ("first", "second")
    ]
    return keras.Model(sentences, Cosine()(*(encoder(sentence) for sentence in sentences)))


def two_masked_sentences():
    return [
        {"token_ids": array, "padding_mask": np.int32(array != 0)} for array in (ids(), ids(seed=5))
    ]


def siamese_towers():
    """Two sentences through one recurrent tower, and a unit upon their difference."""
    left, right = ids_input("left", None), ids_input("right", None)
    tower = keras.Sequential(
        [layers.Embedding(VOCABULARY, WIDTH, mask_zero=True, name="embedding"), layers.LSTM(6)]
    )
    difference = ops.absolute(tower(left) - tower(right))
    outputs = layers.Dense(1, activation="sigmoid")(difference)
    return keras.Model({"left": left, "right": right}, outputs)


def question_answering():
    """Ids, the mask, the number of the text; two outputs, where an answer starts and ends."""
    names = ("input_word_ids", "input_mask", "input_type_ids")
    inputs = {name: ids_input(name) for name in names}
    types = layers.Embedding(2, WIDTH, name="segment_embedding")(inputs["input_type_ids"])
    hidden = PositionalEmbedding(name="embedding")(inputs["input_word_ids"]) + types
    hidden = Encoder()(hidden, mask=ops.not_equal(inputs["input_mask"], 0))
    ends = [
        layers.Softmax(name=name)(layers.Flatten()(layers.Dense(1, use_bias=False)(hidden)))
        for name in ("start", "end")
    ]
    return keras.Model(list(inputs.values()), ends)


def question_and_context():
    token_ids = ids()
    types = np.broadcast_to(np.arange(TOKENS) >= 3, token_ids.shape)
    return [token_ids, np.int32(token_ids != 0), np.int32(types & (token_ids != 0))]


MOVIES = [f"movie_{number}" for number in range(20)]
AGES = ["young", "middle", "old"]


def recommendation():
    """Films that were seen, with their ratings, the film in question and a category."""
    seen = layers.Input((TOKENS,), dtype="string", name="seen_movies")
    film = layers.Input((1,), dtype="string", name="movie")
    age = layers.Input((1,), dtype="string", name="age")
    ratings = layers.Input((TOKENS,), name="ratings")
    number_of_film = layers.StringLookup(vocabulary=MOVIES, mask_token=None, num_oov_indices=1)
    films = layers.Embedding(len(MOVIES) + 1, WIDTH, name="movie_embedding")
    positions = layers.Embedding(TOKENS, WIDTH, name="position_embedding")(ops.arange(TOKENS))
    sequence = films(number_of_film(seen)) + positions
    sequence = sequence * ops.expand_dims(ratings, -1)
    sequence = layers.Concatenate(axis=1)([sequence, films(number_of_film(film))])
    number_of_age = layers.StringLookup(vocabulary=AGES)
    ages = layers.Embedding(len(AGES) + 1, 3, name="age_embedding")(number_of_age(age))
    hidden = layers.Flatten()(Encoder()(sequence))
    hidden = layers.Concatenate()([hidden, layers.Flatten()(ages)])
    hidden = layers.Dense(32, activation="leaky_relu")(hidden)
    inputs = {"seen_movies": seen, "movie": film, "age": age, "ratings": ratings}
    return keras.Model(inputs, layers.Dense(1)(hidden))


def viewers():
    generator = np.random.default_rng(3)

    def drawn(strings, tokens):
        return generator.choice(strings, (EXAMPLES, tokens)).astype(object)

    return {
        "seen_movies": drawn(MOVIES, TOKENS),
        "movie": drawn(MOVIES, 1),
        "age": drawn(AGES, 1),
        "ratings": generator.integers(1, 6, (EXAMPLES, TOKENS)).astype(np.float32),
    }


def projected(hidden):
    """A tower's vectors in the space that two towers share."""
    hidden = layers.Dense(WIDTH)(hidden)
    deeper = layers.Dense(WIDTH)(layers.Activation("gelu")(hidden))
    return layers.LayerNormalization()(layers.Add()([deeper, hidden]))


def dual_encoder():
    """A caption as a string, an image as a vector, and how well they fit."""
    caption = layers.Input((), dtype="string", name="caption")
    image = layers.Input((12,), name="image")
    words = layers.Embedding(VOCABULARY, WIDTH, mask_zero=True, name="words")
    hidden = layers.GlobalAveragePooling1D()(words(helpers.vectorizer()(caption)))
    similarity = layers.Dot(axes=1)([projected(hidden), projected(image)])
    return keras.Model({"caption": caption, "image": image}, similarity)


def tickets():
    """Title and text, each with an embedding, and tags; a priority and a department."""
    title, body = ids_input("title", None), ids_input("body", None)
    tags = layers.Input((5,), name="tags")
    vectors_of_title = layers.LSTM(6)(layers.Embedding(VOCABULARY, WIDTH, name="of_title")(title))
    vectors_of_body = layers.LSTM(4)(layers.Embedding(VOCABULARY, WIDTH, name="of_body")(body))
    hidden = layers.Concatenate()([vectors_of_title, vectors_of_body, tags])
    priority = layers.Dense(1, name="priority")(hidden)
    department = layers.Dense(4, name="department")(hidden)
    inputs = {"title": title, "body": body, "tags": tags}
    return keras.Model(inputs, {"priority": priority, "department": department})


PAIRS = {
    "sentence-BERT": Case(sentence_bert, two_masked_sentences, "a list of two dicts: ids and mask"),
    "siamese towers": Case(
        siamese_towers, lambda: {"left": ids(), "right": ids(seed=5)}, "two of ids"
    ),
    "extractive question answering": Case(
        question_answering, question_and_context, "ids, mask and numbers of the texts"
    ),
    "recommendation transformer": Case(
        recommendation,
        viewers,
        "strings of films, ratings, an age",
        path="kinks",
        scale=0.25,
    ),
    "dual encoder": Case(
        dual_encoder,
        lambda: {"caption": texts(), "image": vectors(12)},
        "strings, and the vector of an image",
    ),
    "tickets": Case(
        tickets,
        lambda: {"title": ids(), "body": ids(seed=5), "tags": np.abs(vectors(5)).round()},
        "two of ids, and tags",
    ),
}


ENDINGS = 2


def multiple_choice():
    """One classifier on each of the endings, and a softmax over them."""
    inputs = {
        name: layers.Input((ENDINGS, hub.LENGTH), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask")
    }
    classifier = keras_hub.models.BertTextClassifier(
        hub.backbone("Bert", VOCABULARY), num_classes=1, preprocessor=None
    )
    # The backbone has numbers of texts as well, all of them 0 here.
    types = ops.zeros_like(inputs["token_ids"])
    values = {**inputs, "segment_ids": types}
    scores = [
        classifier({name: value[:, ending] for name, value in values.items()})
        for ending in range(ENDINGS)
    ]
    return keras.Model(inputs, layers.Softmax()(layers.Concatenate()(scores)))


def endings():
    token_ids = np.zeros((EXAMPLES, ENDINGS, hub.LENGTH), np.int32)
    token_ids[..., :TOKENS] = np.stack([ids(seed) for seed in (9, 5)], axis=1)
    return {"token_ids": token_ids, "padding_mask": np.int32(token_ids != 0)}


if keras_hub is not None:
    PAIRS["multiple choice"] = Case(multiple_choice, endings, "(batch, choices, tokens) of ids")
