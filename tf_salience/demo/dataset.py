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
from tf_salience.demo import grammar

TRAIN_COUNT, TEST_COUNT = 6000, 600
_SEED = 20261123


class SalienceDemo(tfds.core.GeneratorBasedBuilder):
    """Reviews from a small grammar, with the words that carry the label marked."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012 - as TFDS has it

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=str(self.__doc__),
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=grammar.CLASS_NAMES),
                    "gold": tfds.features.Sequence(np.bool_),
                }
            ),
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
        for index, sentence in enumerate(sentences):
            yield (
                index,
                {"text": sentence.text, "label": sentence.label, "gold": list(sentence.gold)},
            )


@dataclasses.dataclass(frozen=True)
class DemoSplit:
    """One split of the demo's data set.

    Attributes:
        data: texts and labels, (batch,).
        gold: for each text a flag for each word, (tokens,), True if the word carries the label.
    """

    data: LabelledTexts
    gold: list[np.ndarray]


def load_demo(data_dir: str | os.PathLike[str] | None = None) -> tuple[DemoSplit, DemoSplit]:
    """Prepares the demo's data set, unless it is prepared already, and loads it.

    Args:
        data_dir: directory of TFDS; None is a temporary one, deleted afterwards.

    Returns:
        The training and the test split.
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
    return _load_split(builder, "train"), _load_split(builder, "test")


def _load_split(builder: Any, split: str) -> DemoSplit:
    # TFDS has shuffled the file, in the same order at every run.
    examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
    data = LabelledTexts(
        texts=[example["text"].decode() for example in examples],
        labels=np.array([example["label"] for example in examples], dtype=np.int64),
        class_names=grammar.CLASS_NAMES,
    )
    return DemoSplit(data, [example["gold"] for example in examples])
