"""The run of `tf-salience demo`: data, training, explanations, and their quality."""

from dataclasses import dataclass, replace

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from tf_salience.attribution.methods import METHODS
from tf_salience.data.labelled_texts import split_train_test
from tf_salience.demo import report
from tf_salience.demo.model import TrainingConfig, accuracy, text_classifier, train, word_vectorizer
from tf_salience.demo.options import DemoOptions
from tf_salience.demo.task import Task, load_task
from tf_salience.evaluation.evaluate import evaluate
from tf_salience.evaluation.evaluation import Evaluation
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation.explanation import Explanation
from tf_salience.utils.text import printable

_VALIDATION_SHARE = 0.1
_PRINTED_TEXTS = 4
# Real texts overfit soon, sentences of the grammar do not.
_GRAMMAR_CONFIG = TrainingConfig(epochs=14, patience=4, learning_rate=1.5e-3, dropout=0.0)
_REAL_CONFIG = TrainingConfig(epochs=6, patience=2, learning_rate=1e-3, dropout=0.3)


@dataclass(frozen=True)
class DemoResult:
    """The model and the numbers of a run of the demo.

    Attributes:
        model: from strings (batch,) to logits (batch, classes).
        evaluation: how faithful the methods are, and how plausible where the words are marked.
        explanations: the explanation of the texts by the name of its method.
        texts: the explained texts.
        labels: their classes, (batch,), or None.
    """

    model: keras.Model
    evaluation: Evaluation
    explanations: dict[str, Explanation]
    texts: list[str]
    labels: np.ndarray | None = None


def run_demo(options: DemoOptions, console: Console) -> DemoResult:
    """Trains a small transformer, explains held-out texts by every method, and prints the results.

    Args:
        options: the options.
        console: where to print.

    Returns:
        The model and the numbers that were printed.

    Raises:
        ValueError: if the data cannot be used; see `load_task`.
        FileNotFoundError: if there is no such data file.
        ConnectionError: if data must be downloaded and its host cannot be reached.
    """
    keras.utils.set_random_seed(options.seed)
    with console.status("Preparing the data"):
        task = load_task(options)
    sizes = f"{len(task.train)} to train on, {len(task.test)} held out"
    console.out(f"Data: {printable(task.name)} · {sizes}")
    model = _train_model(task, options, console)
    test = task.test
    test_accuracy = accuracy(model, test)
    if options.save is not None:
        model.save(options.save)
    texts = test.texts[: options.explain]
    gold = None if task.gold is None else task.gold[: options.explain]
    explainers = {
        method: Explainer(model, method, class_names=test.class_names) for method in METHODS
    }
    explanations = {}
    for method, explainer in explainers.items():
        with console.status(f"Explaining {len(texts)} texts by {method}"):
            explanations[method] = explainer(texts)
    rationales = None if gold is None else [np.flatnonzero(words).tolist() for words in gold]
    with console.status(f"Measuring {len(METHODS)} methods on {len(texts)} texts"):
        evaluation = evaluate(explainers, texts, rationales=rationales, seed=options.seed)
    indices = report.choose_texts(task, explanations)[:_PRINTED_TEXTS]
    report.print_texts(console, indices, task, explanations)
    console.out(
        f"\nAccuracy {test_accuracy:.1%} on {len(test)} held-out texts; {len(texts)} explained."
    )
    console.print(evaluation)
    report.print_convergence(console, explanations)
    if options.picture is not None:
        report.draw_texts(options.picture, indices, task, explanations)
    labels = None if test.labels is None else test.labels[: options.explain]
    return DemoResult(model, evaluation, explanations, texts, labels)


def _train_model(task: Task, options: DemoOptions, console: Console) -> keras.Model:
    """Returns a model trained on the task; shows a progress bar meanwhile."""
    config = _REAL_CONFIG if task.gold is None else _GRAMMAR_CONFIG
    config = replace(config, epochs=options.epochs or config.epochs)
    train_data, validation = split_train_test(
        task.train, test_share=_VALIDATION_SHARE, seed=options.seed
    )
    model = text_classifier(
        word_vectorizer(train_data.texts), classes=_class_count(task), dropout=config.dropout
    )
    with Progress(
        "Training",
        BarColumn(),
        "epoch",
        MofNCompleteColumn(),
        "loss {task.fields[loss]} accuracy {task.fields[accuracy]}",
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task("train", total=config.epochs, loss="-", accuracy="-")

        def on_epoch(epoch: int, logs: dict[str, float]) -> None:
            loss, val_accuracy = (f"{logs[name]:.3f}" for name in ("loss", "val_accuracy"))
            progress.update(bar, completed=epoch + 1, loss=loss, accuracy=val_accuracy)

        train(model, train_data, validation=validation, config=config, on_epoch=on_epoch)
    return model


def _class_count(task: Task) -> int:
    if task.train.class_names is not None:
        return len(task.train.class_names)
    return 1 + max(int(np.max(np.asarray(data.labels))) for data in (task.train, task.test))
