"""A KerasHub classifier: texts as inputs, subwords merged into words.

A small BERT with its own WordPiece vocabulary is trained on your texts; without `--data`, on
remarks about films such as "the plot is careful and the cast is cheerless". What to see: the
model's preprocessor tokenizes, so the explainer takes texts; tokens are subwords, and here the
suffixes "ful" and "less" decide; `merged` adds up the scores of the subwords of each word, so that
the sum is still the change of the output. Needs KerasHub: `pip install 'tf-salience[hub]'`.

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

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
THINGS = ("plot", "cast", "music", "script", "ending", "humour")
STEMS = ("care", "cheer", "grace", "hope", "joy", "taste", "thought", "help")
SUFFIXES = ("ful", "less")


def synthetic_texts() -> LabelledTexts:
    """Returns texts of one to four remarks; more kind remarks make a positive label likelier."""
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for _ in range(3000):
        count = int(rng.integers(1, 5))
        suffixes = rng.choice(SUFFIXES, count)
        remarks = zip(rng.permutation(THINGS), rng.choice(STEMS, count), suffixes, strict=False)
        texts.append(" and ".join(f"the {thing} is {stem}{end}" for thing, stem, end in remarks))
        kindness = (suffixes == "ful").sum() - (suffixes == "less").sum()
        labels.append(int(rng.random() < 1 / (1 + np.exp(-1.5 * kindness))))
    return LabelledTexts(texts, np.array(labels), ("negative", "positive"))


def synthetic_vocabulary(texts: list[str]) -> list[str]:
    """Returns the stems, the suffixes, and the other words of the synthetic texts."""
    words = {word for text in texts for word in text.split() if not word.endswith(SUFFIXES)}
    return [*SPECIAL_TOKENS, *STEMS, "##ful", "##less", *sorted(words)]


def learned_vocabulary(texts: list[str]) -> list[str]:
    """Returns a WordPiece vocabulary computed from the texts."""
    return keras_hub.tokenizers.compute_word_piece_vocabulary(
        tf.data.Dataset.from_tensor_slices(texts),
        4000,
        lowercase=True,
        reserved_tokens=SPECIAL_TOKENS,
    )


def trained_classifier(
    data: LabelledTexts, vocabulary: list[str], *, length: int, epochs: int
) -> keras_hub.models.BertTextClassifier:
    """Trains a BERT from strings (batch,) to logits (batch, classes), from random weights."""
    keras.utils.set_random_seed(0)
    tokenizer = keras_hub.models.BertTokenizer(vocabulary=vocabulary, lowercase=True)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(vocabulary),
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
    texts = np.array(data.texts)  # already in random order
    model.fit(texts, data.labels, batch_size=32, epochs=epochs, shuffle=False, verbose=0)
    return model


def parse_options() -> argparse.Namespace:
    """Parses the command line; the columns are those of `tf-salience demo --data`."""
    parser = argparse.ArgumentParser(description="Trains and explains a small KerasHub BERT.")
    parser.add_argument("--data", metavar="FILE", help="labelled texts: .tsv, .csv or .jsonl")
    parser.add_argument("--text-column", default="text", metavar="NAME")
    columns = parser.add_mutually_exclusive_group()
    columns.add_argument("--label-column", metavar="NAME", help="holds classes")
    columns.add_argument("--rating-column", metavar="NAME", help="holds numbers; > 0 is positive")
    parser.add_argument("--max-texts", type=int, default=6000, metavar="N", help="train on N")
    return parser.parse_args()


def main() -> None:
    """Trains a classifier and explains six held-out texts."""
    options = parse_options()
    if options.data is None:
        train, test = split_train_test(synthetic_texts(), test_share=0.1, seed=0)
        vocabulary = synthetic_vocabulary(train.texts)
        model = trained_classifier(train, vocabulary, length=32, epochs=3)
    else:
        data = read_file(
            options.data,
            text_column=options.text_column,
            label_column=options.label_column,
            rating_column=options.rating_column,
        )
        if data.labels is None:
            raise SystemExit("--data needs labels: name a --label-column or --rating-column.")
        train, test = split_train_test(data, test_share=0.1, seed=0)
        train = train.take(range(min(options.max_texts, len(train))))
        model = trained_classifier(train, learned_vocabulary(train.texts), length=96, epochs=4)
    logits = model.predict(np.array(test.texts), verbose=0)
    accuracy = np.mean(logits.argmax(axis=1) == test.labels)
    print(f"trained on {len(train)} texts; right about {accuracy:.0%} of {len(test)} others\n")

    explainer = tfs.Explainer(model, class_names=train.class_names)
    explanation = explainer(test.texts[:6])
    words = explanation.merged()
    print(f"subwords\n{explanation[0]}\n\nwords\n{words[0]}\n")
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
