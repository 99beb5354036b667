"""`tf-salience report`: a page of explanations that were saved; neither Keras nor TensorFlow."""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

from tf_salience.cli import option_groups, option_values
from tf_salience.data import files
from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.utils.text import printable
from tf_salience.utils.validation import format_value

_DESCRIPTION = """\
Writes saved explanations to one page of HTML, which opens from the disk and needs no
network. Several of the same texts, of two models for instance, are compared; those of one
model and method for several targets are shown as one. It needs the extra `report`."""
_EXAMPLE = """\
example:
  tf-salience explain model.keras --data reviews.tsv --output explained.json
  tf-salience report explained.json --data reviews.tsv --output report.html"""


def add_parser(commands: Any, count: dict[str, Any]) -> argparse.ArgumentParser:
    """Adds the subcommand, and returns its parser.

    Args:
        commands: the subcommands.
        count: the keywords of an option that is a number from 1.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="write saved explanations to one page of HTML",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "explanations",
        metavar="FILE_OR_FOLDER",
        nargs="+",
        help="what `tf-salience explain --output` wrote: .json, .parquet, or a folder",
    )
    parser.add_argument(
        "--output", metavar="FILE.html", required=True, help="the page; replaced if it exists"
    )
    parser.add_argument(
        "--name", action="append", metavar="NAME", help="of each FILE_OR_FOLDER, in their order"
    )
    parser.add_argument("--title", help="of the page")
    _add_data(parser)
    parser.add_argument(
        "--evaluation", metavar="FILE", help="show what `tf-salience evaluate --output` wrote"
    )
    parser.add_argument(
        "--summary", metavar="FOLDER", help="show the words of a whole folder of explanations"
    )
    parser.add_argument("--limit", **count, help="show the first N examples (at most 10000)")
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    """Adds the options of texts, labels and classes."""
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="the .tsv, .csv or .jsonl file that was explained: its texts and labels",
    )
    parser.add_argument(
        "--text-column",
        metavar="NAME",
        help="of --data (text), or a column that was kept in a folder",
    )
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument(
        "--label-column",
        metavar="NAME",
        help="of --data, or a column that was kept in a folder; holds classes",
    )
    labels.add_argument(
        "--rating-column", metavar="NAME", help="of --data; holds numbers, above 0 is positive"
    )
    option_groups.add_class_names(parser)


def report(options: argparse.Namespace) -> None:
    """Runs `tf-salience report`."""
    from tf_salience.evaluation.evaluation import Evaluation
    from tf_salience.reporting import page
    from tf_salience.reporting.write_report import write_report

    page.require_report()
    texts, labels = _texts_and_labels(options)
    path = write_report(
        _explanations(options),
        options.output,
        title=options.title,
        labels=labels,
        class_names=option_values.class_names(options),
        texts=texts,
        evaluation=None if options.evaluation is None else Evaluation.load(options.evaluation),
        summary=_summary(options.summary),
        limit=options.limit,
    )
    print(f"Wrote {printable(str(path))}; open it in a browser.", file=sys.stderr)


def _explanations(options: argparse.Namespace) -> dict[str, str]:
    """Returns the paths by name: of --name, or else of the file or folder.

    Raises:
        ValueError: for another number of names, or the same name twice.
    """
    paths = options.explanations
    names = options.name or _names(paths)
    if len(names) != len(paths):
        raise ValueError(
            "--name must be passed once for each FILE_OR_FOLDER. Received: "
            f"{format_value(names)} for {format_value(paths)}"
        )
    if len(set(names)) < len(names):
        raise ValueError(
            f"The names of what is shown must differ. Received: {format_value(names)}. Pass --name "
            "once for each FILE_OR_FOLDER."
        )
    return dict(zip(names, paths, strict=True))


def _names(paths: list[str]) -> list[str]:
    """Returns the names of files without suffix; the whole paths where these are not different."""
    names = [Path(path).stem if Path(path).is_file() else Path(path).name for path in paths]
    return names if len(set(names)) == len(names) else list(paths)


def _texts_and_labels(options: argparse.Namespace) -> tuple[Any, Any]:
    """Returns what `write_report` takes: values of --data, names of columns of folders, or None.

    Raises:
        ValueError: if --data leaves out rows that a folder counts.
    """
    if options.data is None:
        if options.rating_column is not None:
            raise ValueError("--rating-column needs --data.")
        return options.text_column, options.label_column
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", files.EmptyTextWarning)
        data = files.read_file(
            options.data,
            text_column=options.text_column or "text",
            label_column=options.label_column,
            rating_column=options.rating_column,
        )
    has_folders = any(Path(path).is_dir() for path in options.explanations)
    if caught and has_folders:
        raise ValueError(
            f"{caught[0].message} The other columns do not identify the rows of a folder: explain "
            "the file again with --keep, and leave --data out."
        )
    for warning in caught:
        warnings.warn(warning.message, stacklevel=1)
    # A folder tells the rows of its source; of a file the first ones were explained.
    data = data if has_folders else data.take(range(len(data))[: options.limit])
    return data.texts, _labels(data)


def _labels(data: LabelledTexts) -> list[Any] | None:
    if data.labels is None or data.class_names is None:
        return None if data.labels is None else data.labels.tolist()
    return [data.class_names[label] for label in data.labels]


def _summary(folder: str | None) -> Any:
    if folder is None:
        return None
    from tf_salience.batch.summarize import summarize

    return summarize(folder)
