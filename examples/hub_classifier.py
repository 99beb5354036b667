"""A KerasHub classifier: raw texts in, word pieces put together.

A small BERT with a word piece vocabulary of its own is trained on your texts; without `--data`, on
verdicts about films such as "the plot is careful and the cast is cheerless". What to see: the
model's preprocessor makes the tokens, so texts go in as they are; tokens are pieces of words, and
here the ends "ful" and "less" decide; `merged` adds up the pieces of each word, so that the scores
still sum to the change of the output. Needs KerasHub: `pip install 'tf-salience[hub]'`.

    python examples/hub_classifier.py
    python examples/hub_classifier.py --data movie_reviews.tsv --rating-column rating
"""

import argparse

import keras
import keras_hub
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience.data.files import read_file
from tf_salience.data.labelled_texts import LabelledTexts, split_train_test

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
THINGS = ("plot", "cast", "music", "script", "ending", "humour")
STEMS = ("care", "cheer", "grace", "hope", "joy", "taste", "thought", "help")


def made_up() -> LabelledTexts:
    """One to four remarks each; the more of them are kind, the likelier is the label positive."""
    random = np.random.default_rng(0)
    texts, labels = [], []
    for _ in range(3000):
        count = int(random.integers(1, 5))
        ends = random.choice(["ful", "less"], count)
        said = zip(random.permutation(THINGS), random.choice(STEMS, count), ends, strict=False)
        texts.append(" and ".join(f"the {thing} is {stem}{end}" for thing, stem, end in said))
        kind = (ends == "ful").sum() - (ends == "less").sum()
        labels.append(int(random.random() < 1 / (1 + np.exp(-1.5 * kind))))
    return LabelledTexts(texts, np.array(labels), ("negative", "positive"))


def plain_pieces(texts: list[str]) -> list[str]:
    """A vocabulary of stems, ends, and the other words of the texts made here."""
    words = {word for text in texts for word in text.split() if not word.endswith(("ful", "less"))}
    return [*SPECIAL, *STEMS, "##ful", "##less", *sorted(words)]


def learned_pieces(texts: list[str]) -> list[str]:
    """A vocabulary of the pieces that the texts are often made of."""
    return keras_hub.tokenizers.compute_word_piece_vocabulary(
        tf.data.Dataset.from_tensor_slices(texts), 4000, lowercase=True, reserved_tokens=SPECIAL
    )


def trained_classifier(
    data: LabelledTexts, pieces: list[str], *, length: int, epochs: int
) -> keras_hub.models.BertTextClassifier:
    """A BERT from strings (batch,) to logits (batch, classes), with random weights at the start."""
    keras.utils.set_random_seed(0)
    tokenizer = keras_hub.models.BertTokenizer(vocabulary=pieces, lowercase=True)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(pieces),
        num_layers=1,
        num_heads=4,
        hidden_dim=64,
        intermediate_dim=128,
        max_sequence_length=length,
    )
    model = keras_hub.models.BertTextClassifier(
        backbone,
        num_classes=int(data.labels.max()) + 1,
        preprocessor=keras_hub.models.BertTextClassifierPreprocessor(tokenizer, length),
    )
    model.compile(
        keras.optimizers.Adam(5e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    texts = np.array(data.texts)  # in random order as they are
    model.fit(texts, data.labels, batch_size=32, epochs=epochs, shuffle=False, verbose=0)
    return model


def options() -> argparse.Namespace:
    """What was asked for; the columns are those of `tf-salience demo --data`."""
    parser = argparse.ArgumentParser(description="Trains and explains a small KerasHub BERT.")
    parser.add_argument("--data", metavar="FILE", help="labelled texts: .tsv, .csv or .jsonl")
    parser.add_argument("--text-column", default="text", metavar="NAME")
    columns = parser.add_mutually_exclusive_group()
    columns.add_argument("--label-column", metavar="NAME", help="holds classes")
    columns.add_argument("--rating-column", metavar="NAME", help="holds numbers; > 0 is positive")
    parser.add_argument("--max-texts", type=int, default=6000, metavar="N", help="train on N")
    return parser.parse_args()


def main() -> None:
    """Trains a classifier and explains six texts that it was not trained on."""
    asked = options()
    if asked.data is None:
        train, test = split_train_test(made_up(), test_share=0.1, seed=0)
        model = trained_classifier(train, plain_pieces(train.texts), length=32, epochs=3)
    else:
        data = read_file(
            asked.data,
            text_column=asked.text_column,
            label_column=asked.label_column,
            rating_column=asked.rating_column,
        )
        if data.labels is None:
            raise SystemExit("--data needs labels: name a --label-column or --rating-column.")
        train, test = split_train_test(data, test_share=0.1, seed=0)
        train = train.take(range(min(asked.max_texts, len(train))))
        model = trained_classifier(train, learned_pieces(train.texts), length=96, epochs=4)
    logits = model.predict(np.array(test.texts), verbose=0)
    accuracy = np.mean(logits.argmax(axis=1) == test.labels)
    print(f"trained on {len(train)} texts; right about {accuracy:.0%} of {len(test)} others\n")

    explainer = tfs.Explainer(model, class_names=train.class_names)
    explanation = explainer(test.texts[:6])
    words = explanation.merged()
    print(f"pieces of words\n{explanation[0]}\n\nwords\n{words[0]}\n")
    for text, salience in zip(test.texts, words, strict=False):
        # [CLS] and [SEP] belong to no word.
        strongest = np.where(np.array(salience.words) < 0, 0, np.abs(salience.scores)).argmax()
        change = salience.output - salience.baseline_output
        print(
            f"{text}\n  {salience.target_name}, strongest word: "
            f"{salience.tokens[strongest]} {salience.scores[strongest]:+.2f}; "
            f"sum of all {salience.scores.sum():+.2f}, change of the output {change:+.2f}"
        )


if __name__ == "__main__":
    main()
