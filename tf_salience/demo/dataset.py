"""The demo's sentences as a TensorFlow Datasets data set."""

import contextlib
import dataclasses
import io
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.data.tfds import load_tfds
from tf_salience.demo import grammar

TRAIN_COUNT, TEST_COUNT = 6000, 600
_SEED = 20261123


class SalienceDemo(tfds.core.GeneratorBasedBuilder):
    """Reviews from a small grammar, with the words that carry the label marked."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012 - as TFDS has it

    def _info(self) -> Any:
        features = {
            "text": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=grammar.CLASS_NAMES),
            "gold": tfds.features.Sequence(np.bool_),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=str(self.__doc__),
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("text", "label"),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:
        # One list without repeats, cut in two, so that no sentence is in both splits.
        sentences = grammar.make_sentences(TRAIN_COUNT + TEST_COUNT, seed=_SEED)
        return {
            "train": self._generate_examples(sentences[:TRAIN_COUNT]),
            "test": self._generate_examples(sentences[TRAIN_COUNT:]),
        }

    def _generate_examples(self, sentences: list[grammar.Sentence]) -> Iterator[Any]:
        yield from enumerate(map(dataclasses.asdict, sentences))


def load_demo(
    data_dir: str | os.PathLike[str] | None = None,
) -> tuple[LabelledTexts, LabelledTexts, list[np.ndarray]]:
    """Prepares the demo's data set, unless it is prepared already, and loads it.

    Args:
        data_dir: directory of TFDS; None is a temporary one, deleted afterwards.

    Returns:
        The texts to train on, those to test with, and for each test text a flag for each word,
        (tokens,), True if the word carries the label.
    """
    if data_dir is None:
        with tempfile.TemporaryDirectory() as temporary:
            return load_demo(temporary)
    tfds.disable_progress_bar()
    builder = SalienceDemo(data_dir=data_dir)
    with contextlib.redirect_stdout(io.StringIO()):  # TFDS announces a download that is none
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
    train, test = (
        load_tfds(builder.name, data_dir=data_dir, split=split) for split in ("train", "test")
    )
    # TFDS has shuffled the file, so that every reading is in the same order.
    examples = tfds.as_numpy(builder.as_dataset(split="test"))
    return train, test, [example["gold"] for example in examples]
