"""Texts from TensorFlow Datasets."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import socket
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_salience.data.labelled_texts import LabelledTexts


def load_tfds(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    text_feature: str | None = None,
    label_feature: str | None = None,
    split: str = "train",
) -> LabelledTexts:
    """Loads one split of a text data set of TensorFlow Datasets.

    Args:
        name: as `tfds.builder` takes it, such as "imdb_reviews" or "glue/sst2".
        data_dir: where prepared data sets are; None is TFDS' own directory.
        text_feature: name of the feature that holds the text. By default the one the data set
            declares as supervised input, else its only `Text`.
        label_feature: name of the feature that holds the class. By default the one the data set
            declares as supervised output, else its only `ClassLabel`.
        split: such as "train" or "test[:1000]".

    Returns:
        The texts and labels, (batch,).

    Raises:
        ValueError: if there is no such data set, feature or label.
        ConnectionError: if the data would have to be downloaded and its host is out of reach.
    """
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    builder = _tfds_builder(tfds, name, data_dir)
    if not builder.is_prepared():
        _check_hosts(name, builder.url_infos or {})
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare()
    text_key, label_key = _tfds_features(tfds, builder, text_feature, label_feature)
    label_type = builder.info.features[label_key]
    texts, labels = [], []
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        texts.append(example[text_key].decode("utf-8", errors="replace"))
        labels.append(int(example[label_key]))
    if min(labels, default=0) < 0:
        raise ValueError(
            f"The split {split!r} of {name!r} has texts without a label ({min(labels)}). "
            f"Choose another of its splits: {', '.join(builder.info.splits)}"
        )
    is_class = isinstance(label_type, tfds.features.ClassLabel)
    names = tuple(label_type.names) if is_class and label_type.names else None
    return LabelledTexts(texts, np.asarray(labels, dtype=np.int64), names)


def _tfds_builder(tfds: Any, name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        # TFDS' own message lists more than a thousand names.
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name.split("/")[0], known, n=5)
        hint = f" Did you mean: {', '.join(close)}?" if close else ""
        raise ValueError(
            f"TensorFlow Datasets has no data set of this name, nor is one prepared in "
            f"data_dir={data_dir!r}. Received: name={name!r}.{hint}"
        ) from None
    except AssertionError as error:  # a version it does not have
        raise ValueError(f"TensorFlow Datasets cannot make {name!r}: {error}") from error


def _check_hosts(name: str, urls: Mapping[str, Any]) -> None:
    """Fails at once where TFDS would retry a download for minutes."""
    if {"http", "https", "all"} & set(urllib.request.getproxies()):
        return  # the proxy resolves the names
    hosts = {urllib.parse.urlsplit(url).hostname for url in urls} - {None}
    for host in sorted(filter(None, hosts)):
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            raise ConnectionError(
                f"The data set {name!r} is not prepared here and its host {host} cannot be "
                f"reached ({error}). Prepare it on a machine with a network, by "
                f"tfds.builder({name!r}, data_dir=DIR).download_and_prepare(), and pass that "
                "directory as `data_dir`."
            ) from error


def _tfds_features(
    tfds: Any, builder: Any, text_feature: str | None, label_feature: str | None
) -> tuple[str, str]:
    """The names of the text and of the label among the features of a data set."""
    features = builder.info.features
    supervised = builder.info.supervised_keys or (None, None)

    def choose(asked: str | None, declared: Any, kind: type, argument: str) -> str:
        fitting = [str(key) for key in features if isinstance(features[key], kind)]
        if asked is None and isinstance(declared, str):
            return declared
        if asked is None and len(fitting) == 1:
            return fitting[0]
        if asked is not None and asked in features:
            return asked
        listed = ", ".join(f"{key} ({type(features[key]).__name__})" for key in features)
        raise ValueError(
            f"Cannot tell which feature of {builder.name!r} to use: pass `{argument}`. "
            f"Its features are: {listed}. Received: {argument}={asked!r}"
        )

    return (
        choose(text_feature, supervised[0], tfds.features.Text, "text_feature"),
        choose(label_feature, supervised[1], tfds.features.ClassLabel, "label_feature"),
    )
