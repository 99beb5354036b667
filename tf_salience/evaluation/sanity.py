"""Whether a method notices that a model's weights are random (Adebayo et al. 2018, 1810.03292)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tf_salience.evaluation import rankings
from tf_salience.evaluation.arguments import ONE_CLASS
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation import Explanation
from tf_salience.models.embeddings import structure
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array


@dataclass(frozen=True, eq=False)
class Sanity:
    """Rank correlations with the scores of a copy whose weights were randomised.

    Attributes:
        correlations: by method `cascading`, of all layers from the output's to the one at hand, and
            `independent`, of the one at hand alone: (layers,) each, Spearman's, the mean over the
            examples.
        layers: their names, the output's first.
    """

    correlations: dict[str, dict[str, Array]]
    layers: list[str]


def check(explainers: Mapping[str, Explainer], inputs: Any, labels: Any, *, seed: int) -> Sanity:
    """Explains examples again and again as the weights of a copy of the model become random.

    Each array of weights is drawn anew from a normal distribution of its own mean and deviation.
    The explained classes stay those of the model as it is.

    Args:
        explainers: of one model, by name.
        inputs: of the examples.
        labels: of the examples, or None.
        seed: of the weights.

    Raises:
        ValueError: for a model that cannot be copied.
    """
    first = next(iter(explainers.values()))
    copy = _copy(first.model)
    layers = [
        layer for layer in reversed(structure.all_layers(copy)) if structure.own_weights(layer)
    ]
    trained = {layer: [w.numpy() for w in structure.own_weights(layer)] for layer in layers}
    correlations: dict[str, dict[str, Array]] = {}
    for name, explainer in explainers.items():
        before = explainer(inputs, labels)
        of_copy = _explainer_of(copy, explainer, before)
        generator = np.random.default_rng(seed)
        cascading, independent = [], []
        for layer in layers:
            _randomize(layer, generator)
            independent.append(_correlation(before, of_copy(inputs, labels)))
            _restore(layer, trained[layer])
        for layer in layers:
            _randomize(layer, generator)
            cascading.append(_correlation(before, of_copy(inputs, labels)))
        for layer in layers:
            _restore(layer, trained[layer])
        correlations[name] = {
            "cascading": np.array(cascading),
            "independent": np.array(independent),
        }
    return Sanity(correlations, [layer.name for layer in layers])


def _copy(model: keras.Model) -> keras.Model:
    """Returns a copy of a model with weights of its own, and the same values."""
    try:
        copy = _cloned(model)
        _copy_vocabularies(model, copy)
        if not copy.built:
            copy.build_from_config(model.get_build_config())
        copy.set_weights(model.get_weights())
    except Exception as error:
        # A model of the user's may raise anything where it is made anew.
        raise ValueError(
            "`randomization` needs a copy of the model, which is made by its `get_config` and "
            f"`from_config`. Received: {model.name!r}, which cannot be copied. Define them, and "
            f"`build`, or pass `randomization=0`. It said: {validation.format_error(error)}"
        ) from error
    return copy


def _cloned(model: keras.Model) -> keras.Model:
    """Clones a model; Keras refuses a `Lambda` of a Python lambda, as it may come from a file."""
    if not any(isinstance(layer, keras.layers.Lambda) for layer in structure.all_layers(model)):
        return keras.models.clone_model(model)

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.Lambda):
            return keras.layers.Lambda(layer.function, arguments=layer.arguments, name=layer.name)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=clone)


def _copy_vocabularies(model: keras.Model, copy: keras.Model) -> None:
    """Gives the copy's vectorizers the words that those of the model were adapted to."""
    kinds = (keras.layers.TextVectorization, keras.layers.StringLookup)
    vectorizers, twins = (
        [layer for layer in structure.all_layers(owner) if isinstance(layer, kinds)]
        for owner in (model, copy)
    )
    for layer, twin in zip(vectorizers, twins, strict=True):
        twin.set_vocabulary(layer.get_vocabulary(include_special_tokens=False))


def _explainer_of(copy: keras.Model, explainer: Explainer, before: Explanation) -> Explainer:
    """Returns the explainer of the copy, with the classes that were explained as its target."""
    arguments: dict[str, Any] = {**explainer.arguments, "model": copy}
    if arguments["embeddings"] is not None:
        named = arguments["embeddings"]
        several = named if isinstance(named, Sequence) and not isinstance(named, str) else [named]
        arguments["embeddings"] = [getattr(layer, "name", layer) for layer in several]
    target = explainer.target
    if isinstance(target, ONE_CLASS) and target.units == ("predicted",):
        classes = None if before.target is None else before.target.tolist()
        arguments["target"] = type(target)(classes)
    return Explainer(**arguments)


def _randomize(layer: keras.layers.Layer, generator: np.random.Generator) -> None:
    for weight in structure.own_weights(layer):
        values = weight.numpy()
        weight.assign(generator.normal(values.mean(), values.std(), values.shape))


def _restore(layer: keras.layers.Layer, values: Sequence[Array]) -> None:
    for weight, array in zip(structure.own_weights(layer), values, strict=True):
        weight.assign(array)


def _correlation(before: Explanation, after: Explanation) -> float:
    """Returns the mean rank correlation of the scores; scores without an order have none."""
    values = [
        rankings.spearman(a.scores, b.scores) or 0.0
        for a, b in zip(before, after, strict=True)
        if len(a.scores) > 1
    ]
    return float(np.mean(values)) if values else 0.0
