"""Labelled texts from files (.tsv, .csv, .jsonl) and from TensorFlow Datasets."""

from tf_salience.datafiles.catalogue import load_tfds
from tf_salience.datafiles.files import EmptyTextWarning, read_file
from tf_salience.datafiles.texts import LabelledTexts, split_train_test

__all__ = ["EmptyTextWarning", "LabelledTexts", "load_tfds", "read_file", "split_train_test"]
