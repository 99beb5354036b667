"""A KerasHub classifier of two texts, which its preprocessor packs into one sequence.

Does the hypothesis follow from the premise? That all birds are loud entails that some are, not the
other way round; a small RoBERTa is trained on such pairs. What to see: the explainer takes texts by
name, and the model gets one sequence, `<s> premise </s></s> hypothesis </s>`; `segments` separates
the two again, and the sum of both is the change of the output. The model was trained on ids, so the
preprocessor is passed as the tokenizer. Needs KerasHub: `pip install 'tf-salience[hub]'`.

    python examples/hub_pair.py
"""

import itertools

import keras
import keras_hub
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience import targets

CLASS_NAMES = ["neutral", "entailment"]
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
#: From the weakest to the strongest.
QUANTIFIERS = ("some", "many", "most", "all")
SUBJECTS = ("birds", "dogs", "boys", "singers", "waiters")
PLACES = ("here", "at home", "in town")
ADJECTIVES = ("loud", "kind", "quick", "tired")
LENGTH = 20


def pairs() -> tuple[dict[str, list[str]], list[int]]:
    """Returns premises, hypotheses, and labels; each pair has two random labels."""
    rng = np.random.default_rng(0)
    rows = []
    quantifiers = list(enumerate(QUANTIFIERS))
    for (strength, first), (claim, second), subject, place, adjective in itertools.product(
        quantifiers, quantifiers, SUBJECTS, PLACES, ADJECTIVES
    ):
        probability = 1 / (1 + np.exp(-1.5 * (strength - claim + 0.5)))
        premise = f"{first} {subject} {place} are {adjective}"
        hypothesis = f"{second} {subject} are {adjective}"
        rows += [(premise, hypothesis, int(label)) for label in rng.random(2) < probability]
    order = rng.permutation(len(rows))
    premises, hypotheses, labels = zip(*(rows[index] for index in order), strict=True)
    return {"premise": list(premises), "hypothesis": list(hypotheses)}, list(labels)


def byte_pairs(
    texts: list[str], first: list[str], last: list[str]
) -> dict[str, dict[str, int] | list[str]]:
    """Returns a vocabulary of the 256 bytes and the words of the texts, and its merges.

    Args:
        texts: the texts.
        first: special tokens at the start of the vocabulary.
        last: special tokens at its end.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters = [chr(byte) for byte in printable]
    characters += [chr(256 + number) for number in range(256 - len(printable))]
    # A token contains the space before it, written Ġ; the first word of a text has none.
    words = {word for text in texts for word in text.replace(" ", " Ġ").split()}
    ordered = sorted(words, key=lambda word: (word[0] != "Ġ", word))
    merges = [f"{word[:end]} {word[end]}" for word in ordered for end in range(1, len(word))]
    merges = list(dict.fromkeys(merges))
    merged = [merge.replace(" ", "") for merge in merges]
    tokens = dict.fromkeys([*first, *characters, *merged, *last])
    return {"vocabulary": {token: number for number, token in enumerate(tokens)}, "merges": merges}


def trained_model() -> tuple[keras.Model, keras_hub.models.RobertaTextClassifierPreprocessor]:
    """Trains a model from ids and their mask to logits (batch, 2); returns its preprocessor too."""
    keras.utils.set_random_seed(1)
    texts, labels = pairs()
    tokenizer = keras_hub.models.RobertaTokenizer(
        **byte_pairs([*texts["premise"], *texts["hypothesis"]], SPECIAL_TOKENS, [])
    )
    preprocessor = keras_hub.models.RobertaTextClassifierPreprocessor(tokenizer, LENGTH)
    backbone = keras_hub.models.RobertaBackbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=2,
        num_heads=4,
        hidden_dim=48,
        intermediate_dim=96,
        max_sequence_length=LENGTH,
        dropout=0,
    )
    # Byte-pair encoding is slow, so the texts are encoded once, not once an epoch.
    model = keras_hub.models.RobertaTextClassifier(backbone, num_classes=2, preprocessor=None)
    model.compile(
        keras.optimizers.Adam(5e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    inputs = preprocessor(x=tuple(tf.constant(segment) for segment in texts.values()))
    model.fit(inputs, np.array(labels), batch_size=32, epochs=6, shuffle=False, verbose=0)
    return model, preprocessor


def main() -> None:
    """Trains the model and explains four pairs."""
    model, preprocessor = trained_model()
    explainer = tfs.Explainer(
        model,
        target=targets.Margin("entailment", "neutral"),
        tokenizer=preprocessor,
        class_names=CLASS_NAMES,
    )
    texts = {
        "premise": [
            "all birds at home are loud",
            "some birds at home are loud",
            "most waiters in town are tired",
            "many waiters in town are tired",
        ],
        "hypothesis": [
            "some birds are loud",
            "all birds are loud",
            "many waiters are tired",
            "most waiters are tired",
        ],
    }
    explanation = explainer(texts)
    print(f"{explanation[0]}\n")
    for premise, hypothesis, salience in zip(*texts.values(), explanation, strict=True):
        print(f"{premise}: {hypothesis}?")
        in_word = np.array(salience.words) >= 0  # <s> and </s> belong to no word
        for name, segment in salience.segments.items():
            strongest = segment.start + np.abs(salience.scores * in_word)[segment].argmax()
            print(
                f"  {name:10} {salience.scores[segment].sum():+.2f}, strongest word: "
                f"{salience.tokens[strongest]} {salience.scores[strongest]:+.2f}"
            )
        change = salience.output - salience.baseline_output
        print(f"  both {salience.scores.sum():+.2f}, change of the output {change:+.2f}\n")


if __name__ == "__main__":
    main()
