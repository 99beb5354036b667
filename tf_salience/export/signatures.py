"""The inputs of the signatures: the model's, as tensor specs, and examples as requests."""

import re
from collections.abc import Collection
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models import inputs as model_inputs
from tf_salience.models import nests
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.embeddings.structure import input_specs
from tf_salience.models.signature import trace_signature
from tf_salience.models.text_model import TextModel
from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation


def trace(model: TextModel, input_signature: Any) -> tuple[Any, ForwardPass]:
    """Returns the model's inputs, a nest of tensor specs with names, and its signature.

    Args:
        model: the model.
        input_signature: the inputs of `model(inputs)`, a nest of `tf.TensorSpec` or
            `keras.InputSpec`; None: the model's own symbolic inputs, or those it was built on.

    Raises:
        ValueError: where this is not known, or the model cannot be traced on it.
    """
    if input_signature is not None:
        return _traced(model, _named(keras.tree.map_structure(_spec, input_signature)))
    specs = input_specs(model.model)
    if specs is None:
        raise ValueError(
            f"The inputs of the model {model.model.name!r} are not known, since it has no symbolic "
            "inputs. Pass `input_signature=`, a nest of tf.TensorSpec as `model(inputs)` takes it, "
            "such as tf.TensorSpec((None, 64), 'int32', name='ids')."
        )
    if not getattr(model.model, "inputs", None) and len(specs.shape) == 2:
        # It was built on sentences of one length; most models take any.
        try:
            return _traced(model, tf.TensorSpec((None, None), specs.dtype, specs.name))
        except ValueError:
            return _traced(model, specs)
    return _traced(model, _named(specs))


def opened(spec: tf.TensorSpec) -> tf.TensorSpec:
    """Opens every dimension of a spec: TensorFlow's own error on a wrong one names no input."""
    return tf.TensorSpec([None] * len(spec.shape), spec.dtype, spec.name)


def text_inputs(model: TextModel, specs: Any, signature: ForwardPass) -> dict[int, Tokenizer]:
    """Returns the tokenizers of the inputs that come as texts, by the number of the input.

    Raises:
        ValueError: if the embedded ids are no inputs of the model, or other than the tokenizer's.
    """
    tokenizers, names = model.tokenizers, nests.aliases(model.model, specs)
    tokenizers.check(signature.shown, names)
    if model.takes_text or model.tokenizer.preprocess is not None:
        return {}  # A preprocessor makes more of a text than ids: a request has its outputs.
    by_input = {
        number: tokenizers.of_input(aliases)
        for number, aliases in enumerate(names)
        if tokenizers.of_input(aliases) is not tokenizers.default
    }
    for segment in signature.segments:
        if segment.source >= 0:
            by_input[segment.source] = segment.tokenizer
        elif segment.tokenizer.to_ids is not None:
            inputs = [spec.name for spec in tf.nest.flatten(specs)]
            raise ValueError(
                "`tokenizer` lets texts replace an input of ids, but the embedded ids are not an "
                f"input of the model {model.model.name!r}, which takes "
                f"{validation.format_value(inputs)}. Pass the vocabulary instead: "
                "`tokenizer=layer.get_vocabulary()`."
            )
    return {number: by_input[number] for number in sorted(by_input) if by_input[number].to_ids}


def example_requests(
    model: TextModel, specs: Any, text_inputs: Collection[int], examples: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Turns examples, as an explainer takes them, into requests: inputs by name.

    Returns:
        A request of the model, and one of the attributions.

    Raises:
        TypeError, ValueError: for examples that the model does not take.
    """
    nest = nests.to_arrays(examples)
    encoded = _in_order(model_inputs.encode(model, nest), specs)
    flat = tf.nest.flatten(specs)
    of_model = [
        np.reshape(leaf, (-1,) if len(spec.shape) == 1 else (-1, 1))
        if spec.dtype == tf.string
        else np.asarray(leaf, spec.dtype.as_numpy_dtype)
        for leaf, spec in zip(encoded, flat, strict=True)
    ]
    leaves = _in_order(nest, specs)
    if not all(nests.is_text(leaves[number]) for number in text_inputs):
        raise TypeError(
            "`warm_up` must hold texts, which is what the exported `attributions` take with this "
            f"`tokenizer`. Received: {nests.describe(nest)}"
        )
    of_attributions = [
        np.reshape(leaves[number], -1) if number in text_inputs else leaf
        for number, leaf in enumerate(of_model)
    ]
    names = [spec.name for spec in flat]
    return (
        dict(zip(names, of_model, strict=True)),
        dict(zip(names, of_attributions, strict=True)),
    )


def _in_order(nest: Any, specs: Any) -> list[Any]:
    """Returns the arrays of a nest in the order of the specs."""
    if isinstance(nest, dict) and not isinstance(specs, dict):
        return [nest[spec.name] for spec in tf.nest.flatten(specs)]
    return tf.nest.flatten(nest)


def _traced(model: TextModel, specs: Any) -> tuple[Any, ForwardPass]:
    try:
        return specs, trace_signature(model, specs)
    except (ValueError, TypeError, tf.errors.OpError) as error:
        described = ", ".join(f"{spec.name}: {spec}" for spec in tf.nest.flatten(specs))
        raise ValueError(
            f"The model {model.model.name!r} cannot be traced on inputs of any batch size. "
            f"Received: {validation.format_value(described)}. Pass another `input_signature`. The "
            f"model said: {validation.format_error(error)}"
        ) from error


def _spec(spec: Any) -> tf.TensorSpec:
    is_spec = isinstance(spec, tf.TensorSpec | keras.InputSpec)
    if is_spec and spec.shape is not None and spec.dtype is not None:
        # A server takes batches of any size.
        return tf.TensorSpec((None, *spec.shape[1:]), spec.dtype, spec.name)
    raise TypeError(
        "`input_signature` must be a nest of tf.TensorSpec, or of keras.InputSpec with shape and "
        f"dtype. Received: {validation.format_value(spec)} (of type {type(spec).__name__})"
    )


def _named(specs: Any) -> Any:
    """Gives each spec a name: its own, or that of its place in the nest."""
    names = [
        spec.name or (name.replace("/", "_") if name and not name.isdecimal() else f"inputs_{name}")
        for name, spec in nests.paths(specs)
    ]
    names = [name.strip("_") for name in names]
    # TensorFlow takes `Ids` and `ids` for one name.
    lower = [name.lower() for name in names]
    plain = all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)
    if len(set(lower)) != len(names) or "target" in lower or not plain:
        raise ValueError(
            "The inputs of a signature must have different names, of letters, digits and `_`, "
            "other than `target`, the name of the explained class. Received: "
            f"{validation.format_value(names)}. Rename the model's inputs, or pass "
            "`input_signature` with names."
        )
    keys = [path for path, _ in nests.paths(specs)]
    for key, name in zip(keys, names, strict=True):
        if key in names and key != name:
            raise ValueError(
                f"The input {name!r} has the key {key!r} in the model's dict of inputs, which is "
                "the name of another input, so a request could mean either. Give each "
                "`keras.Input` its key as its name."
            )
    flat = [
        tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, (_, spec) in zip(names, nests.paths(specs), strict=True)
    ]
    return keras.tree.pack_sequence_as(specs, flat)
