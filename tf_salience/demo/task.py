"""What the demo is run on: its own data set, a file, or a data set of TensorFlow Datasets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tf_salience import data as datafiles
from tf_salience.data import LabelledTexts
from tf_salience.demo.dataset import load_demo
from tf_salience.demo.options import DemoOptions

_TEST_SHARE = 0.1


@dataclass(frozen=True)
class Task:
    """Texts to train on and held-out texts to explain.

    Attributes:
        name: of the data.
        train: texts with labels.
        test: texts with labels, none of them in `train`.
        gold: for each test text one flag a word, (tokens,), or None where nobody marked them.
    """

    name: str
    train: LabelledTexts
    test: LabelledTexts
    gold: list[np.ndarray] | None = None


def load_task(options: DemoOptions) -> Task:
    """Loads what the options name.

    Raises:
        ValueError: if the data cannot be read or has no labels of at least two classes.
        FileNotFoundError: if there is no such file.
        ConnectionError: if the data set would have to be downloaded and its host is out of reach.
    """
    if options.data is None and options.tfds is None:
        made, held_out = load_demo(options.data_dir)
        fitted = _capped(made.data, options)
        return Task("sentences made by a grammar", fitted, held_out.data, held_out.gold)
    if options.tfds is not None:
        name = options.tfds
        data = datafiles.load_tfds(name, data_dir=options.data_dir)
    else:
        name = str(options.data)
        data = datafiles.read_file(
            name,
            text_column=options.text_column,
            label_column=options.label_column,
            rating_column=options.rating_column,
        )
    if data.labels is None or len(np.unique(data.labels)) < 2:
        raise ValueError(
            f"The demo trains a classifier and needs labels of at least two classes; {name} has "
            f"{'no labels' if data.labels is None else 'one class only'}. Name the column of the "
            "labels or ratings."
        )
    train, test = datafiles.split_train_test(data, test_share=_TEST_SHARE, seed=options.seed)
    return Task(name, _capped(train, options), test)


def _capped(data: LabelledTexts, options: DemoOptions) -> LabelledTexts:
    return data.take(range(min(len(data), options.max_texts)))
