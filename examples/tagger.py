"""Why is this word a noun here and a verb there?

A tagger, an embedding and a bidirectional GRU, predicts the tag of each word. In "they walk before
the walk" the same word is a verb and then a noun, which only the word before it decides. What to
see: `targets.Position` applies any target to one word: the log probability of a tag, or the margin
of "noun" over "verb"; `matrix` explains each word of a sentence separately, one row each.

    python examples/tagger.py
"""

import itertools
import random

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience import targets

TAGS = ["determiner", "pronoun", "noun", "verb", "conjunction"]
AMBIGUOUS = ("walk", "play", "dance", "talk", "answer", "visit", "rest", "drink")
PHRASES = [
    *(((first, "determiner"), (word, "noun")) for first in ("the", "our") for word in AMBIGUOUS),
    *(((first, "pronoun"), (word, "verb")) for first in ("they", "we") for word in AMBIGUOUS),
]
TEXTS = ["they walk before the walk", "our answer after we answer"]


def sentences() -> tuple[list[str], list[list[int]]]:
    """Returns sentences of two phrases with different words, and the tag of each word."""
    pairs = []
    for first, joint, last in itertools.product(PHRASES, ("before", "after", "like"), PHRASES):
        tagged = [*first, (joint, "conjunction"), *last]
        if first[1][0] != last[1][0]:
            text = " ".join(word for word, _ in tagged)
            pairs.append((text, [TAGS.index(tag) for _, tag in tagged]))
    random.Random(0).shuffle(pairs)
    texts, labels = zip(*pairs, strict=True)
    return list(texts), list(labels)


def trained_tagger() -> tuple[keras.Model, keras.layers.TextVectorization]:
    """Trains a model from ids (batch, tokens) to logits (batch, tokens, 5), and its tokenizer."""
    keras.utils.set_random_seed(0)
    texts, labels = sentences()
    tokenizer = keras.layers.TextVectorization()
    tokenizer.adapt(texts)
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            keras.layers.Embedding(tokenizer.vocabulary_size(), 16, mask_zero=True, name="words"),
            keras.layers.Bidirectional(keras.layers.GRU(16, return_sequences=True)),
            keras.layers.Dense(len(TAGS)),
        ],
        name="tagger",
    )
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(tokenizer(tf.constant(texts)), np.array(labels), batch_size=64, epochs=4, verbose=0)
    return model, tokenizer


def main() -> None:
    """Trains the tagger; explains one word, then every word."""
    model, tokenizer = trained_tagger()
    print("predicted tags")
    for text in TEXTS:
        logits = model(tokenizer(tf.constant([text])))[0].numpy()
        tagged = zip(text.split(), logits.argmax(axis=1), strict=True)
        print("  " + "  ".join(f"{word}/{TAGS[tag]}" for word, tag in tagged))

    print("\nwhy the last word of the first sentence is a noun, by two targets")
    for target in (targets.LogProbability("noun"), targets.Margin("noun", "verb")):
        last = targets.Position(-1, target)
        print(tfs.explain(model, TEXTS[0], target=last, tokenizer=tokenizer, class_names=TAGS))

    margin = targets.Position(target=targets.Margin("noun", "verb"))
    explainer = tfs.Explainer(model, target=margin, tokenizer=tokenizer, class_names=TAGS)
    for matrix in explainer.matrix(TEXTS):
        print("\nnoun − verb of each word (row), by word (column)")
        print(matrix)
        for position, row in enumerate(matrix):
            if row.tokens[position] in AMBIGUOUS:
                change = row.output - row.baseline_output
                strongest = row.tokens[int(np.abs(row.scores).argmax())]
                print(
                    f"  {row.target_name}: {row.output:+.2f}, strongest: {strongest}; "
                    f"sum {row.scores.sum():+.2f}, change {change:+.2f}"
                )


if __name__ == "__main__":
    main()
