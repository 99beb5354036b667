"""The parser of the command line."""

import argparse
from typing import Any, NoReturn

from tf_salience.attribution.methods import METHODS
from tf_salience.cli import (
    beam_runner,
    completion,
    folder_job,
    option_groups,
    option_types,
    report_command,
)
from tf_salience.utils.text import printable
from tf_salience.version import __version__

#: One for each command, shown by `tf-salience` alone.
EXAMPLES = (
    "tf-salience demo",
    'tf-salience explain model.keras --text "not a good film"',
    "tf-salience evaluate model.keras --data reviews.tsv",
    "tf-salience report explained.json --data reviews.tsv --output report.html",
    "tf-salience export model.keras served --version 1",
    "tf-salience inspect model.keras",
    "tf-salience lit model.keras --data reviews.tsv",
)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, which cannot control the terminal."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        completion.complete_paths(self)

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the whole command; its `command` is the name of the subcommand."""
    parser = _Parser(
        prog="tf-salience",
        description="Explains Keras text models token by token.",
        epilog="\n  ".join(["examples:", *EXAMPLES])
        + "\n\ntf-salience COMMAND --help explains more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    completion.add_option(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_explain(commands)
    _add_evaluate(commands)
    report_command.add_parser(commands, option_types.COUNT)
    _add_export(commands)
    _add_inspect(commands)
    _add_lit(commands)
    for command in commands.choices.values():
        command.add_argument(
            "--traceback", action="store_true", help="show where an error came from"
        )
    return parser


def _add_demo(commands: Any) -> None:
    parser = commands.add_parser(
        "demo",
        help="train a small model, explain it by every method, and compare them",
        description="Trains a small transformer, explains it by every method, and compares the "
        "methods on held-out texts. The texts are your own data, or sentences made by a grammar, "
        "whose decisive words are known.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", metavar="FILE", help="a .tsv, .csv or .jsonl file")
    source.add_argument("--tfds", metavar="NAME", help="a text data set of TensorFlow Datasets")
    option_groups.add_columns(parser)
    parser.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps prepared data")
    parser.add_argument(
        "--explain", **option_types.COUNT, default=300, help="explain N held-out texts (300)"
    )
    parser.add_argument(
        "--max-texts", **option_types.COUNT, default=20_000, help="train on N texts (20000)"
    )
    parser.add_argument("--epochs", **option_types.COUNT, help="train for at most N epochs")
    parser.add_argument(
        "--seed",
        type=option_types.integer,
        default=0,
        help="seed of the split, the training and the random scores (0)",
    )
    parser.add_argument("--save", metavar="MODEL.keras", help="keep the trained model")
    parser.add_argument("--picture", metavar="FILE", help="draw the texts: .png, .svg or .pdf")
    parser.add_argument("--export", metavar="DIR", help="keep the exported SavedModel")
    parser.add_argument(
        "--report",
        type=lambda text: None if text == "none" else text,
        default="tf_salience_demo.html",
        metavar="FILE.html|none",
        help="write a page of the explained texts, with the extra `report` (tf_salience_demo.html)",
    )


def _add_explain(commands: Any) -> None:
    parser = commands.add_parser(
        "explain",
        help="explain the predictions of a saved model for texts",
        description="Explains the predictions of a saved Keras text model for texts.",
    )
    option_groups.add_model(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", action="append", help="a text; may be given again")
    source.add_argument("--data", metavar="FILE", help="a .tsv, .csv or .jsonl file of texts")
    option_groups.add_columns(parser)
    parser.add_argument("--max", **option_types.COUNT, help="explain the first N texts")
    option_groups.add_method_and_target(parser)
    parser.add_argument(
        "--batch-size", **option_types.COUNT, default=32, help="examples per batch (32)"
    )
    parser.add_argument(
        "--continuation",
        metavar="TEXT",
        help="explain why a language model continues each text with TEXT",
    )
    parser.add_argument(
        "--words", action="store_true", help="join the pieces of words and add up their scores"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="save to .json or .parquet, or to a folder"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="print all texts to a terminal; without it the first 20. Elsewhere all are printed",
    )
    folder_job.add_arguments(parser, source, option_types.COUNT)
    beam_runner.add_arguments(parser)


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure how faithful each method explains a saved model",
        description="Measures how faithful the explanations of a saved Keras text model are: what "
        "happens to its output when the tokens with the highest scores are erased.",
    )
    option_groups.add_model(parser)
    parser.add_argument("--data", metavar="FILE", required=True, help="a .tsv, .csv or .jsonl file")
    option_groups.add_columns(parser)
    parser.add_argument(
        "--rationale-column",
        metavar="NAME",
        help="column of --data with the words that should decide",
    )
    parser.add_argument("--max", **option_types.COUNT, help="evaluate on the first N texts")
    parser.add_argument(
        "--methods",
        type=option_types.comma_separated,
        default=list(METHODS),
        metavar="A,B,...",
        help=f"the methods ({','.join(METHODS)})",
    )
    parser.add_argument(
        "--baseline",
        type=option_types.index_or_name,
        help="where paths start: zeros, mean, a token or its id",
    )
    parser.add_argument(
        "--eraser",
        type=option_types.index_or_name,
        default="baseline",
        help="what replaces an erased token: baseline, another baseline, or remove (baseline)",
    )
    parser.add_argument(
        "--naopc",
        **option_types.COUNT,
        help="also measure NAOPC, with bounds from a beam search of width N",
    )
    parser.add_argument(
        "--randomization",
        **option_types.COUNT,
        help="also explain N texts while the weights become random, layer by layer",
    )
    parser.add_argument(
        "--seed",
        type=option_types.integer,
        default=0,
        help="seed of the random rankings and weights (0)",
    )
    option_groups.add_target(parser)
    parser.add_argument(
        "--batch-size", **option_types.COUNT, default=32, help="examples per batch (32)"
    )
    parser.add_argument("--output", metavar="FILE", help="save to .json or .parquet")


def _add_export(commands: Any) -> None:
    parser = commands.add_parser(
        "export",
        help="export a saved model with a signature that explains it",
        description="Exports a saved Keras text model as a TensorFlow SavedModel with a signature, "
        "`attributions`, that explains it: for servers that have neither Keras nor Python.",
    )
    option_groups.add_model(parser)
    parser.add_argument("output", metavar="OUT", help="the directory to write")
    option_groups.add_method_and_target(parser)
    parser.add_argument(
        "--version",
        type=option_types.integer,
        metavar="N",
        help="write to OUT/N, as TensorFlow Serving does",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument(
        "--max-rows",
        **option_types.COUNT,
        help="number of rows (examples x steps) that run at once",
    )
    parser.add_argument(
        "--warm-up",
        action="append",
        metavar="TEXT",
        help="a text that the server runs before the first request; may be given again",
    )


def _add_inspect(commands: Any) -> None:
    parser = commands.add_parser(
        "inspect",
        help="print what can be explained in a saved model, and how",
        description="Prints which layers of a saved Keras model can be explained, with their "
        "shapes and masks, the outputs with their targets, a call to copy, and the guides to read.",
    )
    option_groups.add_model(parser)
    option_groups.add_layers(parser)


def _add_lit(commands: Any) -> None:
    parser = commands.add_parser(
        "lit",
        help="show a saved model in LIT, the Language Interpretability Tool, in the browser",
        description="Serves LIT's page with a saved Keras text model, explained by this package. "
        "LIT is installed separately; the error says how.",
    )
    option_groups.add_model(parser)
    parser.add_argument("--data", metavar="FILE", required=True, help="a .tsv, .csv or .jsonl file")
    option_groups.add_columns(parser)
    parser.add_argument(
        "--max", **option_types.COUNT, default=1000, help="show the first N texts (1000)"
    )
    option_groups.add_target(parser)
    parser.add_argument(
        "--batch-size", **option_types.COUNT, default=32, help="examples per batch (32)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at (127.0.0.1)")
    parser.add_argument(
        "--port", **option_types.COUNT, default=5432, help="port to serve at (5432)"
    )
