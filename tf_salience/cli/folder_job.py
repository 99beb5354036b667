"""`tf-salience explain --output DIR`: data sets of any size, explained into a folder of shards."""

import argparse
import functools
import os
import pathlib
import sys
from typing import Any

from tf_salience.cli import option_types, option_values
from tf_salience.cli.model_loading import load_model, make_tokenizer
from tf_salience.cli.tensorflow_import import import_tensorflow
from tf_salience.utils.text import printable

#: The values that stand for options that were not passed.
DEFAULTS: dict[str, Any] = {
    "tfds": None,
    "split": "train",
    "data_dir": None,
    "keep": [],
    "shard_rows": 10_000,
    "workers": 1,
    "max_errors": 100,
    "long_texts": "error",
}
#: Those that `explain_dataset` has by the same name.
_SHARED = ("keep", "shard_rows", "workers", "max_errors", "long_texts")
#: Options of `explain` that a folder does not take.
_NOT_HERE = {"text": None, "words": False, "rating_column": None, "all": False}


def add_arguments(parser: argparse.ArgumentParser, source: Any, count: dict[str, Any]) -> None:
    """Adds the options of a folder to `tf-salience explain`.

    Args:
        parser: of the subcommand.
        source: its group of sources.
        count: the keywords of an option that is a number from 1.
    """
    source.add_argument("--tfds", metavar="NAME", help="a data set of TensorFlow Datasets")
    folder = parser.add_argument_group(
        "explaining into a folder",
        "With --output DIR, a new folder, --data may be a pattern and .parquet, and of any size. "
        "The same command again continues an interrupted job.",
    )
    folder.add_argument("--split", default="train", metavar="NAME", help="split of --tfds (train)")
    folder.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps prepared data")
    folder.add_argument(
        "--keep",
        type=option_types.comma_separated,
        default=[],
        metavar="A,B,...",
        help="columns of the data to copy into the output",
    )
    folder.add_argument("--shard-rows", **count, default=10_000, help="rows per shard (10000)")
    folder.add_argument("--workers", **count, default=1, help="number of processes (1)")
    folder.add_argument(
        "--max-errors",
        type=int,
        default=100,
        metavar="N",
        help="end the job when more rows than that cannot be explained (100)",
    )
    folder.add_argument(
        "--long-texts",
        choices=("error", "cut"),
        default="error",
        help="what becomes of a text longer than the model takes (error)",
    )


def is_chosen(options: argparse.Namespace) -> bool:
    """True if the output is a folder.

    Raises:
        ValueError: if it is not, and options of a folder were passed.
    """
    output = options.output
    if output is not None:
        path = pathlib.Path(output)
        if path.is_dir() or not path.suffix or output.endswith(("/", os.sep)):
            return True
    passed = [name for name, value in DEFAULTS.items() if getattr(options, name) != value]
    if passed:
        received = f"--output {options.output}" if options.output else "no --output"
        raise ValueError(
            f"{', '.join(map(_flag, passed))} can be used only with --output DIR, a folder. "
            f"Received: {received}"
        )
    return False


def explain(options: argparse.Namespace) -> None:
    """Runs `tf-salience explain --output DIR`.

    Raises:
        ImportError: without pyarrow, which the extra `parquet` installs.
        ValueError: for options that do not go together.
    """
    unsupported = [
        _flag(name) for name, value in _NOT_HERE.items() if getattr(options, name) != value
    ]
    if unsupported:
        raise ValueError(
            f"--output {options.output}, a folder, cannot be used with {', '.join(unsupported)}. "
            "Pass --data or --tfds, or a file as --output: .json or .parquet."
        )
    of_tfds = [name for name in ("split", "data_dir") if getattr(options, name) != DEFAULTS[name]]
    if options.tfds is None and of_tfds:
        flags = ", ".join(map(_flag, of_tfds))
        raise ValueError(f"{flags} can be used only with --tfds. Received: --data")
    option_values.require("pyarrow", extra="parquet", purpose=f"--output {options.output}")
    method = option_values.method(options)
    model_path = option_values.model_path(options)
    vocabulary = option_values.vocabulary(options)
    class_names = option_values.class_names(options)
    import_tensorflow()
    from tf_salience.batch.explain_dataset import explain_dataset
    from tf_salience.targets import Span

    manifest = explain_dataset(
        functools.partial(load_model, model_path, options),
        options.data if options.tfds is None else options.tfds,
        options.output,
        method=method,
        text_column=options.text_column,
        label_column=options.label_column,
        split=None if options.tfds is None else options.split,
        data_dir=options.data_dir,
        limit=options.max,
        progress=sys.stderr.isatty(),
        target=options.target if options.continuation is None else Span(options.continuation),
        embeddings=options.embeddings,
        tokenizer=make_tokenizer(vocabulary),
        class_names=class_names,
        model_output=options.head,
        batch_size=options.batch_size,
        **{name: getattr(options, name) for name in _SHARED},
    )
    counts = manifest.counts
    print(
        f"Wrote {counts['rows']:,} explanations to {printable(str(options.output))}; "
        f"{counts['errors']:,} rows could not be explained, "
        f"{counts['unconverged']:,} did not converge.",
        file=sys.stderr,
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
