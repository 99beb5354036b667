"""Labelled texts from TensorFlow Datasets."""

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
from tf_salience.utils.validation import format_error, format_value


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
        data_dir: the directory of prepared data sets; None is TFDS' own directory.
        text_feature: name of the feature that holds the text. By default the supervised input of
            the data set, else its only `Text`.
        label_feature: name of the feature that holds the class. By default the supervised output
            of the data set, else its only `ClassLabel`.
        split: such as "train" or "test[:1000]".

    Returns:
        The texts and labels, (batch,).

    Raises:
        ValueError: if there is no such data set or feature, or texts have no label.
        ConnectionError: if the data set must be downloaded and its host cannot be reached.
    """
    import tensorflow_datasets as tfds

    builder = prepared_builder(name, data_dir)
    text_key, label_key = _feature_names(builder, text_feature, label_feature)
    texts, labels = [], []
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        texts.append(example[text_key].decode("utf-8", errors="replace"))
        labels.append(int(example[label_key]))
    if min(labels, default=0) < 0:
        raise ValueError(
            f"The split {format_value(split)} of {format_value(name)} has texts without a label "
            f"({min(labels)}). "
            f"Choose another of its splits: {', '.join(builder.info.splits)}"
        )
    class_names = tuple(getattr(builder.info.features[label_key], "names", None) or ()) or None
    return LabelledTexts(texts, np.asarray(labels, dtype=np.int64), class_names)


def prepared_builder(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    """Returns the `tfds` builder of a data set, which is downloaded where that is needed.

    Raises:
        ValueError: if there is no such data set.
        ConnectionError: if the data set must be downloaded and its host cannot be reached.
    """
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    builder = _builder(name, data_dir)
    if not builder.is_prepared():
        _check_hosts(name, builder.url_infos or {})
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare()
    return builder


def _builder(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        # TFDS' own message lists more than a thousand names.
        names = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name.split("/")[0], names, n=5)
        hint = f" Did you mean: {', '.join(close)}?" if close else ""
        raise ValueError(
            f"`name` must be a data set of TensorFlow Datasets, or one that is prepared in "
            f"data_dir={format_value(data_dir)}. Received: name={format_value(name)}.{hint}"
        ) from None
    except AssertionError as error:  # TFDS does not have the version
        raise ValueError(
            f"TensorFlow Datasets cannot make {format_value(name)}: {format_error(error)}"
        ) from error


def _check_hosts(name: str, urls: Mapping[str, Any]) -> None:
    """Raises a ConnectionError at once where TFDS would retry a download for minutes."""
    if {"http", "https", "all"} & set(urllib.request.getproxies()):
        return  # the proxy resolves the names
    hosts = {urllib.parse.urlsplit(url).hostname for url in urls}
    for host in sorted(filter(None, hosts)):
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            raise ConnectionError(
                f"The data set {format_value(name)} is not prepared in `data_dir` and its host "
                f"{host} cannot be reached ({error}). Prepare it on a machine with a network, by "
                f"tfds.builder({format_value(name)}, data_dir=DIR).download_and_prepare(), and "
                "pass that directory as `data_dir`."
            ) from error


def _feature_names(
    builder: Any, text_feature: str | None, label_feature: str | None
) -> tuple[str, str]:
    """Returns the names of the text and of the label among the features of a data set."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    text_key, label_key = builder.info.supervised_keys or (None, None)

    def choose(argument: str, name: str | None, default: Any, kind: type) -> str:
        candidates = [str(key) for key in features if isinstance(features[key], kind)]
        if name is None and isinstance(default, str):
            return default
        if name is None and len(candidates) == 1:
            return candidates[0]
        if name is not None and name in features:
            return name
        kinds = {key: type(features[key]).__name__ for key in features}
        raise ValueError(
            f"Cannot tell which feature of {format_value(builder.name)} to use: pass `{argument}`. "
            f"Its features are: {format_value(kinds)}. Received: {argument}={format_value(name)}"
        )

    return (
        choose("text_feature", text_feature, text_key, tfds.features.Text),
        choose("label_feature", label_feature, label_key, tfds.features.ClassLabel),
    )
