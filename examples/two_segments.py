"""A model of two sentences that share one embedding layer.

Does the premise entail the hypothesis? The layer is called twice, so there are two segments: both
are explained together, and the sum of all scores is the change of the output. What to see: the
names in `segments` are those of the model's inputs; a tokenizer converts both texts to ids.

    python examples/two_segments.py
"""

import itertools
import random

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs

CLASS_NAMES = ["contradiction", "entailment"]
PEOPLE = ("man", "woman", "child", "teacher", "cook", "singer")
PLACES = ("outside", "at home", "in the park", "by the river")
ACTIONS = {"asleep": ("sleeping", "resting"), "awake": ("running", "dancing", "singing", "jumping")}


def pairs() -> tuple[dict[str, list[str]], list[int]]:
    """Returns premises, hypotheses and labels."""
    rows = []
    for person, place, (state, actions) in itertools.product(PEOPLE, PLACES, ACTIONS.items()):
        for action, claim in itertools.product(actions, ACTIONS):
            premise, hypothesis = f"a {person} is {action} {place}", f"the {person} is {claim}"
            rows.append((premise, hypothesis, int(claim == state)))
            rows.append((premise, f"the {person} is not {claim}", int(claim != state)))
    random.Random(0).shuffle(rows)
    premises, hypotheses, labels = zip(*rows, strict=True)
    return {"premise": list(premises), "hypothesis": list(hypotheses)}, list(labels)


def trained_model() -> tuple[keras.Model, keras.layers.TextVectorization]:
    """Trains a model from two arrays of ids to logits; returns its tokenizer too."""
    keras.utils.set_random_seed(0)
    texts, labels = pairs()
    tokenizer = keras.layers.TextVectorization()
    tokenizer.adapt([*texts["premise"], *texts["hypothesis"]])
    embedding = keras.layers.Embedding(
        tokenizer.vocabulary_size(),
        16,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.5),
        mask_zero=True,
        name="embedding",
    )
    inputs = [keras.Input((None,), dtype="int64", name=name) for name in texts]
    encoder = keras.layers.LSTM(24)
    premise, hypothesis = (encoder(embedding(ids)) for ids in inputs)
    features = keras.layers.Concatenate()([premise, hypothesis, premise * hypothesis])
    hidden = keras.layers.Dense(32, activation="gelu")(features)
    model = keras.Model(inputs, keras.layers.Dense(2)(hidden), name="entailment")
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    ids = [tokenizer(tf.constant(segment)) for segment in texts.values()]
    model.fit(ids, np.array(labels), batch_size=32, epochs=6, verbose=0)
    return model, tokenizer


def main() -> None:
    """Trains the model and explains three pairs."""
    model, tokenizer = trained_model()
    explainer = tfs.Explainer(model, tokenizer=tokenizer, class_names=CLASS_NAMES)
    explanation = explainer(
        {
            "premise": [
                "a child is sleeping at home",
                "a child is sleeping at home",
                "the cook is dancing by the river",
            ],
            "hypothesis": ["the child is awake", "the child is not awake", "the cook is awake"],
        }
    )
    for salience in explanation:
        print(salience.header)
        for name, segment in salience.segments.items():
            scores = salience.scores[segment]
            words = zip(salience.tokens[segment], scores, strict=True)
            line = "  ".join(f"{token} {score:+.2f}" for token, score in words)
            print(f"  {name:10} {scores.sum():+.2f} = {line}")
        change = salience.output - salience.baseline_output
        print(f"  both segments {salience.scores.sum():+.2f}, change of the output {change:+.2f}\n")


if __name__ == "__main__":
    main()
