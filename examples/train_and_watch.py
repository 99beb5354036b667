"""A model learns a shortcut, and salience says so before the accuracy does.

The sentences are those of the demo's grammar. In one training sentence in five stands a word that
means nothing and gives the label away: "zib" in positive ones, "zab" in negative ones (as Bastings
et al. 2022, arXiv:2111.07367, section 3, plant their shortcuts). In the validation split they stand
in as many sentences, at random. Twenty held-out sentences with such a word are watched by
`tfs.SalienceLogger` while the model trains; `special_mass` is the share of their salience on it.
What to see: it rises while the validation accuracy says nothing, and `EarlyStopping` ends the run.
With `--control` the words stand at random in training too: it stays low, and nothing is stopped.

    python examples/train_and_watch.py
    python examples/train_and_watch.py --control
    python examples/train_and_watch.py --data movie_reviews.tsv
    python examples/train_and_watch.py --go-on --log-dir logs --picture shortcut.png

The first keeps nothing; `--go-on` does not stop, `--log-dir` is for TensorBoard, `--picture` needs
matplotlib.
"""

import argparse
import random
import tempfile

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience.data.files import read_file
from tf_salience.demo import grammar
from tf_salience.demo.model import CLASSIFIER, text_classifier, token_ids, word_vectorizer

SHORTCUTS = ("zab", "zib")  # negative, positive
SHARE = 0.2
PROBES = 20
STEPS = 20  # of 64 sentences each, between two looks
METRIC = "val_salience_special_mass"
TOO_MUCH = 0.2  # of the salience on one word of some fifteen


def labelled(data: str | None) -> tuple[list[str], np.ndarray]:
    """Sentences and labels, 0 or 1: of the grammar, or of a file."""
    if data is None:
        made = grammar.make_sentences(6600, seed=1)
        return [one.text for one in made], np.array([one.label for one in made])
    texts = read_file(data)
    if texts.labels is None or set(texts.labels.tolist()) != {0, 1}:
        raise SystemExit(f"{data} must have two classes, 0 and 1, or ratings below and above 0.")
    # A file may be sorted by its labels.
    order = np.random.default_rng(0).permutation(len(texts))
    return [texts.texts[number] for number in order], texts.labels[order]


def with_word(text: str, word: str, rng: random.Random) -> str:
    """The text with a word put in anywhere."""
    words = text.split()
    words.insert(rng.randrange(len(words) + 1), word)
    return " ".join(words)


def with_shortcuts(texts: list[str], labels: np.ndarray, rng: random.Random) -> list[str]:
    """Texts of which a share has the word that `labels` says."""
    return [
        with_word(text, SHORTCUTS[label], rng) if rng.random() < SHARE else text
        for text, label in zip(texts, labels.tolist(), strict=True)
    ]


class Look(keras.callbacks.Callback):
    """Prints a line for each look, and counts those at which the shortcut drew little salience.

    `EarlyStopping` waits for what grows. A share that stays low does not; this count does, until
    the shortcut is found.
    """

    def __init__(self) -> None:
        super().__init__()
        self.free = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """What the validation says, and what salience says."""
        found = {} if logs is None else logs
        self.free += found[METRIC] < TOO_MUCH
        found["looks_without_shortcut"] = self.free
        print(
            f"after {(epoch + 1) * STEPS:4} steps: "
            f"validation accuracy {found['val_accuracy']:.3f}, "
            f"salience on the shortcut {found[METRIC]:.3f}"
        )


def watched(
    texts: list[str],
    labels: np.ndarray,
    log_dir: str,
    *,
    looks: int,
    stops: bool,
    planted: bool,
) -> dict[str, list[float]]:
    """Trains a classifier, which may be stopped when salience moves onto the shortcut."""
    rng = random.Random(0)
    keras.utils.set_random_seed(0)
    held_out = len(texts) // 11
    said = labels[held_out:].copy()
    if not planted:
        np.random.default_rng(0).shuffle(said)
    train_texts = with_shortcuts(texts[held_out:], said, rng)
    # In the validation split the word says nothing: it goes by other labels.
    shuffled = labels[:held_out].copy()
    rng.shuffle(shuffled)
    valid_texts = with_shortcuts(texts[:held_out], shuffled, rng)
    probes = [
        with_word(text, SHORTCUTS[label], rng)
        for text, label in zip(texts[:PROBES], shuffled[:PROBES].tolist(), strict=True)
    ]
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
    callbacks = [logger, Look()]
    if stops:
        callbacks.append(
            keras.callbacks.EarlyStopping("looks_without_shortcut", mode="max", patience=3)
        )
    train = tf.data.Dataset.from_tensor_slices((token_ids(model, train_texts), labels[held_out:]))
    history = classifier.fit(
        train.shuffle(len(train), seed=0).repeat().batch(64),
        validation_data=(token_ids(model, valid_texts), labels[:held_out]),
        epochs=looks,
        steps_per_epoch=STEPS,
        shuffle=False,  # the data set has done it
        verbose=0,
        callbacks=callbacks,
    )
    return history.history


def draw(history: dict[str, list[float]], log_dir: str, picture: str) -> None:
    """Accuracy and salience at each look, above the history of one probe."""
    from matplotlib import pyplot as plt

    # The last run's, if the log holds several.
    records = [one for one in tfs.read_log(log_dir) if one["probe"] == 0][-len(history["loss"]) :]
    tokens = records[-1]["tokens"]
    # Each look has a column, coloured by its own largest |score|.
    scores = np.array([one["scores"] for one in records]).T
    shares = scores / np.abs(scores).max(axis=0, keepdims=True)
    steps = STEPS * np.arange(1, len(records) + 1)
    half = STEPS / 2
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9.5, 6), sharex=True, height_ratios=[3, 4], layout="constrained"
    )
    above.plot(steps, history["val_accuracy"], color="#666666", label="validation accuracy")
    above.plot(steps, history[METRIC], color="#b2182b", label="share of salience on the shortcut")
    above.set_ylim(0, 1)
    above.legend(loc="upper left", frameon=False)
    above.set_title("What a validation curve shows, and what salience shows", loc="left")
    below.imshow(
        shares,
        cmap="RdBu",
        vmin=-1,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
        extent=(steps[0] - half, steps[-1] + half, len(tokens) - 0.5, -0.5),
    )
    below.set_yticks(range(len(tokens)), tokens)
    for label in below.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() in SHORTCUTS else "normal")
    below.set_title(f"one held-out sentence, explained: {records[-1]['target_name']}", loc="left")
    below.set_xlabel("training steps of 64 sentences")
    figure.savefig(picture, dpi=110)


def main() -> None:
    """Trains and watches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="labelled texts (.tsv, .csv, .jsonl) instead of the grammar")
    parser.add_argument("--control", action="store_true", help="no shortcut in training")
    parser.add_argument("--go-on", action="store_true", help="do not stop")
    parser.add_argument("--log-dir", help="keep the logs here")
    parser.add_argument("--picture", help="draw what happened (.png)")
    parser.add_argument("--looks", type=int, default=40, help="at most (default: %(default)s)")
    options = parser.parse_args()
    texts, labels = labelled(options.data)
    with tempfile.TemporaryDirectory() as temporary:
        log_dir = options.log_dir or temporary
        history = watched(
            texts,
            labels,
            log_dir,
            looks=options.looks,
            stops=not options.go_on,
            planted=not options.control,
        )
        print(f"ended after {len(history['loss'])} looks")
        if options.picture:
            draw(history, log_dir, options.picture)


if __name__ == "__main__":
    main()
