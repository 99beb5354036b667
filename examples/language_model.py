"""Why did a language model generate this word?

A small GPT-2 is trained on sentences such as "the keys to the cabinet are lost", in some of which
the verb agrees with the nearer noun. What to see: `targets.Span` explains the log-likelihood of a
continuation by the tokens before it; with `rather_than` it explains why "are" and not "is", without
the tokens that speak for any verb; `matrix` explains each token of the generated continuation
separately; a token cannot influence earlier tokens, so it scores exactly 0 for them. Needs
KerasHub: `pip install 'tf-salience[hub]'`.

    python examples/language_model.py
"""

import itertools

import keras
import keras_hub
import numpy as np
import tensorflow as tf
from hub_pair import byte_pairs

import tf_salience as tfs
from tf_salience import targets

NOUNS = ("key", "cabinet", "book", "letter", "picture", "boat", "door", "lamp")
PLACES = ("to", "near", "behind", "under")
STATES = ("lost", "old", "small", "on the table", "in the house")
END = "<|endoftext|>"
LENGTH = 16
PROMPTS = ["the keys to the cabinet", "the key to the cabinets"]


def sentences() -> list[str]:
    """Returns sentences of two nouns; the verb agrees with the first one nine times in ten.

    No sentence has both nouns of the prompts.
    """
    rng = np.random.default_rng(0)
    combinations = list(itertools.product(NOUNS, ("", "s"), PLACES, NOUNS, ("", "s"), STATES))
    texts = []
    for index in rng.permutation(len(combinations))[:2400]:
        first, first_plural, place, second, second_plural, state = combinations[index]
        if {first, second} == {"key", "cabinet"} or first == second:
            continue
        plural = first_plural if rng.random() < 0.9 else second_plural
        verb = "are" if plural else "is"
        texts.append(
            f"the {first}{first_plural} {place} the {second}{second_plural} {verb} {state}"
        )
    return texts


def trained_model() -> keras_hub.models.GPT2CausalLM:
    """Trains a GPT-2 with its preprocessor, from random weights."""
    keras.utils.set_random_seed(1)
    texts = sentences()
    tokenizer = keras_hub.models.GPT2Tokenizer(**byte_pairs(texts, [], [END]))
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=LENGTH)
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=2,
        num_heads=4,
        hidden_dim=64,
        intermediate_dim=128,
        max_sequence_length=LENGTH,
        dropout=0,
    )
    model = keras_hub.models.GPT2CausalLM(backbone)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        sampler="greedy",
        jit_compile=False,
    )
    # Byte-pair encoding is slow, so the texts are encoded once, not once an epoch.
    ids, next_ids, weights = preprocessor(tf.constant(texts))
    model.fit(
        ids, next_ids, sample_weight=weights, batch_size=32, epochs=8, shuffle=False, verbose=0
    )
    model.preprocessor = preprocessor
    return model


def main() -> None:
    """Trains the model; explains a verb with two targets, then a generated continuation."""
    model = trained_model()
    verbs, alternatives = [" are", " is"], [" is", " are"]
    likelihood = tfs.explain(model, PROMPTS, target=targets.Span(verbs))
    contrast = tfs.explain(model, PROMPTS, target=targets.Span(verbs, rather_than=alternatives))
    for prompt, verb, *saliences in zip(PROMPTS, verbs, likelihood, contrast, strict=True):
        print(f"why does {prompt!r} go on with {verb!r}?")
        for salience in saliences:
            change = salience.output - salience.baseline_output
            strongest = salience.tokens[np.abs(salience.scores).argmax()]
            print(
                f"{salience}\n  strongest token: {strongest}; "
                f"sum {salience.scores.sum():+.2f}, change {change:+.2f}"
            )
        print()

    prompt = PROMPTS[0]
    text = model.generate(prompt)
    print(f"the model says: {text}")
    explainer = tfs.Explainer(model, target=targets.Span(text.removeprefix(prompt)))
    salience, matrix = explainer(prompt)[0], explainer.matrix(prompt)[0]
    print(f"{salience}\n\neach token of the continuation (row), by token (column)")
    print(matrix)
    future = [row.scores[position:] for row, position in zip(matrix, matrix.places, strict=True)]
    largest = np.abs(np.concatenate(future)).max()
    print(f"\nlargest score of a token for itself or an earlier one: {largest}")
    difference = np.abs(matrix.scores.sum(axis=0) - salience.scores).max()
    share = difference / np.abs(salience.scores).sum()
    print(f"sum of the rows - the whole continuation, largest over the tokens: {share:.1%}")


if __name__ == "__main__":
    main()
