"""Data of the demo: its own data set, a file, or a data set of TensorFlow Datasets."""

from dataclasses import dataclass

import numpy as np

from tf_salience.data.files import read_file
from tf_salience.data.labelled_texts import LabelledTexts, split_train_test
from tf_salience.data.tfds import load_tfds
from tf_salience.demo.dataset import load_demo
from tf_salience.demo.options import DemoOptions

_TEST_SHARE = 0.1


@dataclass(frozen=True)
class Task:
    """Texts to train on and held-out texts to explain.

    Attributes:
        name: name of the data.
        train: texts with labels.
        test: texts with labels, none of them in `train`.
        gold: for each test text a flag for each word, (tokens,), True if the word carries the
            label; None where the words are not marked.
    """

    name: str
    train: LabelledTexts
    test: LabelledTexts
    gold: list[np.ndarray] | None = None


def load_task(options: DemoOptions) -> Task:
    """Loads the data that the options name.

    Raises:
        ValueError: if the data cannot be read or has no labels of at least two classes.
        FileNotFoundError: if there is no such file.
        ConnectionError: if the data set must be downloaded and its host cannot be reached.
    """
    if options.tfds is not None:
        data = load_tfds(options.tfds, data_dir=options.data_dir)
    elif options.data is not None:
        data = read_file(
            options.data,
            text_column=options.text_column,
            label_column=options.label_column,
            rating_column=options.rating_column,
        )
    else:
        train, test, gold = load_demo(options.data_dir)
        return Task("sentences made by a grammar", _first_texts(train, options), test, gold)
    name = str(options.tfds or options.data)
    if data.labels is None or len(np.unique(data.labels)) < 2:
        raise ValueError(
            f"The demo trains a classifier and needs labels of at least two classes; {name} has "
            f"{'no labels' if data.labels is None else 'one class only'}. Name the column of the "
            "labels or ratings."
        )
    train, test = split_train_test(data, test_share=_TEST_SHARE, seed=options.seed)
    return Task(name, _first_texts(train, options), test)


def _first_texts(data: LabelledTexts, options: DemoOptions) -> LabelledTexts:
    return data.take(range(len(data))[: options.max_texts])
