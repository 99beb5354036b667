"""The guides of the documentation that fit what `inspect` found in a model."""

import enum
from collections.abc import Iterator
from typing import Any

import keras

from tf_salience import targets
from tf_salience.models.inspection import Inspection


class Guide(enum.Enum):
    """A page of the documentation: its title and its file."""

    FIRST_STEPS = ("Explain a Keras text classifier", "docs/tutorials/text_classifier.md")
    KERAS_HUB = ("Fine-tune a KerasHub model and look at it", "docs/tutorials/hub.md")
    LANGUAGE_MODEL = ("Explain a language model's answer", "docs/tutorials/language_model.md")
    OWN_EMBEDDINGS = (
        "How do I explain a model with its own embedding layer?",
        "docs/own_embeddings.md",
    )
    PAIRS_AND_OUTPUTS = (
        "How do I explain pairs, taggers and several outputs?",
        "docs/pairs_and_outputs.md",
    )
    MODELS = ("Any Keras text model", "docs/models.md")

    def __str__(self) -> str:
        title, file = self.value
        return f"{file}  {title}"


def guides(inspection: Inspection) -> list[Guide]:
    """Returns the guides for a model that was inspected, the most special first."""
    if inspection.refusal:
        return [Guide.MODELS]
    return list(dict.fromkeys(_fitting(inspection))) or [Guide.FIRST_STEPS]


def guides_without_embeddings() -> list[Guide]:
    """Returns the guides for a model in which no embedding layer was found."""
    return [Guide.OWN_EMBEDDINGS, Guide.MODELS]


def _fitting(inspection: Inspection) -> Iterator[Guide]:
    offers = [offer.target for output in inspection.outputs for offer in output.offers]
    is_language_model = any(isinstance(target, targets.Span) for target in offers)
    if is_language_model:
        yield Guide.LANGUAGE_MODEL
    elif _is_of_keras_hub(inspection.model.model):
        yield Guide.KERAS_HUB
    layers = inspection.model.hooked.layers
    if inspection.doubt or not all(isinstance(layer, keras.layers.Embedding) for layer in layers):
        yield Guide.OWN_EMBEDDINGS
    signature = inspection.signature
    is_tagger = any(isinstance(target, targets.Position) for target in offers)
    has_segments = signature is not None and len(signature.shown) > 1
    if has_segments or len(inspection.outputs) > 1 or (is_tagger and not is_language_model):
        yield Guide.PAIRS_AND_OUTPUTS


def _is_of_keras_hub(model: Any) -> bool:
    """True for a model of one of KerasHub's classes, or of a class made from one."""
    return any(kind.__module__.partition(".")[0] == "keras_hub" for kind in type(model).__mro__)
