"""Targets: a class, a margin, a probability, or any function of the outputs.

"Why sport?" and "why sport rather than politics?" are different targets: a word that speaks for
both classes counts for the first and cancels in the second. What to see: the same sentence with
five targets; the scores of `Margin` are the difference of those of its two classes, token by token;
a callable takes the model's outputs and returns a scalar for each example.

    python examples/why_this_rather_than_that.py
"""

import itertools
import random
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience import targets

CLASS_NAMES = ["sport", "politics", "weather"]
SUBJECTS = {
    "sport": ("the striker", "the keeper", "the coach", "the captain"),
    "politics": ("the minister", "the senator", "the mayor", "the captain"),
    "weather": ("the storm", "the frost", "the heat", "the rain"),
}
ENDS = {
    "sport": ("won the match", "missed the goal", "left the field"),
    "politics": ("won the vote", "missed the debate", "left the party"),
    "weather": ("covered the coast", "missed the valley", "left the north"),
}
TEXT = "the captain won the vote on monday"


def trained_model() -> keras.Model:
    """Trains a model from strings (batch,) to logits (batch, 3)."""
    keras.utils.set_random_seed(0)
    rows = [
        (f"{subject} {end} on {day}", number)
        for number, name in enumerate(CLASS_NAMES)
        for subject, end in itertools.product(SUBJECTS[name], ENDS[name])
        for day in ("monday", "tuesday", "friday", "sunday")
    ]
    random.Random(0).shuffle(rows)
    texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
    vectorizer = keras.layers.TextVectorization()
    vectorizer.adapt(texts)
    classifier = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            keras.layers.Embedding(vectorizer.vocabulary_size(), 16, mask_zero=True),
            keras.layers.Dense(32, activation="gelu"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(32, activation="gelu"),
            keras.layers.Dense(3),
        ]
    )
    classifier.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    classifier.fit(vectorizer(tf.constant(texts)), labels, batch_size=32, epochs=6, verbose=0)
    return keras.Sequential([keras.Input((), dtype="string"), vectorizer, classifier], name="news")


def confidence(outputs: Any) -> Any:
    """Returns the largest logit minus the mean of all, (batch,)."""
    return tf.reduce_max(outputs, axis=1) - tf.reduce_mean(outputs, axis=1)


def main() -> None:
    """Explains one sentence with different targets."""
    model = trained_model()
    sentence_targets = [
        "politics",
        "sport",
        targets.Margin("politics", "sport"),
        targets.Probability("politics"),
        confidence,
    ]
    # Enough nodes for the margin to equal the difference of its two classes.
    method = tfs.IntegratedGradients(steps=64, rule="gauss_legendre")
    saliences = [
        tfs.explain(model, TEXT, method, target=target, class_names=CLASS_NAMES)[0]
        for target in sentence_targets
    ]
    print(f"{'':22}" + "".join(f"{token:>10}" for token in saliences[0].tokens) + f"{'output':>10}")
    for salience in saliences:
        cells = "".join(f"{score:>10.3f}" for score in salience.scores)
        print(f"{salience.target_name:22}{cells}{salience.output:>10.3f}")
    politics, sport, margin = (salience.scores for salience in saliences[:3])
    difference = np.abs(margin - (politics - sport)).max()
    print(f"\nmargin - (politics - sport), largest over the tokens: {difference:.1e}")


if __name__ == "__main__":
    main()
