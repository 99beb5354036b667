"""What the signatures take: the model's inputs as tensor specs, and examples as requests."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models import embeddings, inputs
from tf_salience.models.signature import Survey, survey
from tf_salience.models.text_model import TextModel


def surveyed(question: TextModel, input_signature: Any) -> tuple[Any, Survey]:
    """The model's inputs, a nest of tensor specs with names, and what a trace of it shows.

    Args:
        question: what is explained, and how.
        input_signature: what `model(inputs)` takes, a nest of `tf.TensorSpec` or
            `keras.InputSpec`; None: the model's own symbolic inputs, or what it was built on.

    Raises:
        ValueError: where this is not known, or the model cannot be traced on it.
    """
    model = question.model
    if input_signature is not None:
        return _traced(question, _named(keras.tree.map_structure(_spec, input_signature)))
    specs = embeddings.input_specs(model)
    if specs is None:
        raise ValueError(
            f"It is not known what the model {model.name!r} takes, since it has no symbolic "
            "inputs. Say it: `input_signature=`, a nest of tf.TensorSpec as `model(inputs)` takes "
            "it, such as tf.TensorSpec((None, 64), 'int32', name='ids')."
        )
    if not getattr(model, "inputs", None) and len(specs.shape) == 2:
        # It was built on sentences of one length; most models take any.
        try:
            return _traced(question, tf.TensorSpec((None, None), specs.dtype, specs.name))
        except ValueError:
            return _traced(question, specs)
    return _traced(question, _named(specs))


def opened(spec: tf.TensorSpec) -> tf.TensorSpec:
    """The spec with every dimension open: TensorFlow's own words on a wrong one name no input."""
    return tf.TensorSpec([None] * len(spec.shape), spec.dtype, spec.name)


def text_inputs(question: TextModel, specs: Any, seen: Survey) -> list[int]:
    """The numbers of the inputs that the tokenizer makes of texts.

    Raises:
        ValueError: if the embedded ids are no inputs of the model.
    """
    if (
        question.takes_text
        or question.tokens.to_ids is None
        or question.tokens.preprocess is not None
    ):
        return []  # A preprocessor makes more of a text than ids: a request has what it makes.
    flat = tf.nest.flatten(specs)
    if -1 in seen.sources:
        raise ValueError(
            "`tokenizer` takes texts, but the ids that are embedded are not an input of the model "
            f"{question.model.name!r} that texts could stand for; it takes "
            f"{', '.join(spec.name for spec in flat)}. Pass the vocabulary instead: "
            "`tokenizer=layer.get_vocabulary()`."
        )
    # A table smaller than the vocabulary (of segment ids, say) is not one of its words.
    words = len(question.tokens.vocabulary or ())
    pairs = zip(seen.sources, seen.tables, strict=True)
    found = sorted({source for source, rows in pairs if rows is None or rows >= words})
    if not found:
        raise ValueError(
            f"The `tokenizer` has a vocabulary of {words}, more than there are embeddings for: "
            f"{seen.tables}. Pass the tokenizer that the model was trained with."
        )
    return found


def example_request(
    question: TextModel, specs: Any, texts: Sequence[int], examples: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Examples, as an explainer takes them, as inputs by name: of the model, of the attributions.

    Raises:
        TypeError, ValueError: for examples that the model does not take.
    """
    given = inputs.arrays(examples)
    nest = inputs.prepare(
        given,
        question.model,
        takes_text=question.takes_text,
        encode=question.tokens.encode,
    )
    flat = tf.nest.flatten(specs)

    def in_order(leaves: Any) -> list[Any]:
        if isinstance(leaves, dict) and not isinstance(specs, dict):
            return [leaves[spec.name] for spec in flat]
        return tf.nest.flatten(leaves)

    of_model = [
        np.reshape(leaf, (-1,) if len(spec.shape) == 1 else (-1, 1))
        if spec.dtype == tf.string
        else np.asarray(leaf, spec.dtype.as_numpy_dtype)
        for leaf, spec in zip(in_order(nest), flat, strict=True)
    ]
    as_given = in_order(given)
    if not all(inputs.is_text(as_given[number]) for number in texts):
        raise TypeError(
            "`warm_up` must hold texts, which is what the exported `attributions` take with this "
            f"`tokenizer`. Received: {inputs.describe(given)}"
        )
    of_attributions = [
        np.reshape(as_given[number], -1) if number in texts else leaf
        for number, leaf in enumerate(of_model)
    ]
    names = [spec.name for spec in flat]
    return (
        dict(zip(names, of_model, strict=True)),
        dict(zip(names, of_attributions, strict=True)),
    )


def _traced(question: TextModel, specs: Any) -> tuple[Any, Survey]:
    try:
        return specs, survey(question, specs)
    except (ValueError, TypeError, tf.errors.OpError) as error:
        known = ", ".join(f"{spec.name}: {spec}" for spec in tf.nest.flatten(specs))
        raise ValueError(
            f"The model {question.model.name!r} cannot be traced on inputs of any batch size. "
            f"Received: {known}. Pass another `input_signature`. The model said: {error}"
        ) from error


def _spec(given: Any) -> tf.TensorSpec:
    known = isinstance(given, tf.TensorSpec | keras.InputSpec)
    if known and given.shape is not None and given.dtype is not None:
        # A server takes batches of any size.
        return tf.TensorSpec((None, *given.shape[1:]), given.dtype, given.name)
    raise TypeError(
        "`input_signature` must be a nest of tf.TensorSpec, or of keras.InputSpec with shape and "
        f"dtype. Received: {given!r} (of type {type(given).__name__})"
    )


def _named(specs: Any) -> Any:
    """The specs with a name each: their own, or that of their place."""
    names = [
        spec.name or (name.replace("/", "_") if name and not name.isdecimal() else f"inputs_{name}")
        for name, spec in inputs.paths(specs)
    ]
    names = [name.strip("_") for name in names]
    # TensorFlow takes `Ids` and `ids` for one name.
    lower = [name.lower() for name in names]
    plain = all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)
    if len(set(lower)) != len(names) or "target" in lower or not plain:
        raise ValueError(
            "The inputs of a signature need names that differ, of letters, digits and `_`, and "
            f"`target` is the name of what is explained. Received: {names}. Rename the model's "
            "inputs, or pass `input_signature` with names."
        )
    keys = [path for path, _ in inputs.paths(specs)]
    for key, name in zip(keys, names, strict=True):
        if key in names and key != name:
            raise ValueError(
                f"The input {name!r} has the key {key!r} in the model's dict of inputs, which is "
                "the name of another input; a request would take one for the other. Give each "
                "`keras.Input` its key as its name."
            )
    flat = [
        tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, (_, spec) in zip(names, inputs.paths(specs), strict=True)
    ]
    return keras.tree.pack_sequence_as(specs, flat)
