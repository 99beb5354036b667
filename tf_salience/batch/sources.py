"""What is explained, row by row: files, TensorFlow Datasets, a `tf.data.Dataset`, dicts."""

import glob
import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tf_salience.data import rows as file_rows
from tf_salience.data.rows import Row
from tf_salience.utils.validation import format_value

#: The column of the labels of a `tf.data.Dataset` of (inputs, labels).
LABEL = "label"


@dataclass(frozen=True)
class Source:
    """Rows that can be read from the start as often as needed.

    Attributes:
        facts: plain values by which the source is known again.
        total: the number of rows, estimated for files of text, or None.
        rows: reads them from the start.
        types: the Arrow types of the columns, where the source tells them.
    """

    facts: dict[str, Any]
    total: int | None
    rows: Callable[[], Iterator[Row]]
    types: dict[str, Any] = field(default_factory=dict)

    def first(self, limit: int | None) -> "Source":
        """Returns the source of the first `limit` rows, or of all."""
        if limit is None:
            return self
        return Source(
            {**self.facts, "limit": limit},
            limit if self.total is None else min(limit, self.total),
            lambda: itertools.islice(self.rows(), limit),
            self.types,
        )


def open_source(
    source: Any,
    *,
    split: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    text_column: str = "text",
) -> Source:
    """Opens what a user passes as `source`.

    Args:
        source: a path, a pattern such as "reviews/*.parquet" or a list of them; with `split` the
            name of a data set of TensorFlow Datasets; a `tf.data.Dataset`; or an iterable of dicts.
        split: of TensorFlow Datasets.
        data_dir: where TensorFlow Datasets keeps prepared data; None: its own directory.
        text_column: the name of the inputs of a `tf.data.Dataset` that are not a dict.

    Raises:
        FileNotFoundError: if no file fits.
        TypeError: for a source of another kind.
        ValueError: for a suffix or a name that is not known.
    """
    if split is not None:
        if not isinstance(source, str):
            raise TypeError(
                "`split` needs the name of a data set of TensorFlow Datasets. Received: "
                f"source={format_value(source)}, split={format_value(split)}"
            )
        return _from_tfds(source, split, data_dir)
    if isinstance(source, str | os.PathLike):
        return _from_files([source])
    if isinstance(source, list | tuple) and source and isinstance(source[0], str | os.PathLike):
        return _from_files(source)
    if hasattr(source, "element_spec"):
        return _from_dataset(source, text_column)
    if isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        total = len(source) if isinstance(source, Sized) else None
        return Source({"kind": "iterable"}, total, lambda: _from_dicts(source))
    raise TypeError(
        "`source` must be a path or pattern of files, the name of a data set with `split=`, a "
        "tf.data.Dataset, or an iterable of dicts. "
        f"Received: source={format_value(source)} (of type {type(source).__name__})"
    )


def plain(value: Any) -> Any:
    """Returns a value of a row as Python's own; bytes that are not UTF-8 as lone surrogates."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, np.datetime64) and isinstance(value.item(), int):
        return str(value)  # nanoseconds, which Python's times have not
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _from_files(patterns: Iterable[str | os.PathLike[str]]) -> Source:
    paths: list[pathlib.Path] = []
    for path_or_pattern in patterns:
        pattern = os.fspath(path_or_pattern)
        # A file's own name goes first: it may hold brackets.
        names = [pattern] if os.path.isfile(pattern) else sorted(glob.glob(pattern, recursive=True))
        files = [pathlib.Path(name) for name in names if os.path.isfile(name)]
        if not files:
            fix = (
                ". Pass texts as rows, `[{'text': text} for text in texts]`, and the name of a "
                "data set of TensorFlow Datasets with `split=`."
            )
            raise FileNotFoundError(
                f"No file matches `source`. Received: source={format_value(pattern)}"
                f"{'' if pathlib.Path(pattern).suffix else fix}"
            )
        paths.extend(files)
    for path in paths:
        file_rows.check_suffix(path)
    facts = {
        "kind": "files",
        "files": [{"name": path.name, "bytes": path.stat().st_size} for path in paths],
    }
    total = sum(map(file_rows.estimate_rows, paths))
    types = file_rows.column_types(paths[0])
    return Source(
        facts, total, lambda: itertools.chain.from_iterable(map(_file_rows, paths)), types
    )


def _file_rows(path: pathlib.Path) -> Iterator[Row]:
    rows = file_rows.read_rows(path)
    if path.suffix.lower() != ".parquet":
        return rows
    return (replace(row, cells={k: plain(v) for k, v in row.cells.items()}) for row in rows)


def _from_tfds(name: str, split: str, data_dir: str | os.PathLike[str] | None) -> Source:
    import tensorflow_datasets as tfds

    from tf_salience.data.tfds import prepared_builder

    builder = prepared_builder(name, data_dir)

    def rows() -> Iterator[Row]:
        # The order of the files, whatever the machine: shards are found again by it.
        config = tfds.ReadConfig(interleave_cycle_length=1)
        dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=config)
        for number, example in enumerate(tfds.as_numpy(dataset)):
            cells = {key: plain(value) for key, value in example.items()}
            yield Row(f"{name}[{split}]:{number}", cells)

    facts = {"kind": "tfds", "name": builder.info.full_name, "split": split}
    return Source(facts, int(builder.info.splits[split].num_examples), rows)


def _from_dataset(dataset: Any, text_column: str) -> Source:
    """Opens a `tf.data.Dataset` of batches, or of single elements of which some are scalars."""
    import tensorflow as tf

    specs = tf.nest.flatten(dataset.element_spec)
    is_batched = all(spec.shape.rank != 0 for spec in specs)
    cardinality = int(dataset.cardinality())
    if cardinality == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`source` must be finite. Received: a data set that repeats without end. Take a part "
            "of it: `source.take(batches)`."
        )
    for name, spec in _named(dataset.element_spec, text_column).items():
        if not isinstance(spec, tf.TensorSpec | tf.RaggedTensorSpec):
            raise TypeError(
                "`source` must be a tf.data.Dataset of dense or ragged tensors, several inputs in "
                f"a dict by the names of their columns. Received: {format_value(spec)} for column "
                f"{format_value(name)}. Change it by `source.map(...)`."
            )

    def rows() -> Iterator[Row]:
        number = 0
        for element in dataset:
            columns = {k: _to_lists(v) for k, v in _named(element, text_column).items()}
            examples = zip(*columns.values(), strict=True) if is_batched else [columns.values()]
            for values in examples:
                yield Row(f"source:{number}", dict(zip(columns, values, strict=True)))
                number += 1

    facts = {"kind": "tf.data", "element_spec": str(dataset.element_spec)}
    return Source(facts, None if is_batched or cardinality < 0 else cardinality, rows)


def _named(element: Any, text_column: str) -> dict[str, Any]:
    """Returns the columns of an element: inputs, (inputs, labels), or with sample weights."""
    inputs, labels = (*element, None)[:2] if isinstance(element, tuple) else (element, None)
    columns = dict(inputs) if isinstance(inputs, Mapping) else {text_column: inputs}
    return columns if labels is None else {**columns, LABEL: labels}


def _to_lists(tensor: Any) -> Any:
    return plain(tensor.to_list() if hasattr(tensor, "to_list") else tensor.numpy())


def _from_dicts(source: Iterable[Any]) -> Iterator[Row]:
    for number, cells in enumerate(source):
        if not isinstance(cells, Mapping):
            raise TypeError(
                "`source` must yield dicts, the values of a row by column. Received: "
                f"{format_value(cells)} (of type {type(cells).__name__}) as its item {number}"
            )
        yield Row(f"source:{number}", {key: plain(value) for key, value in cells.items()})
