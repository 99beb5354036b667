"""Why is this word a noun here and a verb there?

A tagger, an embedding and a bidirectional GRU, says of each word what it is. In "they walk before
the walk" the same word is a verb and then a noun; it cannot tell by itself, the word before it
decides. What to see: `targets.Position` explains what is said of one word, as any other target:
the log probability of a tag, or why "noun" rather than "verb", a margin; `matrix` explains each
word of a sentence by itself, a row for each.

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
BOTH = ("walk", "play", "dance", "talk", "answer", "visit", "rest", "drink")
PHRASES = [
    *(((before, "determiner"), (word, "noun")) for before in ("the", "our") for word in BOTH),
    *(((before, "pronoun"), (word, "verb")) for before in ("they", "we") for word in BOTH),
]
TEXTS = ["they walk before the walk", "our answer after we answer"]


def sentences() -> tuple[list[str], list[list[int]]]:
    """Two phrases and what joins them, and the tag of each word; no word is in both phrases."""
    pairs = []
    for first, word, last in itertools.product(PHRASES, ("before", "after", "like"), PHRASES):
        said = [*first, (word, "conjunction"), *last]
        if first[1][0] != last[1][0]:
            pairs.append((" ".join(one for one, _ in said), [TAGS.index(tag) for _, tag in said]))
    random.Random(0).shuffle(pairs)
    texts, labels = zip(*pairs, strict=True)
    return list(texts), list(labels)


def trained_tagger() -> tuple[keras.Model, keras.layers.TextVectorization]:
    """A model from ids (batch, tokens) to logits (batch, tokens, 5), and what makes the ids."""
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
    print("what it says")
    for text in TEXTS:
        logits = model(tokenizer(tf.constant([text])))[0].numpy()
        said = zip(text.split(), logits.argmax(axis=1), strict=True)
        print("  " + "  ".join(f"{word}/{TAGS[tag]}" for word, tag in said))

    print("\nwhy the last word of the first sentence is a noun, asked in two ways")
    for target in (targets.LogProbability("noun"), targets.Margin("noun", "verb")):
        at_last = targets.Position(-1, target)
        print(tfs.explain(model, TEXTS[0], target=at_last, tokenizer=tokenizer, class_names=TAGS))

    margin = targets.Position(target=targets.Margin("noun", "verb"))
    explainer = tfs.Explainer(model, target=margin, tokenizer=tokenizer, class_names=TAGS)
    for matrix in explainer.matrix(TEXTS):
        print("\nnoun − verb of each word (row), by word (column)")
        print(matrix)
        for place, row in enumerate(matrix):
            if row.tokens[place] in BOTH:
                change = row.output - row.baseline_output
                strongest = row.tokens[int(np.abs(row.scores).argmax())]
                print(
                    f"  {row.target_name}: {row.output:+.2f}, strongest: {strongest}; "
                    f"sum {row.scores.sum():+.2f}, change {change:+.2f}"
                )


if __name__ == "__main__":
    main()
