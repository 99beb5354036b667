"""From examples of a `LitModel` to scores as LIT's page takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lit_nlp.api import dtypes, types
from lit_nlp.api import model as lit_model

from tf_salience.attribution.methods import Method
from tf_salience.explanation import Explanation
from tf_salience.lit.model import LitModel
from tf_salience.utils.arrays import Array

Examples = Sequence[Mapping[str, Any]]
#: For each example the scores of each field of gradients; None for a model without any.
Results = list[dict[str, Any]] | None
#: What LIT adds to every score before it divides: 1.2e-7, which drowns the scores of a model that
#: is sure of itself.
_LIT_EPSILON = np.finfo(np.float32).eps


def unwrapped(model: lit_model.Model) -> LitModel | None:
    """Returns the `LitModel` in LIT's wrappers, its cache for one; None for another model."""
    while isinstance(model, lit_model.ModelWrapper):
        model = model.wrapped
    return model if isinstance(model, LitModel) else None


def require(model: lit_model.Model) -> LitModel:
    """Returns the `LitModel` in LIT's wrappers.

    Raises:
        TypeError: for another model.
    """
    ours = unwrapped(model)
    if ours is None:
        raise TypeError(
            "`model` must be a `tf_salience.lit.LitModel`. "
            f"Received: model of type {type(model).__name__}"
        )
    return ours


def outputs(inputs: Examples, model: lit_model.Model, given: Examples | None) -> list[Any]:
    """Returns the outputs of a model: those that LIT has, or its predictions."""
    return list(model.predict(inputs)) if given is None else list(given)


def explain(
    model: LitModel,
    method: Method,
    inputs: Examples,
    model_outputs: Examples,
    *,
    class_name: str = "",
    compat: bool = False,
) -> Explanation:
    """Explains examples in one call.

    Args:
        model: the model.
        method: the method.
        inputs: the examples.
        model_outputs: of the model, which name the class of each.
        class_name: the class to explain; "" for that which the outputs name.
        compat: True: the probability is explained, as LIT's models do.

    Raises:
        RuntimeError: for a class where the explainer's target is no class.
    """
    task = model.fields.task
    target = task.gradient_target if compat else task.of_label(model.explainer.target)
    labels = None
    if "label" in target.units:
        names = [class_name or output[model.fields.label] for output in model_outputs]
        labels = np.array([task.class_index(name) for name in names])
    elif class_name:
        raise RuntimeError(
            "A class can be chosen where the explainer's target is a class. Received: "
            f"{class_name!r}, for an explainer with another target."
        )
    return model.explainer_of(method, target)(model.texts(inputs), labels=labels)


def shown(segments: Sequence[Array], *, normalize: bool, epsilon: bool) -> list[Array]:
    """Returns the scores of an example's segments as LIT shows them, float32.

    Args:
        segments: the scores of each segment, (tokens,).
        normalize: whether the sum of |scores| over all segments becomes 1. Scores that are all
            zero become even shares, as LIT shows them.
        epsilon: whether LIT's is added first.
    """
    scores = np.concatenate([np.asarray(segment, np.float64) for segment in segments])
    if normalize:
        scores = scores + _LIT_EPSILON if epsilon else scores
        total = np.abs(scores).sum()
        scores = scores / total if total > 0 else np.full_like(scores, 1 / max(len(scores), 1))
    ends = np.cumsum([len(segment) for segment in segments])[:-1]
    return [part.astype(np.float32) for part in np.split(scores, ends)]


def salience_of_fields(
    spec: types.Spec, fields: Sequence[str], output: Mapping[str, Any], rows: Sequence[Array]
) -> dict[str, Any]:
    """Returns LIT's result of one example, by the names of its gradient fields.

    Args:
        spec: of the model's outputs.
        fields: the fields of gradients.
        output: of the model.
        rows: the scores of each field, (tokens,).
    """
    return {
        field: dtypes.TokenSalience(
            output[spec[field].align], row[: len(output[spec[field].align])]
        )
        for field, row in zip(fields, rows, strict=True)
    }


def results(
    model: lit_model.Model, explanation: Explanation, *, normalize: bool, epsilon: bool
) -> list[dict[str, Any]]:
    """Returns LIT's results of an explanation, by the names of the model's gradient fields.

    Args:
        model: the model.
        explanation: of the examples.
        normalize: as `shown` takes it.
        epsilon: as `shown` takes it.
    """
    fields = require(model).fields.segments
    examples = []
    for salience in explanation:
        is_single = len(fields) == 1
        columns = [slice(None) if is_single else salience.segments[name] for name in fields]
        rows = shown(
            [salience.scores[column] for column in columns], normalize=normalize, epsilon=epsilon
        )
        examples.append(
            {
                names.gradients: dtypes.TokenSalience(salience.tokens[column], row)
                for names, column, row in zip(fields.values(), columns, rows, strict=True)
            }
        )
    return examples
