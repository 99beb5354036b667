"""Which words decided the output of a classifier?

A small Keras model from strings to logits is trained on sentences such as "the soup was not good"
and explained with integrated gradients. What to see: the explainer takes texts, because the model
contains its `TextVectorization`; tokens that speak for the explained class have positive scores,
those that speak against it have negative ones; each result states its convergence delta and its
estimated error.

    python examples/explain_a_classifier.py
"""

import itertools
import random

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs

CLASS_NAMES = ["negative", "positive"]
THINGS = ("film", "soup", "room", "plot", "music", "service", "coffee", "view")
DEGREES = ("", "very ", "really ", "rather ")
GOOD = ("good", "great", "lovely", "superb", "pleasant", "wonderful")
BAD = ("bad", "awful", "dull", "terrible", "poor", "dreadful")
NEGATIONS = ("", "not ", "never ")
STARTS = ("", "we thought ", "they said ", "last night ")


def sentences() -> tuple[list[str], list[int]]:
    """Returns short reviews and their labels; a negation inverts the word after it."""
    pairs = []
    adjectives = [*((word, 1) for word in GOOD), *((word, 0) for word in BAD)]
    for start, thing, negation, degree, (word, polarity) in itertools.product(
        STARTS, THINGS, NEGATIONS, DEGREES, adjectives
    ):
        label = 1 - polarity if negation else polarity
        pairs.append((f"{start}the {thing} was {negation}{degree}{word}", label))
    random.Random(0).shuffle(pairs)
    texts, labels = zip(*pairs, strict=True)
    return list(texts), list(labels)


def trained_classifier() -> keras.Model:
    """Trains a model from strings (batch,) to logits (batch, 2), in a few seconds."""
    keras.utils.set_random_seed(0)
    texts, labels = sentences()
    vectorizer = keras.layers.TextVectorization(name="words")
    vectorizer.adapt(texts)
    classifier = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            keras.layers.Embedding(
                vectorizer.vocabulary_size(), 16, mask_zero=True, name="embedding"
            ),
            keras.layers.LSTM(24),
            keras.layers.Dense(2, name="logits"),
        ]
    )
    classifier.compile(
        keras.optimizers.Adam(5e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    ids = vectorizer(tf.constant(texts))
    classifier.fit(ids, np.array(labels), batch_size=64, epochs=3, verbose=0)
    layers = [keras.Input((), dtype="string"), vectorizer, classifier]
    return keras.Sequential(layers, name="reviews")


def main() -> None:
    """Trains the model and explains four sentences."""
    explainer = tfs.Explainer(trained_classifier(), class_names=CLASS_NAMES)
    explanation = explainer(
        [
            "the soup was really good",
            "the soup was not really good",
            "last night the film was never dull",
            "we thought the coffee was awful",
        ]
    )
    # In a terminal the printed tokens are coloured; a notebook shows the same as HTML.
    for salience in explanation:
        print(salience)
        strongest = int(np.abs(salience.scores).argmax())
        print(f"  strongest token: {salience.tokens[strongest]}\n")


if __name__ == "__main__":
    main()
