"""A model learns a shortcut, and salience shows it before the accuracy does.

The sentences are those of the demo's grammar. One training sentence in five contains a meaningless
word that gives the label away: "zib" if it is positive, "zab" if it is negative (shortcuts planted
as by Bastings et al. 2022, arXiv:2111.07367, section 3). In the validation split these words are
as frequent, but at random. `tfs.SalienceLogger` explains twenty held-out sentences with such a word
while the model trains; `special_mass` is the share of their salience on it. What to see: it rises
while the validation accuracy is still at chance, and `EarlyStopping` ends the run. With `--control`
the words are at random in training too: the share stays low, and the run is not stopped.

    python examples/train_and_watch.py
    python examples/train_and_watch.py --control
    python examples/train_and_watch.py --data movie_reviews.tsv
    python examples/train_and_watch.py --go-on --log-dir logs --picture shortcut.png

The first writes no files; `--go-on` does not stop early, `--log-dir` is for TensorBoard,
`--picture` needs matplotlib.
"""

import argparse
import random
import tempfile

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience.data.files import read_file
from tf_salience.demo.grammar import make_sentences
from tf_salience.demo.model import CLASSIFIER, text_classifier, token_ids, word_vectorizer

SHORTCUTS = ("zab", "zib")  # negative, positive
SHORTCUT_SHARE = 0.2
PROBES = 20
STEPS = 20  # of 64 sentences each, between two evaluations
METRIC = "val_salience_special_mass"
MAX_SALIENCE = 0.2  # on one word of about fifteen


def labelled_texts(path: str | None) -> tuple[list[str], np.ndarray]:
    """Returns sentences and labels, 0 or 1, of the grammar or of a file."""
    if path is None:
        sentences = make_sentences(6600, seed=1)
        labels = np.array([sentence.label for sentence in sentences])
        return [sentence.text for sentence in sentences], labels
    data = read_file(path)
    if data.labels is None or set(data.labels.tolist()) != {0, 1}:
        raise SystemExit(f"{path} must have two classes, 0 and 1, or ratings below and above 0.")
    # The file may be sorted by its labels.
    shuffled = data.take(np.random.default_rng(0).permutation(len(data)))
    return shuffled.texts, shuffled.labels


def with_word(text: str, word: str, rng: random.Random) -> str:
    """Returns the text with a word inserted at a random place."""
    words = text.split()
    words.insert(rng.randrange(len(words) + 1), word)
    return " ".join(words)


def with_shortcuts(texts: list[str], labels: np.ndarray, rng: random.Random) -> list[str]:
    """Returns the texts with the shortcut of their label inserted into some of them."""
    return [
        with_word(text, SHORTCUTS[label], rng) if rng.random() < SHORTCUT_SHARE else text
        for text, label in zip(texts, labels.tolist(), strict=True)
    ]


class ShortcutMonitor(keras.callbacks.Callback):
    """Prints each evaluation, and counts those with little salience on the shortcut.

    `EarlyStopping` stops when a metric no longer grows. The count grows at every evaluation until
    the model uses the shortcut.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Prints the validation accuracy and the salience on the shortcut."""
        self.count += logs[METRIC] < MAX_SALIENCE
        logs["evaluations_without_shortcut"] = self.count
        print(
            f"after {(epoch + 1) * STEPS:4} steps: "
            f"validation accuracy {logs['val_accuracy']:.3f}, "
            f"salience on the shortcut {logs[METRIC]:.3f}"
        )


def split_with_shortcuts(
    texts: list[str], labels: np.ndarray, rng: random.Random, *, control: bool
) -> tuple[list[str], list[str], list[str]]:
    """Returns training texts, validation texts and probes, with shortcuts inserted."""
    held_out = len(texts) // 11
    train_labels = labels[held_out:].copy()
    if control:
        np.random.default_rng(0).shuffle(train_labels)
    train_texts = with_shortcuts(texts[held_out:], train_labels, rng)
    # In the validation split the shortcuts follow shuffled labels, so they do not help.
    shuffled = labels[:held_out].copy()
    rng.shuffle(shuffled)
    valid_texts = with_shortcuts(texts[:held_out], shuffled, rng)
    probes = [
        with_word(text, SHORTCUTS[label], rng)
        for text, label in zip(texts[:PROBES], shuffled[:PROBES].tolist(), strict=True)
    ]
    return train_texts, valid_texts, probes


def train_with_logger(
    texts: list[str],
    labels: np.ndarray,
    log_dir: str,
    *,
    evaluations: int,
    early_stopping: bool,
    control: bool,
) -> dict[str, list[float]]:
    """Trains a classifier and logs its salience; returns the history of the training."""
    rng = random.Random(0)
    keras.utils.set_random_seed(0)
    train_texts, valid_texts, probes = split_with_shortcuts(texts, labels, rng, control=control)
    train_labels, valid_labels = labels[len(valid_texts) :], labels[: len(valid_texts)]
    vectorizer = word_vectorizer(train_texts)
    model = text_classifier(vectorizer)
    classifier = model.get_layer(CLASSIFIER)
    classifier.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    logger = tfs.SalienceLogger(
        log_dir,
        probes,
        tokenizer=vectorizer,
        special_tokens=SHORTCUTS,
        class_names=["negative", "positive"],
    )
    callbacks = [logger, ShortcutMonitor()]
    if early_stopping:
        callbacks.append(
            keras.callbacks.EarlyStopping("evaluations_without_shortcut", mode="max", patience=3)
        )
    train = tf.data.Dataset.from_tensor_slices((token_ids(model, train_texts), train_labels))
    history = classifier.fit(
        train.shuffle(len(train), seed=0).repeat().batch(64),
        validation_data=(token_ids(model, valid_texts), valid_labels),
        epochs=evaluations,
        steps_per_epoch=STEPS,
        shuffle=False,  # the data set is shuffled already
        verbose=0,
        callbacks=callbacks,
    )
    return history.history


def draw(history: dict[str, list[float]], log_dir: str, picture: str) -> None:
    """Draws accuracy and salience at each evaluation, above the history of one probe."""
    from matplotlib import pyplot as plt

    # The log may contain several runs; the last one is drawn.
    records = [record for record in tfs.read_log(log_dir) if record["probe"] == 0]
    records = records[-len(history["loss"]) :]
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9.5, 6), sharex=True, height_ratios=[3, 4], layout="constrained"
    )
    above.plot(history["val_accuracy"], color="#666666", label="validation accuracy")
    above.plot(history[METRIC], color="#b2182b", label="share of salience on the shortcut")
    above.set_ylim(0, 1)
    above.legend(loc="upper left", frameon=False)
    above.set_title("What a validation curve shows, and what salience shows", loc="left")
    title = f"one held-out sentence, explained: {records[-1]['target_name']}"
    tfs.plot.history(records, below, title=title)
    below.set_xlabel(f"evaluations, after each {STEPS} training steps of 64 sentences")
    figure.savefig(picture, dpi=110)


def main() -> None:
    """Trains a classifier, logs its salience, and stops when it uses the shortcut."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="labelled texts (.tsv, .csv, .jsonl) instead of the grammar")
    parser.add_argument("--control", action="store_true", help="no shortcut in training")
    parser.add_argument("--go-on", action="store_true", help="do not stop")
    parser.add_argument("--log-dir", help="keep the logs here")
    parser.add_argument("--picture", help="draw what happened (.png)")
    parser.add_argument("--evaluations", type=int, default=40, help="maximum (%(default)s)")
    options = parser.parse_args()
    texts, labels = labelled_texts(options.data)
    with tempfile.TemporaryDirectory() as temporary:
        log_dir = options.log_dir or temporary
        history = train_with_logger(
            texts,
            labels,
            log_dir,
            evaluations=options.evaluations,
            early_stopping=not options.go_on,
            control=options.control,
        )
        print(f"ended after {len(history['loss'])} evaluations")
        if options.picture:
            draw(history, log_dir, options.picture)


if __name__ == "__main__":
    main()
