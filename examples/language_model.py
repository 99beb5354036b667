"""Why did a language model say this word?

A small GPT-2 is trained on sentences such as "the keys to the cabinet are lost", whose writers now
and then let the verb agree with the nearer noun. What to see: `targets.Span` explains how likely a
continuation is, by the tokens before it; with `rather_than` it asks why "are" and not "is", and
leaves out what speaks for any verb; `matrix` explains each token of what the model goes on to say
by itself; and a token has no say in what came before it: it scores exactly 0. Needs
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
    """Sentences of two nouns, the first of which decides nine times in ten; no key with cabinet."""
    random = np.random.default_rng(0)
    kinds = list(itertools.product(NOUNS, ("", "s"), PLACES, NOUNS, ("", "s"), STATES))
    texts = []
    for kind in random.permutation(len(kinds))[:2400]:
        first, many, place, second, more, state = kinds[kind]
        if {first, second} == {"key", "cabinet"} or first == second:
            continue
        decides = many if random.random() < 0.9 else more
        verb = "are" if decides else "is"
        texts.append(f"the {first}{many} {place} the {second}{more} {verb} {state}")
    return texts


def trained_model() -> keras_hub.models.GPT2CausalLM:
    """A GPT-2 with its preprocessor, random weights at the start."""
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
    # Byte pairs take long: they are made once, not once an epoch.
    ids, following, weights = preprocessor(tf.constant(texts))
    model.fit(
        ids, following, sample_weight=weights, batch_size=32, epochs=8, shuffle=False, verbose=0
    )
    model.preprocessor = preprocessor
    return model


def main() -> None:
    """Trains the model; explains a verb in two ways, then what the model goes on to say."""
    model = trained_model()
    verbs, others = [" are", " is"], [" is", " are"]
    likely = tfs.explain(model, PROMPTS, target=targets.Span(verbs))
    rather = tfs.explain(model, PROMPTS, target=targets.Span(verbs, rather_than=others))
    for prompt, verb, *both in zip(PROMPTS, verbs, likely, rather, strict=True):
        print(f"why does {prompt!r} go on with {verb!r}?")
        for salience in both:
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
    whole, matrix = explainer(prompt)[0], explainer.matrix(prompt)[0]
    print(f"{whole}\n\neach token of the continuation (row), by token (column)")
    print(matrix)
    later = [row.scores[place:] for row, place in zip(matrix, matrix.places, strict=True)]
    largest = np.abs(np.concatenate(later)).max()
    print(f"\nlargest score of a token for itself or an earlier one: {largest}")
    apart = np.abs(matrix.scores.sum(axis=0) - whole.scores).max() / np.abs(whole.scores).sum()
    print(f"sum of the rows - the whole continuation, largest over the tokens: {apart:.1%}")


if __name__ == "__main__":
    main()
