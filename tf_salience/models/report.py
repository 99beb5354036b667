"""`inspect`: prints what can be explained of a model, and the call that does it."""

import keyword
import re
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models import nests
from tf_salience.models.embeddings.candidates import candidates
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.embeddings.structure import input_specs
from tf_salience.models.segments import MASK_INPUTS
from tf_salience.models.signature import trace_signature
from tf_salience.models.text_model import TextModel
from tf_salience.utils import validation
from tf_salience.utils.text import printable, printable_lines


def inspect(model: keras.Model, *, embeddings: Any = None, tokenizer: Any = None) -> None:
    """Prints what can be explained of a model.

    The layers that turn ids into vectors and the one that is taken for that of the tokens, their
    shapes, the masks, the outputs with the targets that they have, and a call to copy.

    Args:
        model: a built `keras.Model`.
        embeddings: as `Explainer` takes it.
        tokenizer: as `Explainer` takes it.

    Raises:
        TypeError: for a model that is not a Keras model.
        ValueError: for a model that is not built.
    """
    print(report(model, embeddings=embeddings, tokenizer=tokenizer))


def report(model: keras.Model, *, embeddings: Any = None, tokenizer: Any = None) -> str:
    """Returns the text that `inspect` prints."""
    head = f"Model {model.name!r} ({type(model).__name__})" if hasattr(model, "name") else ""
    try:
        text_model = TextModel.from_arguments(model, embeddings=embeddings, tokenizer=tokenizer)
        specs = input_specs(model)
        signature = None if specs is None else trace_signature(text_model, specs)
    except ValueError as error:
        if embeddings is not None or not getattr(model, "built", False):
            raise
        return printable_lines(f"{head}\n\n{error}")
    sections = [
        ("Inputs", _inputs(text_model, specs)),
        ("Layers that turn ids into vectors", _layers(text_model, signature)),
        ("Outputs", _outputs(text_model, signature)),
        ("To explain it", _call(text_model, specs, signature)),
    ]
    return printable_lines("\n\n".join([head, *(f"{title}\n{body}" for title, body in sections)]))


def _inputs(model: TextModel, specs: Any) -> str:
    tokenizer = model.tokenizer
    lines = ["  not known: the model has no symbolic inputs; call `explain` on what it takes"]
    if specs is not None:
        rows = [(spec.name, spec.dtype.name, tuple(spec.shape)) for spec in tf.nest.flatten(specs)]
        lines = [validation.format_table(("name", "dtype", "shape"), rows)]
    if model.takes_text or tokenizer.preprocess is not None:
        lines.append("  Texts go in as they are.")
    if tokenizer.vocabulary is not None:
        lines.append(f"  Tokens are shown by a vocabulary of {len(tokenizer.vocabulary)}.")
    else:
        lines.append("  Ids are shown as numbers: pass `tokenizer=` to see words.")
    return "\n".join(lines)


def _layers(model: TextModel, signature: ForwardPass | None) -> str:
    explained = model.hooked.layers
    rows = [
        (
            "*" if candidate.layer in explained else "",
            candidate.layer.name,
            "?" if candidate.vocabulary_size is None else candidate.vocabulary_size,
            "?" if candidate.shape is None else str(candidate.shape),
            candidate.reason,
        )
        for candidate in candidates(model.model)
    ]
    names = [row[1] for row in rows]
    rows += [("*", layer.name, "", "", "") for layer in explained if layer.name not in names]
    table = validation.format_table(("", "name", "vocabulary", "gives", "not tokens, since"), rows)
    lines = [table, "  * is explained."]
    if signature is not None:
        segments = [printable(segment.name) for segment in signature.shown]
        lines.append(f"  Segments: {', '.join(segments)}.")
        lines.append(f"  Padding: {_padding(model, signature)}.")
    return "\n".join(lines)


def _padding(model: TextModel, signature: ForwardPass) -> str:
    names = [spec.name for spec in tf.nest.flatten(input_specs(model.model))]
    masks = [name for name in names if name.endswith(MASK_INPUTS)]
    if all(segment.is_masked_by_layer for segment in signature.segments):
        return "masked by Keras"
    if masks:
        return f"masked by the input{'s' * (len(masks) > 1)} {', '.join(masks)}"
    if model.tokenizer.pad_id is not None:
        return f"id {model.tokenizer.pad_id}, by the tokenizer; the model masks nothing"
    return "no mask was seen; pass `pad_id=` so that it is left out of what is shown"


def _outputs(model: TextModel, signature: ForwardPass | None) -> str:
    if signature is None:
        return "  not known before the model is run"
    outputs = nests.paths(signature.outputs)
    lines = []
    for name, spec in outputs:
        lines.append(f"  {f'{name}: ' if name else ''}{spec.dtype.name} {tuple(spec.shape)}")
        if len(outputs) > 1:
            lines.append(f"    output={_key(name)!r}")
        lines += [f"    target={target}" for target in _targets(model, signature, spec)]
    return "\n".join(lines)


def _targets(model: TextModel, signature: ForwardPass, spec: Any) -> list[str]:
    """Lists the targets of one output; the first is that of the call to copy."""
    sizes = spec.shape[1:]
    if len(sizes) == 0 or (len(sizes) == 1 and sizes[0] == 1):
        return ['"predicted"  (the unit itself)']
    if len(sizes) == 1:
        probabilities = [] if model.ends_in_probabilities else ["tfs.targets.Probability()"]
        return [
            '"predicted"',
            f"0 to {sizes[0] - 1}, or a name with class_names=" if sizes[0] else "a class index",
            '"label"  (with labels=)',
            "tfs.targets.Margin(0, 1)",
            *probabilities,
        ]
    preprocess = model.tokenizer.preprocess
    tables = [getattr(segment.layer, "input_dim", None) for segment in signature.segments]
    if len(sizes) == 2 and sizes[1] in tables and (preprocess is None or preprocess.predicts):
        text = [] if preprocess is None else ['tfs.targets.Span(" a continuation")']
        return [*text, "tfs.targets.Span(start=-1)  (the last token; a language model)"]
    if len(sizes) == 2:
        return ["tfs.targets.Position(0)  (the first token's tag)"]
    return ["lambda outputs: ...  (to (batch,))"]


def _call(model: TextModel, specs: Any, signature: ForwardPass | None) -> str:
    arguments = ["model"]
    if signature is not None:
        outputs = nests.paths(signature.outputs)
        name, spec = outputs[0]
        if len(outputs) > 1:
            arguments.append(f"output={_key(name)!r}")
        target = _targets(model, signature, spec)[0].partition("  (")[0]
        if target != '"predicted"':
            arguments.append(f"target={target}")
    return (
        "    import tf_salience as tfs\n\n"
        f"    explainer = tfs.Explainer({', '.join(arguments)})\n"
        f"    explanation = explainer({_example_inputs(model, specs)})\n"
        "    print(explanation[0])"
    )


def _example_inputs(model: TextModel, specs: Any) -> str:
    flat = [] if specs is None else tf.nest.flatten(specs)
    single_text = len(flat) == 1 and model.takes_text and flat[0].shape[1:] in ([], [1])
    if model.tokenizer.preprocess is not None or single_text:
        return '["a text", "another"]'
    if isinstance(specs, dict):
        return "{" + ", ".join(f"{key!r}: {_variable(key)}" for key in specs) + "}"
    if not flat:
        return "inputs"
    names = _variables([spec.name for spec in flat])
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _variables(names: list[str]) -> list[str]:
    """Returns variables for the inputs; Keras' own numbering is no name that a user gave."""
    variables = [
        "ids" if name.startswith(("keras_tensor", "input_layer")) else _variable(name)
        for name in names
    ]
    return [
        f"{name}_{number}" if variables.count(name) > 1 else name
        for number, name in enumerate(variables, start=1)
    ]


def _variable(name: str) -> str:
    """Returns a name as Python takes it."""
    plain = re.sub(r"\W", "_", str(name))
    return f"{plain}_" if keyword.iskeyword(plain) or not plain.isidentifier() else plain


def _key(name: str) -> str | int:
    """Returns the key of an output: its number in a list, or its path."""
    return int(name) if name.isdigit() else name
