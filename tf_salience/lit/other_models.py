"""The methods on what any LIT model gives: token gradients, and embeddings that it takes back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lit_nlp.api import model as lit_model
from lit_nlp.api import types
from lit_nlp.lib import utils

from tf_salience.attribution import methods
from tf_salience.utils.arrays import Array

Example = Mapping[str, Any]


def gradient_fields(output_spec: types.Spec, *, with_embeddings: bool = False) -> list[str]:
    """Returns the fields of gradients that are aligned to tokens.

    Args:
        output_spec: of a model.
        with_embeddings: only those whose embeddings are given too.
    """
    fields = []
    for name in utils.find_spec_keys(output_spec, types.TokenGradients):
        field = output_spec[name]
        has_tokens = isinstance(output_spec.get(field.align), types.Tokens)
        has_embeddings = isinstance(output_spec.get(field.grad_for), types.TokenEmbeddings)
        if has_tokens and (has_embeddings or not with_embeddings):
            fields.append(name)
    return fields


def path_fields(input_spec: types.Spec, output_spec: types.Spec) -> list[str]:
    """Returns the fields of gradients whose embeddings and class the model takes as inputs."""
    return [
        name
        for name in gradient_fields(output_spec, with_embeddings=True)
        if isinstance(input_spec.get(output_spec[name].grad_for), types.TokenEmbeddings)
        and output_spec[name].grad_target_field_key in input_spec
    ]


def reduced(
    method: methods.Method, output_spec: types.Spec, fields: Sequence[str], output: Example
) -> list[Array]:
    """Reduces the gradients of an example at its embeddings to scores, (tokens,) for each field."""
    return [
        method.reduction(
            np.asarray(output[name]), _embeddings(output_spec[name], output, output[name])
        )
        for name in fields
    ]


def _embeddings(field: Any, output: Example, default: Any) -> Array:
    """Returns the embeddings of a gradient field; `default` where the model gives none."""
    return np.asarray(default if field.grad_for is None else output.get(field.grad_for, default))


def interpolated(baseline: Array, target: Array, steps: int) -> Array:
    """Returns the points of a path, (steps + 1, tokens, dim), its start and its end among them."""
    if steps <= 0:
        return np.array([])
    nodes = np.linspace(0, 1, steps + 1, dtype=np.float32)
    return baseline + nodes.reshape(-1, *[1] * target.ndim) * (target - baseline)


def integral(gradients: Array) -> Array:
    """Computes the mean of gradients over the path, (tokens, dim), by the trapezoid rule."""
    return np.average((gradients[:-1] + gradients[1:]) / 2, axis=0)


def integrated_gradients(
    model: lit_model.Model,
    fields: Sequence[str],
    inputs: Sequence[Example],
    outputs: Sequence[Example],
    *,
    class_name: str,
    steps: int,
    compat: bool,
) -> list[list[Array]]:
    """Computes integrated gradients from zero embeddings; all points are one `predict`.

    Args:
        model: a model that takes embeddings.
        fields: its fields of gradients.
        inputs: the examples.
        outputs: of the model.
        class_name: the class to explain; "" for that which the model, or the example, names.
        steps: the intervals of the path.
        compat: True: without the end of the path, as LIT.

    Returns:
        For each example the scores of each field, (tokens,).
    """
    spec = {field: model.output_spec()[field] for field in fields}
    points: list[Any] = []
    for example, output in zip(inputs, outputs, strict=True):
        points += _path(spec, example, output, class_name, steps)[: steps if compat else None]
    gradients = list(model.predict(points))
    size = len(points) // max(len(outputs), 1)
    return [
        [
            np.sum(
                integral(np.stack([point[name] for point in gradients[start : start + size]]))
                * np.asarray(output[field.grad_for]),
                axis=-1,
            )
            for name, field in spec.items()
        ]
        for output, start in zip(outputs, range(0, len(points), size), strict=True)
    ]


def _path(
    spec: types.Spec, example: Example, output: Example, class_name: str, steps: int
) -> list[Any]:
    """Returns the example at each point of its path, with the class to explain in its label."""
    label = next(iter(spec.values())).grad_target_field_key
    name = class_name or (output[label] if label in output else example[label])
    paths = []
    for field in spec.values():
        embeddings = np.asarray(output[field.grad_for])
        paths.append(interpolated(np.zeros_like(embeddings), embeddings, steps))
    replaced = [field.grad_for for field in spec.values()]
    return [
        utils.make_modified_input(
            example, {**dict(zip(replaced, point, strict=True)), label: name}, "IG"
        )
        for point in zip(*paths, strict=True)
    ]
