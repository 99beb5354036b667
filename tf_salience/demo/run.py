"""The job of `tf-salience demo`: data, training, explanations, and how good they are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tf_salience.data import LabelledTexts, split_train_test
from tf_salience.demo import show
from tf_salience.demo.measure import Removal, Row
from tf_salience.demo.model import (
    probabilities,
    text_classifier,
    token_ids,
    train,
    word_vectorizer,
)
from tf_salience.demo.options import DemoOptions
from tf_salience.demo.task import Task, load_task
from tf_salience.explainer.explainer import Explainer

METHODS = ("gradient_norm", "gradient_dot_input", "integrated_gradients")
_VALIDATION_SHARE = 0.1
_SHOWN = 4


@dataclass(frozen=True)
class _Recipe:
    """How to train: the grammar can be learnt to the end, real reviews overfit soon."""

    epochs: int
    patience: int
    learning_rate: float
    dropout: float


_GRAMMAR = _Recipe(epochs=14, patience=4, learning_rate=1.5e-3, dropout=0.0)
_REAL = _Recipe(epochs=6, patience=2, learning_rate=1e-3, dropout=0.3)


@dataclass(frozen=True)
class DemoResult:
    """What a run of the demo found.

    Attributes:
        model: from strings (batch,) to logits (batch, classes).
        accuracy: on all held-out texts.
        rows: one a method, and one for random scores.
        explanations: method name to its `Explanation` of the explained texts.
        texts: the explained texts.
    """

    model: keras.Model
    accuracy: float
    rows: list[Row]
    explanations: dict[str, Any]
    texts: list[str]


def run_demo(options: DemoOptions, console: Console) -> DemoResult:
    """Trains a small transformer, explains held-out texts by every method, and prints it all.

    Args:
        options: what to run on and what to keep.
        console: where to print.

    Returns:
        The model and the numbers that were printed.

    Raises:
        ValueError: if the data cannot be used; see `load_task`.
        FileNotFoundError: if there is no such data file.
        ConnectionError: if data would have to be downloaded and its host is out of reach.
    """
    keras.utils.set_random_seed(options.seed)
    with console.status("Preparing the data"):
        task = load_task(options)
    console.print(
        f"Data: {task.name} · {len(task.train)} to train on, {len(task.test)} held out",
        highlight=False,
        soft_wrap=True,
    )
    model = _trained(task, options, console)
    accuracy = _accuracy(model, task.test)
    if options.save is not None:
        model.save(options.save)
    count = min(options.explain, len(task.test))
    test = task.test.take(range(count))
    gold = None if task.gold is None else task.gold[:count]
    removal = Removal(model, test.texts, gold)
    rows, explanations = [], {}
    for method in METHODS:
        with console.status(f"Explaining {count} texts by {method}"):
            explanation, seconds = _explained(model, test, method)
        explanations[method] = explanation
        rows.append(removal.row(method, [one.scores for one in explanation], seconds))
    rows.append(removal.random_row(seed=options.seed))
    chosen = show.choose(test, gold, explanations, count=_SHOWN)
    show.print_texts(console, chosen, test, gold, explanations)
    show.print_table(console, rows, accuracy=accuracy, held_out=len(task.test), explained=count)
    show.print_convergence(console, explanations["integrated_gradients"])
    if options.picture is not None:
        show.draw(options.picture, chosen, test, explanations)
    return DemoResult(model, accuracy, rows, explanations, list(test.texts))


def _trained(task: Task, options: DemoOptions, console: Console) -> keras.Model:
    """A model trained on the task, with a progress bar."""
    recipe = _REAL if task.gold is None else _GRAMMAR
    epochs = options.epochs or recipe.epochs
    fitted, validation = split_train_test(
        task.train, test_share=_VALIDATION_SHARE, seed=options.seed
    )
    model = text_classifier(
        word_vectorizer(fitted.texts), classes=_classes(task), dropout=recipe.dropout
    )
    progress = Progress(
        TextColumn("Training"),
        BarColumn(),
        TextColumn("epoch"),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]} accuracy {task.fields[accuracy]}"),
        TimeElapsedColumn(),
        console=console,
    )
    with progress:
        bar = progress.add_task("train", total=epochs, loss="-", accuracy="-")

        def on_epoch(epoch: int, logs: dict[str, float]) -> None:
            accuracy = f"{logs['val_accuracy']:.3f}"
            progress.update(bar, completed=epoch, loss=f"{logs['loss']:.3f}", accuracy=accuracy)

        train(
            model,
            fitted,
            validation=validation,
            epochs=epochs,
            patience=recipe.patience,
            learning_rate=recipe.learning_rate,
            on_epoch=on_epoch,
        )
    return model


def _classes(task: Task) -> int:
    names = task.train.class_names
    if names is not None:
        return len(names)
    return 1 + max(int(np.max(np.asarray(data.labels))) for data in (task.train, task.test))


def _accuracy(model: keras.Model, data: LabelledTexts) -> float:
    predicted = probabilities(model, token_ids(model, data.texts)).argmax(axis=1)
    return float(np.mean(predicted == data.labels))


def _explained(model: keras.Model, data: LabelledTexts, method: str) -> tuple[Any, float]:
    """The explanation of the predicted classes, and the seconds it took, compiling included."""
    start = time.perf_counter()
    explainer = Explainer(model, method, class_names=data.class_names)
    explanation = explainer(data.texts)
    return explanation, time.perf_counter() - start
