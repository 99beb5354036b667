"""`explain_files`: files of texts explained in a pipeline, into Parquet files."""

import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from tf_salience.beam import worker
from tf_salience.beam.explain import Explain
from tf_salience.data import rows as file_rows
from tf_salience.explanation import records
from tf_salience.explanation.storage import import_pyarrow
from tf_salience.utils.validation import format_value

LOCATION = "location"


@dataclass(frozen=True)
class ReadExamples:
    """Reads the rows of a file as keyed examples; the key is the location and the kept columns.

    Attributes:
        text_column: the column of the texts.
        label_column: the column of the labels, or None.
        keep: columns of the source that are written beside the explanation, as strings.
        class_names: of the model, or None; a label of digits may be one of them.
    """

    text_column: str
    label_column: str | None = None
    keep: Sequence[str] = ()
    class_names: Sequence[str] | None = None

    def __call__(self, path: str) -> Iterator[Any]:
        """Yields pairs of key and example, and to the output `errors` what cannot be read."""
        for row in file_rows.read_rows(path):
            columns = (self.text_column, self.label_column, *self.keep)
            missing = [name for name in columns if name is not None and name not in row.cells]
            reason = row.problem or (
                f"The row has no column {missing[0]!r}; it has {list(row.cells)}" if missing else ""
            )
            cells = {name: row.cells[name] for name in self.keep if name in row.cells}
            kept = {name: None if cell is None else str(cell) for name, cell in cells.items()}
            key = {LOCATION: row.location, **kept}
            if reason:
                Metrics.counter(worker.NAMESPACE, "errors").inc()
                yield beam.pvalue.TaggedOutput(worker.ERRORS, ((key, dict(row.cells)), reason))
            elif self.label_column is None:
                yield key, row.cells[self.text_column]
            else:
                label = file_rows.class_label(row.cells[self.label_column], self.class_names)
                yield key, {self.text_column: row.cells[self.text_column], "label": label}


def explain_files(
    paths: Sequence[str],
    output: str,
    explain: Explain,
    read: ReadExamples,
    *,
    pipeline_options: Sequence[str] = (),
) -> dict[str, int]:
    """Explains the texts of files in a Beam pipeline.

    The files appear whole, once the pipeline has ended: `explained-*.parquet`, with `location`
    (file:line), the columns kept, and those of `explain_dataset`; and `errors/errors-*.jsonl`.
    `summarize` reads the folder.

    Args:
        paths: files that all workers can read, .tsv, .csv, .jsonl or .parquet.
        output: a folder that all workers can write.
        explain: what explains; with `label="label"` where a column of labels is read.
        read: how a file's rows become examples.
        pipeline_options: Beam's, such as "--runner=FlinkRunner".

    Returns:
        The counters, by name; {} for a runner that counts nothing.

    Raises:
        ValueError: for files of another kind, or a folder that holds something.
        ImportError: without pyarrow, which the extra `parquet` installs.
    """
    pyarrow, _ = import_pyarrow()
    for path in paths:
        file_rows.check_suffix(pathlib.Path(path))
    taken = [LOCATION, *records.COLUMNS]
    if len({*taken, *read.keep}) < len(taken) + len(read.keep):
        raise ValueError(
            "`keep` must be different columns of the source, other than those of the explanation, "
            f"{format_value(taken)}. Received: keep={format_value(list(read.keep))}. Rename the "
            "column in the source."
        )
    folder = pathlib.Path(output)
    if "://" not in output and folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise ValueError(
            f"`output` must be a new folder. Received: output={format_value(output)}, which is or "
            "holds a file. Choose another."
        )
    names = [LOCATION, *read.keep]
    schema = pyarrow.schema([(name, pyarrow.string()) for name in names])
    for field in records.schema():
        schema = schema.append(field)
    pipeline = beam.Pipeline(options=PipelineOptions(list(pipeline_options)))
    examples, unread = (
        pipeline
        | "Files" >> beam.Create(list(paths))
        | "Spread files" >> beam.Reshuffle()
        | "Rows" >> beam.FlatMap(read).with_outputs(worker.ERRORS, main="examples")
    )
    explained, failed = examples | "Explain" >> explain.with_exception_handling()
    _ = (
        explained
        | "Records" >> beam.MapTuple(lambda key, result: {**key, **result.inference})
        | "Write"
        >> beam.io.WriteToParquet(f"{output}/explained", schema, file_name_suffix=".parquet")
    )
    _ = (
        (unread, failed)
        | "All errors" >> beam.Flatten()
        | "Lines" >> beam.MapTuple(_error_line)
        | "Write errors"
        >> beam.io.WriteToText(f"{output}/errors/errors", file_name_suffix=".jsonl")
    )
    result = pipeline.run()
    result.wait_until_finish()
    metrics = result.metrics().query(MetricsFilter().with_namespace(worker.NAMESPACE))
    return {metric.key.metric.name: metric.committed for metric in metrics["counters"]}


def _error_line(element: tuple[Mapping[str, Any], Any], reason: str) -> str:
    key, source = element
    return json.dumps({**key, "reason": reason, "source": source}, default=repr)
