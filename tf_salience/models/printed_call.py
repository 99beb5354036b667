"""The call that `inspect` prints, to copy."""

import keyword
import re
from collections.abc import Sequence
from typing import Any

import keras

from tf_salience.models import nests
from tf_salience.models.embeddings.structure import input_names, layer_paths, unambiguous_name
from tf_salience.models.trial import TEXTS
from tf_salience.utils.text import printable

#: Names that the printed call has for something else.
_TAKEN = ("tfs", "model", "tokenizer", "layer", "explainer", "explanation", "print")


def call_source(arguments: Sequence[str], inputs: str) -> str:
    """Returns the lines that explain inputs.

    Args:
        arguments: of the explainer, in Python.
        inputs: of its call, in Python.
    """
    return (
        "    import tf_salience as tfs\n\n"
        f"    explainer = tfs.Explainer({', '.join(['model', *arguments])})\n"
        f"    explanation = explainer({inputs})\n"
        "    print(explanation[0])"
    )


def layers_source(model: keras.Model, layers: Sequence[keras.layers.Layer]) -> str:
    """Returns layers in Python, by names that no other layer has; `layer` where there is none."""
    paths = layer_paths(model)
    names = [unambiguous_name(layer, paths) for layer in layers]
    sources = ["layer" if name is None else repr(name) for name in names]
    return sources[0] if len(sources) == 1 else f"[{', '.join(sources)}]"


def texts_source() -> str:
    """Returns texts in Python."""
    return "[" + ", ".join(f'"{text}"' for text in TEXTS) + "]"


def inputs_source(specs: Any) -> str:
    """Returns the nest of a model's inputs in Python, with a variable for each.

    Args:
        specs: of the inputs, a nest; None where they are not known.
    """
    if specs is None:
        return "inputs"
    paths = [path for path, _ in keras.tree.flatten_with_path(specs)]
    variables = dict(zip(paths, _variables(input_names(specs)), strict=True))

    def source(nest: Any, path: tuple[Any, ...]) -> str:
        if isinstance(nest, dict):
            entries = (f"{key!r}: {source(value, (*path, key))}" for key, value in nest.items())
            return "{" + ", ".join(entries) + "}"
        if isinstance(nest, list | tuple):
            items = [source(value, (*path, number)) for number, value in enumerate(nest)]
            return items[0] if len(items) == 1 else f"({', '.join(items)})"
        return variables[path]

    return source(specs, ())


def _variables(names: Sequence[str]) -> list[str]:
    """Returns variables for the inputs; Keras' own numbering is no name that a user gave."""
    variables = ["ids" if nests.is_unnamed(name) else _variable(name) for name in names]
    return [
        f"{name}_{number}" if variables.count(name) > 1 else name
        for number, name in enumerate(variables, start=1)
    ]


def _variable(name: str) -> str:
    """Returns a name as Python takes it."""
    plain = re.sub(r"\W", "_", printable(name))
    plain = plain if plain.isidentifier() else f"_{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) or plain in _TAKEN else plain
