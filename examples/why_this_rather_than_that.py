"""What is explained: a class, a margin, a probability, anything.

"Why is this sport?" and "why sport rather than politics?" are different questions: a word that
speaks for both has a say in the first and none in the second. What to see: the same sentence with
five targets; `Margin` is the difference of its two parts, token by token; a callable takes the
model's outputs and returns any number for each row.

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
    """A model from strings to three logits."""
    keras.utils.set_random_seed(0)
    rows = [
        (f"{subject} {end} on {day}", number)
        for number, name in enumerate(CLASS_NAMES)
        for subject, end in itertools.product(SUBJECTS[name], ENDS[name])
        for day in ("monday", "tuesday", "friday", "sunday")
    ]
    random.Random(0).shuffle(rows)
    texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
    words = keras.layers.TextVectorization()
    words.adapt(texts)
    classifier = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            keras.layers.Embedding(words.vocabulary_size(), 16, mask_zero=True),
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
    classifier.fit(words(tf.constant(texts)), labels, batch_size=32, epochs=6, verbose=0)
    return keras.Sequential([keras.Input((), dtype="string"), words, classifier], name="news")


def confidence(outputs: Any) -> Any:
    """How far the largest logit stands above the mean of all: (batch,)."""
    return tf.reduce_max(outputs, axis=1) - tf.reduce_mean(outputs, axis=1)


def main() -> None:
    """Explains one sentence with different targets."""
    model = trained_model()
    asked = [
        "politics",
        "sport",
        targets.Margin("politics", "sport"),
        targets.Probability("politics"),
        confidence,
    ]
    # Many nodes, so that the margin is seen to be the difference of its parts.
    method = tfs.IntegratedGradients(steps=64, rule="gauss_legendre")
    found = [
        tfs.explain(model, TEXT, method, target=target, class_names=CLASS_NAMES)[0]
        for target in asked
    ]
    print(f"{'':22}" + "".join(f"{token:>10}" for token in found[0].tokens) + f"{'output':>10}")
    for salience in found:
        cells = "".join(f"{score:>10.3f}" for score in salience.scores)
        print(f"{salience.target_name:22}{cells}{salience.output:>10.3f}")
    apart = np.abs(found[2].scores - (found[0].scores - found[1].scores)).max()
    print(f"\nmargin - (politics - sport), largest over the tokens: {apart:.1e}")


if __name__ == "__main__":
    main()
