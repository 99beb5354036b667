"""`Inspection`: what is known of a model before it is explained, for `inspect` to print."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models import nests, trial
from tf_salience.models.embeddings import structure
from tf_salience.models.embeddings.find import likeliest
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.embeddings.hooked_model import HookedModel
from tf_salience.models.input_checks import check_stateless
from tf_salience.models.signature import trace_signature
from tf_salience.models.target_offers import OutputTargets, output_targets
from tf_salience.models.text_model import TextModel
from tf_salience.models.trial import Trial
from tf_salience.utils import validation


@dataclass(frozen=True)
class Inspection:
    """What is known of a model before it is explained.

    Attributes:
        model: the model, with the layers that are explained or proposed.
        specs: of its inputs, a nest; None where they are not known.
        signature: of the model; None where it is not known.
        outputs: with their targets; [] where the signature is not known.
        takes_texts: whether texts go in as a user may pass them.
        mask_inputs: the names of the inputs that tell which tokens are padding.
        doubt: why the layers are only proposed, and how to name them; "" for no doubt.
        refusal: why the model cannot be explained, and what to do; "" where it can.
    """

    model: TextModel
    specs: Any
    signature: ForwardPass | None
    outputs: Sequence[OutputTargets]
    takes_texts: bool
    mask_inputs: Sequence[str]
    doubt: str
    refusal: str


def inspect_model(
    model: keras.Model,
    *,
    embeddings: Any = None,
    tokenizer: Any = None,
    output: str | int | None = None,
) -> Inspection:
    """Looks at a model, traces it, and runs it on examples made up for it.

    Args:
        model: a built `keras.Model`.
        embeddings: as `Explainer` takes it.
        tokenizer: as `Explainer` takes it.
        output: as `Explainer` takes it.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for a model without embeddings, or an argument that does not fit it.
    """
    text_model, doubt = _text_model(model, embeddings, tokenizer=tokenizer, output=output)
    specs = structure.input_specs(model, structure.fixed_batch_size(model))
    signature, error = _signature(text_model, specs)
    if error is not None and text_model.hooked.guessed:
        # Ids that no embedding layer reads make a guess doubtful.
        named = replace(text_model, hooked=HookedModel(model, text_model.hooked.layers))
        signature, error_of_named = _signature(named, specs)
        if error_of_named is None:
            text_model, doubt, error = named, _doubt(error), None
    if signature is not None:
        text_model.tokenizers.check(signature.shown, nests.aliases(model, specs))
    tried = trial.on_texts(text_model) or trial.on_arrays(text_model, specs)
    if signature is None and tried is not None:
        signature = _signature_of(tried)
    if signature is None and isinstance(error, ValueError) and embeddings is not None:
        raise error
    outputs = [] if signature is None else output_targets(text_model, signature, tried)
    refusal = "" if error is None or signature is not None else validation.format_error(error)
    return Inspection(
        model=text_model,
        specs=specs,
        signature=signature,
        outputs=outputs,
        takes_texts=text_model.takes_text if tried is None else tried.takes_texts,
        mask_inputs=() if tried is None else tried.mask_inputs,
        doubt=doubt,
        refusal=_state(model) or refusal or _missing_gradient(outputs),
    )


def _text_model(model: keras.Model, embeddings: Any, **arguments: Any) -> tuple[TextModel, str]:
    """Returns the model, and why its layers are only proposed."""
    try:
        return TextModel.from_arguments(model, embeddings=embeddings, **arguments), ""
    except ValueError as error:
        may_propose = embeddings is None and model.built
        proposed = likeliest(model) if may_propose else []
        if not proposed:
            raise
        return TextModel.from_arguments(model, embeddings=proposed, **arguments), _doubt(error)


def _doubt(error: Exception) -> str:
    """Returns the message of an error without what was received: the report shows that."""
    return str(error).partition(" Received: ")[0]


def _signature(model: TextModel, specs: Any) -> tuple[ForwardPass | None, Exception | None]:
    """Returns the signature of a model, or the error with which it cannot be traced."""
    if specs is None:
        return None, None
    try:
        return trace_signature(model, specs), None
    except Exception as error:  # a user's own code may raise anything on open shapes
        return None, error


def _signature_of(tried: Trial) -> ForwardPass:
    """Returns the signature as far as a run shows it: its sizes are those of the examples."""
    return replace(
        tried.forward,
        outputs=tf.nest.map_structure(
            lambda output: tf.TensorSpec((None, *output.shape[1:]), output.dtype),
            tried.forward.outputs,
        ),
    )


def _state(model: keras.Model) -> str:
    """Returns why a model with state from batch to batch cannot be explained; "" for others."""
    try:
        check_stateless(model)
    except ValueError as error:
        return str(error)
    return ""


def _missing_gradient(outputs: Sequence[OutputTargets]) -> str:
    """Returns why outputs without a target cannot be explained; "" for others."""
    if not outputs or any(output.offers for output in outputs):
        return ""
    dtypes = sorted({output.spec.dtype.name for output in outputs})
    return (
        f"Its outputs are {', '.join(dtypes)}, which have no gradient. Explain the model that "
        "gives the scores from which they are made."
    )
