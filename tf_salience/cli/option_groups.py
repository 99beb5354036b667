"""Options that several commands have in common."""

import argparse

from tf_salience.attribution.methods import METHODS
from tf_salience.attribution.occlusion import UNITS
from tf_salience.attribution.quadrature import RULES
from tf_salience.cli import option_types


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds the model and the code that it needs."""
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


def add_layers(parser: argparse.ArgumentParser) -> None:
    """Adds what is explained of a model: layers and their vocabulary."""
    parser.add_argument(
        "--embeddings", action="append", metavar="NAME", help="embedding layer; may be given again"
    )
    parser.add_argument(
        "--vocabulary",
        metavar="FILE",
        help="a file with one token per line, in the order of the ids",
    )


def add_method_and_target(parser: argparse.ArgumentParser) -> None:
    """Adds the method, its options, and the target."""
    parser.add_argument(
        "--method",
        choices=tuple(METHODS),
        default="integrated_gradients",
        help="the method (integrated_gradients)",
    )
    parser.add_argument(
        "--steps",
        type=option_types.steps,
        metavar="N|auto",
        help="number of steps of integrated gradients (auto)",
    )
    parser.add_argument(
        "--rule",
        choices=tuple(RULES),
        help="rule of integration, for a number of steps (trapezoid)",
    )
    parser.add_argument(
        "--baseline",
        type=option_types.index_or_name,
        help="where paths start: zeros, mean, a token or its id",
    )
    parser.add_argument(
        "--span", **option_types.COUNT, help="number of tokens that occlusion erases together (1)"
    )
    parser.add_argument("--unit", choices=UNITS, help="what occlusion erases (token)")
    add_target(parser)


def add_class_names(parser: argparse.ArgumentParser) -> None:
    """Adds the names of the classes, as an option or in a file."""
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--class-names",
        type=option_types.comma_separated,
        metavar="A,B,...",
        help="names of the classes, in the order of the model's outputs",
    )
    names.add_argument(
        "--class-names-file", metavar="FILE", help="a file with one class name per line"
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """Adds the target, the names of classes, the output, and the layers."""
    parser.add_argument(
        "--target",
        type=option_types.index_or_name,
        default="predicted",
        metavar="predicted|label|INDEX|NAME",
        help="what to explain (predicted)",
    )
    add_class_names(parser)
    parser.add_argument(
        "--head",
        type=option_types.index_or_name,
        metavar="NAME",
        help="name or number of the output, for a model with several",
    )
    add_layers(parser)


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Adds the columns of a file of texts."""
    parser.add_argument(
        "--text-column", default="text", metavar="NAME", help="column of the texts (text)"
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--label-column", metavar="NAME", help="column of the classes")
    group.add_argument(
        "--rating-column", metavar="NAME", help="column of numbers; above 0 is the class positive"
    )
