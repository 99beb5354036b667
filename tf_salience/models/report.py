"""`inspect`: what of a model can be explained, and the call that does it."""

import keyword
import re
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models import embeddings as tap
from tf_salience.models import inputs, segments
from tf_salience.models.signature import Survey, survey
from tf_salience.models.text_model import TextModel, ask
from tf_salience.utils import validation


def inspect(model: keras.Model, *, embeddings: Any = None, tokenizer: Any = None) -> None:
    """Prints what of a model can be explained.

    Which layers turn ids into vectors and which is taken for that of the tokens, their shapes, the
    masks that were seen, the outputs with the targets that they have, and a call to copy.

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
    """What `inspect` prints."""
    try:
        question = ask(model, "gradient_norm", embeddings=embeddings, tokenizer=tokenizer)
        specs = tap.input_specs(model)
        seen = None if specs is None else survey(question, specs)
    except ValueError as error:
        if embeddings is not None or not getattr(model, "built", False):
            raise
        return f"Model {model.name!r} ({type(model).__name__})\n\n{error}"
    sections = [
        ("Inputs", _inputs(question, specs)),
        ("Layers that turn ids into vectors", _layers(question, seen)),
        ("Outputs", _outputs(question, seen)),
        ("To explain it", _call(question, specs, seen)),
    ]
    head = f"Model {model.name!r} ({type(model).__name__})"
    return "\n\n".join([head, *(f"{title}\n{body}" for title, body in sections)])


def _inputs(question: TextModel, specs: Any) -> str:
    tokens = question.tokens
    lines = ["  not known: the model has no symbolic inputs; call `explain` on what it takes"]
    if specs is not None:
        rows = [(spec.name, spec.dtype.name, _shape(spec)) for spec in tf.nest.flatten(specs)]
        lines = [validation.format_table(("name", "dtype", "shape"), rows)]
    if question.takes_text or tokens.preprocess is not None:
        lines.append("  Texts go in as they are.")
    if tokens.vocabulary is not None:
        lines.append(f"  Tokens are shown by a vocabulary of {len(tokens.vocabulary)}.")
    else:
        lines.append("  Ids are shown as numbers: pass `tokenizer=` to see words.")
    return "\n".join(lines)


def _layers(question: TextModel, seen: Survey | None) -> str:
    taken = question.tap.layers
    rows = [
        (
            "*" if one.layer in taken else "",
            one.layer.name,
            "?" if one.rows is None else one.rows,
            "?" if one.shape is None else str(one.shape),
            one.why_not,
        )
        for one in tap.candidates(question.model)
    ]
    rows += [
        ("*", layer.name, "", "", "")
        for layer in taken
        if layer.name not in [row[1] for row in rows]
    ]
    table = validation.format_table(("", "name", "vocabulary", "gives", "not tokens, since"), rows)
    lines = [table, "  * is explained."]
    if seen is not None:
        lines.append(f"  Segments: {', '.join(seen.names)}.")
        lines.append(f"  Padding: {_padding(question, seen)}.")
    return "\n".join(lines)


def _padding(question: TextModel, seen: Survey) -> str:
    names = [spec.name for spec in tf.nest.flatten(tap.input_specs(question.model))]
    given = [name for name in names if name.endswith(segments.MASK_INPUTS)]
    if all(seen.masked):
        return "masked by Keras"
    if given:
        return f"masked by the input{'s' * (len(given) > 1)} {', '.join(given)}"
    if question.tokens.pad_id is not None:
        return f"id {question.tokens.pad_id}, by the tokenizer; the model masks nothing"
    return "no mask was seen; pass `pad_id=` so that it is left out of what is shown"


def _outputs(question: TextModel, seen: Survey | None) -> str:
    if seen is None:
        return "  not known before the model is run"
    named = inputs.paths(seen.outputs)
    several = len(named) > 1
    lines = []
    for name, spec in named:
        key = int(name) if name.isdigit() else name
        lines.append(f"  {f'{name}: ' if name else ''}{spec.dtype.name} {_shape(spec)}")
        if several:
            lines.append(f"    output={key!r}")
        lines += [f"    target={target}" for target in _targets(question, seen, spec)]
    return "\n".join(lines)


def _targets(question: TextModel, seen: Survey, spec: Any) -> list[str]:
    """The targets of one output, the first one that of the worked call."""
    sizes = spec.shape[1:]
    if len(sizes) == 0 or (len(sizes) == 1 and sizes[0] == 1):
        return ['"predicted"  (the unit itself)']
    if len(sizes) == 1:
        probabilities = [] if question.activated else ["tfs.targets.Probability()"]
        return [
            '"predicted"',
            f"0 to {sizes[0] - 1}, or a name with class_names=" if sizes[0] else "a class index",
            '"label"  (with labels=)',
            "tfs.targets.Margin(0, 1)",
            *probabilities,
        ]
    pack = question.tokens.preprocess
    if len(sizes) == 2 and sizes[1] in seen.tables and (pack is None or pack.predicts):
        text = [] if pack is None else ['tfs.targets.Span(" a continuation")']
        return [*text, "tfs.targets.Span(start=-1)  (the last token; a language model)"]
    if len(sizes) == 2:
        return ["tfs.targets.Position(0)  (the first token's tag)"]
    return ["lambda outputs: ...  (to (batch,))"]


def _call(question: TextModel, specs: Any, seen: Survey | None) -> str:
    arguments = ["model"]
    if seen is not None:
        name, spec = inputs.paths(seen.outputs)[0]
        if len(inputs.paths(seen.outputs)) > 1:
            arguments.append(f"output={int(name) if name.isdigit() else name!r}")
        target = _targets(question, seen, spec)[0].partition("  (")[0]
        if target != '"predicted"':
            arguments.append(f"target={target}")
    flat = [] if specs is None else tf.nest.flatten(specs)
    single_text = len(flat) == 1 and question.takes_text and flat[0].shape[1:] in ([], [1])
    if question.tokens.preprocess is not None or single_text:
        given = '["a text", "another"]'
    elif isinstance(specs, dict):
        given = "{" + ", ".join(f"{key!r}: {_variable(key)}" for key in specs) + "}"
    elif flat:
        names = _variables([spec.name for spec in flat])
        given = names[0] if len(names) == 1 else f"({', '.join(names)})"
    else:
        given = "inputs"
    return (
        "    import tf_salience as tfs\n\n"
        f"    explainer = tfs.Explainer({', '.join(arguments)})\n"
        f"    explanation = explainer({given})\n"
        "    print(explanation[0])"
    )


def _variables(names: list[str]) -> list[str]:
    """Variables for the inputs; Keras' own counting is no name that a user gave."""
    plain = [
        "ids" if name.startswith(("keras_tensor", "input_layer")) else _variable(name)
        for name in names
    ]
    return [
        f"{name}_{place}" if plain.count(name) > 1 else name
        for place, name in enumerate(plain, start=1)
    ]


def _variable(name: str) -> str:
    """A name as Python takes it."""
    plain = re.sub(r"\W", "_", str(name))
    return f"{plain}_" if keyword.iskeyword(plain) or not plain.isidentifier() else plain


def _shape(spec: Any) -> str:
    return str(tuple(spec.shape))
