"""`explain_dataset`: a data set of any size explained, shard by shard, into a folder."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from tf_salience.batch.columns import Columns
from tf_salience.batch.job import Job
from tf_salience.batch.job_setup import JobSetup
from tf_salience.batch.manifest import Manifest
from tf_salience.batch.sources import open_source
from tf_salience.explanation.storage import import_pyarrow
from tf_salience.utils import validation

_LONG_TEXTS = ("error", "cut")


def explain_dataset(
    model: Any,
    source: Any,
    output: str | os.PathLike[str],
    *,
    method: Any = "integrated_gradients",
    text_column: str | Sequence[str] | Mapping[str, str] = "text",
    label_column: str | None = None,
    keep: Sequence[str] = (),
    split: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    shard_rows: int = 10_000,
    workers: int = 1,
    max_errors: int | None = 100,
    long_texts: str = "error",
    progress: bool = True,
    model_output: str | int | None = None,
    **keywords: Any,
) -> Manifest:
    """Explains a data set of any size into a folder of Parquet shards.

    Started again with the same arguments, it goes on where it was: finished shards are kept. Shard
    i has the rows from i x `shard_rows` on, and appears whole or not at all. A folder holds:

    - `shard-000000.parquet`, ...: `row`, its number in the source; the columns of `keep`; and what
      `Explanation` has of an example: `tokens`, `scores`, `words`, `segments`, `target_name`,
      `target`, `output`, `baseline_output`, `convergence_delta`, `error_estimate`, `converged`,
      `evaluations`.
    - `errors/errors-000000.jsonl`, ...: the rows that could not be explained, each with its reason.
    - `manifest.json`: model, method, source, versions, counts, and the checksum of each shard.

    Args:
        model: a built `keras.Model`; the path of a saved one; or a function that returns one.
        source: a path, a pattern (`reviews/*.parquet`) or a list of them, of .tsv, .csv, .jsonl or
            .parquet; with `split` the name of a data set of TensorFlow Datasets; a
            `tf.data.Dataset` of batches, as `fit` takes it; or an iterable of dicts.
        output: the folder.
        method: as `Explainer` takes it.
        text_column: the column of the texts, or ids; for a model of several inputs several
            columns, or a dict of them by the names of the inputs.
        label_column: the column of the labels, for `target="label"`.
        keep: columns of the source that are written beside the explanations, ids for instance.
        split: of a data set of TensorFlow Datasets.
        data_dir: where TensorFlow Datasets keeps prepared data.
        limit: explain the first rows only.
        shard_rows: rows of the source in a shard.
        workers: processes on this machine that share the work, each with its own model.
        max_errors: the most rows that may fail before the job ends; None: any number.
        long_texts: "error": a text longer than the model takes fails; "cut": its end has no scores.
        progress: whether a bar is shown on standard error.
        model_output: which of several outputs is explained; the `output` of `Explainer`.
        **keywords: whatever else `Explainer` takes.

    Returns:
        The `Manifest`, with `counts` of rows, errors, rows that did not converge, and evaluations.

    Raises:
        FileNotFoundError: if no file fits.
        ImportError: without pyarrow, which the extra `parquet` installs.
        KeyboardInterrupt: at the end of a shard after Ctrl-C; the next call goes on.
        TypeError: for an argument of another kind.
        ValueError: for an argument that does not fit; if `output` holds another job; if the source
            has changed; if more rows fail than `max_errors`.

    Example:
        >>> rows = [{"id": number, "text": text} for number, text in enumerate(texts)]
        >>> manifest = tfs.explain_dataset(model, rows, "explained", keep=["id"], progress=False)
        >>> manifest.counts["rows"], manifest.counts["errors"]
        (6, 0)
    """
    import_pyarrow()
    validation.check_one_of("long_texts", long_texts, _LONG_TEXTS)
    columns = Columns.checked(text_column, label_column, keep)
    name = text_column if isinstance(text_column, str) else "text"
    opened = open_source(source, split=split, data_dir=data_dir, text_column=name)
    setup = JobSetup(
        model=model,
        explainer={"method": method, "output": model_output, **keywords},
        columns=columns,
        folder=pathlib.Path(output).absolute(),
        cuts_texts=long_texts == "cut",
        max_errors=None if max_errors is None else _count("max_errors", max_errors),
    )
    return Job(
        setup,
        opened.first(limit if limit is None else validation.positive_integer("limit", limit)),
        shard_rows=validation.positive_integer("shard_rows", shard_rows),
        workers=validation.positive_integer("workers", workers),
    )(is_shown=validation.boolean("progress", progress))


def _count(name: str, value: Any) -> int:
    return 0 if value == 0 else validation.positive_integer(name, value)
