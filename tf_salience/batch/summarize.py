"""`summarize`: the words of a folder of explanations, read once from its shards."""

import math
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from tf_salience.batch.shard_file import ERRORS
from tf_salience.batch.summary import Coverage, Summary, WordDrift
from tf_salience.explanation import shards, word_statistics
from tf_salience.explanation.word_statistics import NORMAL_95, WordMean, WordTable
from tf_salience.utils.arrays import Array
from tf_salience.utils.validation import format_value, positive_integer

_COLUMNS = ["tokens", "scores", "words", "target_name", "converged", "evaluations"]
_BATCH_ROWS = 8192


def summarize(
    folder: str | PathLike[str],
    *,
    compare_to: str | PathLike[str] | None = None,
    top: int = 20,
    min_count: int = 20,
) -> Summary:
    """Summarizes a folder of explanations: which words speak for which class.

    The shards are read once, a few thousand rows at a time, without TensorFlow. Pieces of a word
    are joined. Memory holds a few numbers for each different word of a class, for at most about two
    million words.

    Args:
        folder: as `explain_dataset` has written it; any folder of `.parquet` files with its
            columns.
        compare_to: another folder, of an earlier model or of other texts for instance.
        top: how many words are listed: of each class, gained, and lost.
        min_count: the fewest occurrences of a word that is listed.

    Returns:
        A `Summary`; `print` shows its tables.

    Raises:
        FileNotFoundError: if a folder has no shards.
        ImportError: without pyarrow, which the extra `parquet` installs.
        TypeError: for anything but the path of a folder.
        ValueError: if a folder has other `.parquet` files.

    Example:
        >>> rows = [{"text": text} for text in texts]
        >>> keywords = {"class_names": ["negative", "positive"], "target": "positive"}
        >>> manifest = tfs.explain_dataset(model, rows, "explained", progress=False, **keywords)
        >>> summary = tfs.summarize("explained", min_count=2)
        >>> sorted(word.word for word in summary.words["positive"])
        ['a', 'bad', 'film', 'good', 'not']
    """
    top, min_count = positive_integer("top", top), positive_integer("min_count", min_count)
    tables, coverage = _read(_checked("folder", folder))
    names = sorted(tables)
    means = {name: list(tables[name].means(min_count)) for name in names}
    summary = Summary(
        fspath(folder),
        coverage,
        {name: tuple(means[name][:top]) for name in names},
        min_count,
        sum(table.dropped for table in tables.values()),
    )
    if compare_to is None:
        return summary
    tables_before, coverage_before = _read(_checked("compare_to", compare_to))
    before = {name: list(tables_before[name].means(min_count)) for name in tables_before}
    drifts = sorted(_drifts(means, before), key=lambda drift: drift.difference)
    return Summary(
        summary.folder,
        coverage,
        summary.words,
        min_count,
        summary.dropped + sum(table.dropped for table in tables_before.values()),
        fspath(compare_to),
        coverage_before,
        tuple(drift for drift in drifts[: -top - 1 : -1] if drift.difference > 0),
        tuple(drift for drift in drifts[:top] if drift.difference < 0),
    )


def _drifts(
    means: Mapping[str, list[WordMean]], before: Mapping[str, list[WordMean]]
) -> list[WordDrift]:
    """Returns the drift of each word that comes often enough in both."""
    drifts = []
    for target_name, words in means.items():
        earlier = {word.word: word for word in before.get(target_name, ())}
        for word in words:
            old = earlier.get(word.word)
            if old is None:
                continue
            half = NORMAL_95 * math.hypot(word.standard_error, old.standard_error)
            difference = word.mean - old.mean
            drifts.append(
                WordDrift(
                    word.word,
                    target_name,
                    word.count,
                    old.count,
                    word.mean,
                    old.mean,
                    difference - half,
                    difference + half,
                )
            )
    return drifts


def _checked(name: str, folder: Any) -> Path:
    """Returns the path of a folder.

    Raises:
        TypeError: for anything but a path.
    """
    if not isinstance(folder, str | PathLike):
        raise TypeError(
            f"`{name}` must be the path of a folder that `explain_dataset` has written. Received: "
            f"{name}={format_value(folder)} (of type {type(folder).__name__})"
        )
    return Path(folder)


def _read(folder: Path) -> tuple[dict[str, WordTable], Coverage]:
    """Reads the shards of a folder: the words of each class, and what was explained."""
    dataset = shards.open_shards(folder, _COLUMNS)
    import pyarrow.compute as compute

    tables: dict[str, WordTable] = {}
    classes: dict[str, int] = {}
    converged, judged, evaluations = 0, 0, 0
    # One fragment after the other: read ahead they would fill the memory.
    scanner = dataset.scanner(
        _COLUMNS, batch_size=_BATCH_ROWS, batch_readahead=1, fragment_readahead=1
    )
    for batch in scanner.to_batches():
        if not len(batch):
            continue
        shards.check_rows(batch, folder)
        flags = batch.column("converged")
        judged += len(flags) - flags.null_count
        converged += compute.sum(flags).as_py() or 0
        evaluations += compute.sum(batch.column("evaluations")).as_py() or 0
        _add(tables, classes, batch)
    total = sum(classes.values())
    errors = sum(_count_lines(path) for path in sorted((folder / ERRORS).glob("*.jsonl")))
    manifest = shards.read_manifest(folder)
    coverage = Coverage(
        total,
        errors,
        converged if judged else None,
        evaluations,
        classes,
        complete=manifest is None or manifest.get("complete") is True,
    )
    return tables, coverage


def _add(tables: dict[str, WordTable], classes: dict[str, int], batch: Any) -> None:
    """Adds the words of a batch to the table of the class that was explained."""
    targets = np.array(batch.column("target_name").to_pylist(), object)
    for target_name in dict.fromkeys(targets.tolist()):
        classes[target_name] = classes.get(target_name, 0) + int((targets == target_name).sum())
    word_statistics.add_by_target(tables, targets, *_word_scores(batch))


def _word_scores(batch: Any) -> tuple[list[str], Array, Array]:
    """Returns the words of a `pyarrow.RecordBatch`, their scores, and the row of each."""
    columns = [batch.column(name) for name in ("tokens", "scores", "words")]
    tokens, scores, numbers = columns
    if numbers.null_count < len(batch):
        return word_statistics.word_scores(*(column.to_pylist() for column in columns))
    # Each token is a word, so that no row need be looked at by itself.
    lengths = tokens.value_lengths().to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(batch)), lengths)
    return tokens.flatten().to_pylist(), scores.flatten().to_numpy().astype(np.float64), rows


def _count_lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines)
