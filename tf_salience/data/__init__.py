"""Labelled texts from files (.tsv, .csv, .jsonl) and from TensorFlow Datasets."""

from tf_salience.data.files import EmptyTextWarning, read_file
from tf_salience.data.labelled_texts import LabelledTexts, split_train_test
from tf_salience.data.tfds import load_tfds

__all__ = ["EmptyTextWarning", "LabelledTexts", "load_tfds", "read_file", "split_train_test"]
