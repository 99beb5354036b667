"""The parser of the command line."""

import argparse
import re
from typing import Any, NoReturn

from tf_salience.attribution.methods import METHODS
from tf_salience.attribution.occlusion import UNITS
from tf_salience.attribution.quadrature import RULES
from tf_salience.cli import beam_runner, completion, folder_job, report_command
from tf_salience.utils.text import printable
from tf_salience.utils.validation import format_value
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


def _number(text: str) -> int | None:
    """Returns a number of ASCII digits, or None; `int` takes the digits of all scripts."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _count(text: str) -> int:
    number = _number(text)
    if not number:
        raise argparse.ArgumentTypeError(
            f"must be a positive integer. Received: {format_value(text)}"
        )
    return number


_COUNT: dict[str, Any] = {"type": _count, "metavar": "N"}


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
    report_command.add_parser(commands, _COUNT)
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
        description="Trains a small transformer on sentences made by a grammar, whose decisive "
        "words are known, or on your own data, and compares the methods on held-out texts.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", metavar="FILE", help="a .tsv, .csv or .jsonl file")
    source.add_argument("--tfds", metavar="NAME", help="a text data set of TensorFlow Datasets")
    _add_columns(parser)
    parser.add_argument("--data-dir", metavar="DIR", help="where TFDS keeps prepared data")
    parser.add_argument("--explain", **_COUNT, default=300, help="explain N held-out texts (300)")
    parser.add_argument("--max-texts", **_COUNT, default=20_000, help="train on N texts (20000)")
    parser.add_argument("--epochs", **_COUNT, help="train for at most N epochs")
    parser.add_argument(
        "--seed", type=_integer, default=0, help="of split, training and random scores"
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
        help="explain what a saved model says about texts",
        description="Explains what a saved Keras text model says about texts.",
    )
    _add_model(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", action="append", help="a text; may be given again")
    source.add_argument("--data", metavar="FILE", help="a .tsv, .csv or .jsonl file of texts")
    _add_columns(parser)
    parser.add_argument("--max", **_COUNT, help="explain the first N texts")
    _add_method_and_target(parser)
    parser.add_argument("--batch-size", **_COUNT, default=32)
    parser.add_argument(
        "--continuation",
        metavar="TEXT",
        help="explain a language model: why it goes on with TEXT after each text",
    )
    parser.add_argument(
        "--words", action="store_true", help="put pieces of words together, their scores added up"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="save to .json or .parquet, or to a folder"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="print all texts to a terminal; without it the first 20. Elsewhere all are printed",
    )
    folder_job.add_arguments(parser, source, _COUNT)
    beam_runner.add_arguments(parser)


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure how faithful the explanations of a saved model are, by every method",
        description="Measures how faithful the explanations of a saved Keras text model are: what "
        "its output does as the tokens go that a method holds most important.",
    )
    _add_model(parser)
    parser.add_argument("--data", metavar="FILE", required=True, help="a .tsv, .csv or .jsonl file")
    _add_columns(parser)
    parser.add_argument(
        "--rationale-column", metavar="NAME", help="of --data; the words that should decide"
    )
    parser.add_argument("--max", **_COUNT, help="evaluate on the first N texts")
    parser.add_argument(
        "--methods",
        type=_comma_separated,
        default=list(METHODS),
        metavar="A,B,...",
        help=f"the methods ({','.join(METHODS)})",
    )
    parser.add_argument("--baseline", type=_index_or_name, help="zeros, mean, a token or its id")
    parser.add_argument(
        "--eraser",
        type=_index_or_name,
        default="baseline",
        help="what an erased token becomes: baseline, any other baseline, or remove (baseline)",
    )
    parser.add_argument("--naopc", **_COUNT, help="NAOPC, whose bounds are found by a beam of N")
    parser.add_argument(
        "--randomization", **_COUNT, help="explain N texts as the weights become random"
    )
    parser.add_argument("--seed", type=_integer, default=0, help="of random rankings and weights")
    _add_target(parser)
    parser.add_argument("--batch-size", **_COUNT, default=32)
    parser.add_argument("--output", metavar="FILE", help="save to .json or .parquet")


def _add_export(commands: Any) -> None:
    parser = commands.add_parser(
        "export",
        help="export a saved model with a signature that explains it",
        description="Exports a saved Keras text model as a TensorFlow SavedModel with a signature, "
        "`attributions`, that explains it: for servers that have neither Keras nor Python.",
    )
    _add_model(parser)
    parser.add_argument("output", metavar="OUT", help="the directory to write")
    _add_method_and_target(parser)
    parser.add_argument(
        "--version", type=_integer, metavar="N", help="write to OUT/N, as TensorFlow Serving does"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument("--max-rows", **_COUNT, help="rows, examples x nodes, run at once")
    parser.add_argument(
        "--warm-up",
        action="append",
        metavar="TEXT",
        help="a text to be run before the first request; may be given again",
    )


def _add_inspect(commands: Any) -> None:
    parser = commands.add_parser(
        "inspect",
        help="print what of a saved model can be explained, and how",
        description="Prints which layers of a saved Keras model can be explained, with their "
        "shapes and masks, the outputs with their targets, and a call to copy.",
    )
    _add_model(parser)
    _add_layers(parser)


def _add_lit(commands: Any) -> None:
    parser = commands.add_parser(
        "lit",
        help="show a saved model in LIT, the Language Interpretability Tool, in the browser",
        description="Serves LIT's page with a saved Keras text model, explained by this package. "
        "It needs LIT, which is installed apart: without it the error says how.",
    )
    _add_model(parser)
    parser.add_argument("--data", metavar="FILE", required=True, help="a .tsv, .csv or .jsonl file")
    _add_columns(parser)
    parser.add_argument("--max", **_COUNT, default=1000, help="show the first N texts (1000)")
    _add_target(parser)
    parser.add_argument("--batch-size", **_COUNT, default=32)
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at (127.0.0.1)")
    parser.add_argument("--port", **_COUNT, default=5432, help="port to serve at (5432)")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL.keras", help="the model")
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="FILE.py|MODULE",
        help="run Python code that defines the model's own layers, before the model is loaded; "
        "may be given again",
    )


def _add_layers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--embeddings", action="append", metavar="NAME", help="embedding layer; may be given again"
    )
    parser.add_argument("--vocabulary", metavar="FILE", help="one token a line, in the ids' order")


def _add_method_and_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", choices=tuple(METHODS), default="integrated_gradients")
    parser.add_argument(
        "--steps", type=_steps, metavar="N|auto", help="how many steps the path has (auto)"
    )
    parser.add_argument(
        "--rule",
        choices=tuple(RULES),
        help="how the path is integrated, for a number of steps (trapezoid)",
    )
    parser.add_argument("--baseline", type=_index_or_name, help="zeros, mean, a token or its id")
    parser.add_argument("--span", **_COUNT, help="tokens that occlusion erases at a time (1)")
    parser.add_argument("--unit", choices=UNITS, help="what occlusion erases (token)")
    _add_target(parser)


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--target",
        type=_index_or_name,
        default="predicted",
        metavar="predicted|label|INDEX|NAME",
        help="what to explain (predicted)",
    )
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--class-names",
        type=_comma_separated,
        metavar="A,B,...",
        help="names of the model's outputs, in order",
    )
    names.add_argument(
        "--class-names-file", metavar="FILE", help="the same in a file, one name a line"
    )
    parser.add_argument(
        "--head", type=_index_or_name, metavar="NAME", help="which of a model's several outputs"
    )
    _add_layers(parser)


def _add_columns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text-column", default="text", metavar="NAME", help="of --data (text)")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--label-column", metavar="NAME", help="of --data; holds classes")
    group.add_argument(
        "--rating-column", metavar="NAME", help="of --data; holds numbers, above 0 is positive"
    )


def _integer(text: str) -> int:
    number = _number(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"must be a number. Received: {format_value(text)}")
    return number


def _steps(text: str) -> int | str:
    if text == "auto":
        return text
    number = _number(text)
    if not number:
        raise argparse.ArgumentTypeError(
            f"must be a positive integer or auto. Received: {format_value(text)}"
        )
    return number


def _index_or_name(text: str) -> int | str:
    number = _number(text)
    return text if number is None else number


def _comma_separated(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
