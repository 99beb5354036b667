"""A KerasHub classifier of two texts, which its preprocessor packs into one sequence.

Does the hypothesis follow from the premise? That all birds are loud entails that some are, not the
other way round; a small RoBERTa is trained on such pairs. What to see: the texts go in by name, as
they are, and the model sees one sequence, `<s> premise </s></s> hypothesis </s>`; `segments` has
both again, and what each of them contributes sums to one change of the output. The model itself was
trained on ids, so the explainer is given the preprocessor. Needs KerasHub:
`pip install 'tf-salience[hub]'`.

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
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
#: From the weakest to the strongest.
AMOUNTS = ("some", "many", "most", "all")
WHO = ("birds", "dogs", "boys", "singers", "waiters")
WHERE = ("here", "at home", "in town")
HOW = ("loud", "kind", "quick", "tired")
LENGTH = 20


def pairs() -> tuple[dict[str, list[str]], list[int]]:
    """Premises, hypotheses, and what two readers said of each; they are not always sure."""
    random = np.random.default_rng(0)
    rows = []
    kinds = itertools.product(enumerate(AMOUNTS), enumerate(AMOUNTS), WHO, WHERE, HOW)
    for (strong, first), (asked, second), who, where, how in kinds:
        sure = 1 / (1 + np.exp(-1.5 * (strong - asked + 0.5)))
        pair = f"{first} {who} {where} are {how}", f"{second} {who} are {how}"
        rows += [(*pair, int(label)) for label in random.random(2) < sure]
    order = random.permutation(len(rows))
    premises, hypotheses, labels = zip(*(rows[place] for place in order), strict=True)
    return {"premise": list(premises), "hypothesis": list(hypotheses)}, list(labels)


def byte_pairs(
    texts: list[str], first: list[str], last: list[str]
) -> dict[str, dict[str, int] | list[str]]:
    """The 256 bytes, the words of the texts, and the merges that lead from these to those.

    Special tokens come `first` or `last`, as the tokenizer has them.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable]
    letters += [chr(256 + number) for number in range(256 - len(printable))]
    # Byte pairs hold the space before a word, written Ġ; the first word of a text has none.
    words = {word for text in texts for word in text.replace(" ", " Ġ").split()}
    ordered = sorted(words, key=lambda word: (word[0] != "Ġ", word))
    merges = [f"{word[:end]} {word[end]}" for word in ordered for end in range(1, len(word))]
    merges = list(dict.fromkeys(merges))
    made = [merge.replace(" ", "") for merge in merges]
    tokens = dict.fromkeys([*first, *letters, *made, *last])
    return {"vocabulary": {token: number for number, token in enumerate(tokens)}, "merges": merges}


def trained_model() -> tuple[keras.Model, keras_hub.models.RobertaTextClassifierPreprocessor]:
    """A model from ids and their mask to logits (batch, 2), and what makes these of texts."""
    keras.utils.set_random_seed(1)
    texts, labels = pairs()
    tokenizer = keras_hub.models.RobertaTokenizer(
        **byte_pairs([*texts["premise"], *texts["hypothesis"]], SPECIAL, [])
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
    # Byte pairs take long: they are made once, not once an epoch.
    model = keras_hub.models.RobertaTextClassifier(backbone, num_classes=2, preprocessor=None)
    model.compile(
        keras.optimizers.Adam(5e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    packed = preprocessor(x=tuple(tf.constant(some) for some in texts.values()))
    model.fit(packed, np.array(labels), batch_size=32, epochs=6, shuffle=False, verbose=0)
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
    asked = {
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
    explanation = explainer(asked)
    print(f"{explanation[0]}\n")
    for premise, hypothesis, salience in zip(*asked.values(), explanation, strict=True):
        print(f"{premise}: {hypothesis}?")
        words = np.array(salience.words) >= 0  # <s> and </s> belong to none
        for name, part in salience.segments.items():
            strongest = part.start + np.abs(salience.scores * words)[part].argmax()
            print(
                f"  {name:10} {salience.scores[part].sum():+.2f}, strongest word: "
                f"{salience.tokens[strongest]} {salience.scores[strongest]:+.2f}"
            )
        change = salience.output - salience.baseline_output
        print(f"  both {salience.scores.sum():+.2f}, change of the output {change:+.2f}\n")


if __name__ == "__main__":
    main()
