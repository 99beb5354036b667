"""`inspect`: prints what can be explained of a model, and the call that does it."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models.embeddings import structure
from tf_salience.models.embeddings.candidates import candidates
from tf_salience.models.embeddings.candidates_table import format_candidates
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.guides import Guide, guides, guides_without_embeddings
from tf_salience.models.inspection import Inspection, inspect_model
from tf_salience.models.printed_call import (
    call_source,
    inputs_source,
    layers_source,
    texts_source,
)
from tf_salience.models.target_offers import OutputTargets
from tf_salience.utils import validation
from tf_salience.utils.text import printable, printable_lines


def inspect(
    model: keras.Model,
    *,
    embeddings: Any = None,
    tokenizer: Any = None,
    output: str | int | None = None,
) -> None:
    """Prints what can be explained of a model.

    Prints the layers that turn ids into vectors and which of them are explained, their shapes, the
    masks, the outputs with their targets, a call to copy, and the guides of the documentation that
    fit the model. The model runs on made-up examples, so only targets that it accepts are listed.

    Args:
        model: a built `keras.Model`.
        embeddings: as `Explainer` takes it.
        tokenizer: as `Explainer` takes it.
        output: as `Explainer` takes it.

    Raises:
        TypeError: for a model that is not a Keras model.
        ValueError: for a model that is not built, or arguments that do not fit it.

    Example:
        >>> tfs.inspect(model)  # doctest: +ELLIPSIS
        Model 'reviews' (Sequential)
        ...
            explanation = explainer(["a text", "another text"])
            print(explanation[0])
        <BLANKLINE>
        Read on in the documentation
          docs/tutorials/text_classifier.md  Explain a Keras text classifier
    """
    print(report(model, embeddings=embeddings, tokenizer=tokenizer, output=output))


def report(
    model: keras.Model,
    *,
    embeddings: Any = None,
    tokenizer: Any = None,
    output: str | int | None = None,
) -> str:
    """Returns the text that `inspect` prints."""
    head = f"Model {model.name!r} ({type(model).__name__})" if hasattr(model, "name") else ""
    try:
        inspection = inspect_model(model, embeddings=embeddings, tokenizer=tokenizer, output=output)
    except ValueError as error:
        told = any(argument is not None for argument in (embeddings, tokenizer, output))
        if told or not getattr(model, "built", False):
            raise
        return printable_lines(f"{head}\n\n{error}\n\n{_read_on(guides_without_embeddings())}")
    call = _call(
        inspection,
        output,
        is_named=embeddings is not None or bool(inspection.doubt),
        has_tokenizer=tokenizer is not None,
    )
    sections = [
        ("Inputs", _inputs(inspection)),
        ("Layers that turn ids into vectors", _layers(inspection)),
        ("Outputs", _outputs(inspection)),
        ("It cannot be explained", f"  {inspection.refusal}")
        if inspection.refusal
        else ("To explain it", call),
    ]
    parts = [head, *(f"{title}\n{body}" for title, body in sections), _read_on(guides(inspection))]
    return printable_lines("\n\n".join(parts))


def _read_on(pages: Sequence[Guide]) -> str:
    """Returns the pages of the documentation to read next."""
    return "\n".join(["Read on in the documentation", *(f"  {page}" for page in pages)])


def _inputs(inspection: Inspection) -> str:
    lines = ["  not known: the model has no symbolic inputs; call `explain` on what it takes"]
    if inspection.specs is not None:
        rows = [
            (spec.name, spec.dtype.name, tuple(spec.shape))
            for spec in tf.nest.flatten(inspection.specs)
        ]
        lines = [validation.format_table(("name", "dtype", "shape"), rows)]
    batch_size = structure.fixed_batch_size(inspection.model.model)
    if batch_size is not None:
        lines.append(f"  Takes batches of {batch_size}.")
    if inspection.takes_texts:
        lines.append("  Texts go in as they are.")
    return "\n".join([*lines, *_vocabularies(inspection)])


def _vocabularies(inspection: Inspection) -> list[str]:
    """Returns lines on how the tokens of each segment are shown."""
    segments = [] if inspection.signature is None else inspection.signature.shown
    tokenizers = [segment.tokenizer for segment in segments] or [inspection.model.tokenizer]
    sizes = [len(tokenizer.vocabulary or ()) for tokenizer in tokenizers]
    if len(set(sizes)) > 1:
        return [
            f"  {segment.name}: {f'a vocabulary of {size}' if size else 'ids, shown as numbers'}."
            for segment, size in zip(segments, sizes, strict=True)
        ]
    if sizes[0]:
        return [f"  Tokens are shown by a vocabulary of {sizes[0]}."]
    by_name = ""
    if len({segment.layer for segment in segments}) > 1:
        by_name = "{" + ", ".join(f"{segment.name!r}: ..." for segment in segments) + "}"
    return [f"  Ids are shown as numbers: pass `tokenizer={by_name}` to see words."]


def _layers(inspection: Inspection) -> str:
    model, signature = inspection.model, inspection.signature
    explained = model.hooked.layers
    listed = candidates(model.model)
    lines = [format_candidates(listed, explained=explained)]
    embedders = [candidate.layer for candidate in listed]
    lines += [f"  * {layer.path}" for layer in explained if layer not in embedders]
    lines += (
        ["  * is proposed.", f"  {inspection.doubt}"] if inspection.doubt else ["  * is explained."]
    )
    if signature is not None:
        segments = [printable(segment.name) for segment in signature.shown]
        lines.append(f"  Segments: {', '.join(segments)}.")
        lines.append(f"  Padding: {_padding(inspection, signature)}.")
    return "\n".join(lines)


def _padding(inspection: Inspection, signature: ForwardPass) -> str:
    masks = inspection.mask_inputs
    if all(segment.is_masked_by_layer for segment in signature.segments):
        return "masked by Keras"
    if masks:
        return f"masked by the input{'s' * (len(masks) > 1)} {', '.join(masks)}"
    pad_ids = {segment.tokenizer.pad_id for segment in signature.segments} - {None}
    if pad_ids:
        ids = ", ".join(map(str, sorted(pad_ids)))
        return f"id {ids}, by the tokenizer; the model masks nothing"
    return "no mask was seen; pass `pad_id=` so that it is left out of what is shown"


def _outputs(inspection: Inspection) -> str:
    if inspection.signature is None:
        return "  not known before the model is run"
    lines = []
    for output in inspection.outputs:
        name = "" if output.key is None else f"{output.key}: "
        lines.append(f"  {name}{output.spec.dtype.name} {tuple(output.spec.shape)}")
        if output.key is not None:
            lines.append(f"    output={output.key!r}")
        lines += [f"    {offer}" for offer in output.offers]
    return "\n".join(lines)


def _call(
    inspection: Inspection, output: str | int | None, *, is_named: bool, has_tokenizer: bool
) -> str:
    """Returns the call to copy, with the arguments of `inspect` and what it proposes."""
    explained = _explained_output(inspection, output)
    arguments = []
    if is_named:
        layers = inspection.model.hooked.layers
        arguments.append(f"embeddings={layers_source(inspection.model.model, layers)}")
    if has_tokenizer:
        arguments.append("tokenizer=tokenizer")
    key = output if output is not None or explained is None else explained.key
    if key is not None:
        arguments.append(f"output={key!r}")
    if explained is not None and explained.offers[0].target != "predicted":
        arguments.append(f"target={explained.offers[0].source}")
    inputs = texts_source() if inspection.takes_texts else inputs_source(inspection.specs)
    return call_source(arguments, inputs)


def _explained_output(inspection: Inspection, output: str | int | None) -> OutputTargets | None:
    """Returns the output that the user chose, or the first that has a target."""
    outputs = [candidate for candidate in inspection.outputs if candidate.offers]
    if output is not None and inspection.signature is not None:
        chosen = inspection.model.select_output(inspection.signature.outputs)
        outputs = [candidate for candidate in outputs if candidate.spec is chosen]
    return next(iter(outputs), None)
