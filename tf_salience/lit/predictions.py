"""The outputs of a `LitModel` for some examples, from a forward pass and gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_salience.attribution.path import PathInputs
from tf_salience.lit import fields as names
from tf_salience.lit.fields import Fields
from tf_salience.lit.gradients import EmbeddingGradients
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.utils.arrays import Array

Example = Mapping[str, Any]


def predict(
    fields: Fields,
    examples: Sequence[Example],
    forward: ForwardPass,
    inputs: PathInputs,
    gradients: EmbeddingGradients,
) -> list[dict[str, Any]]:
    """Computes the outputs of some examples.

    Args:
        fields: the fields of the model.
        examples: the examples, with labels and embeddings where LIT gives them.
        forward: their forward pass.
        inputs: of the forward pass.
        gradients: computes outputs and gradients at embeddings.

    Raises:
        ValueError: for embeddings that do not fit the tokens.
    """
    task = fields.task
    given = [
        [example.get(segment.embeddings) for example in examples]
        for segment in fields.segments.values()
    ]
    by_call = dict(zip(forward.order, given, strict=True))
    embeddings = [
        _with_given(segment, by_call[number]) for number, segment in enumerate(forward.segments)
    ]
    outputs = np.asarray(gradients.model.select_output(forward.outputs))
    classes = _classes(fields, examples, outputs)
    inputs = PathInputs(inputs.nest, inputs.vectorized, task.columns(classes), inputs.baselines)
    at_embeddings, by_segment = gradients(inputs, embeddings)
    if any(row is not None for rows in given for row in rows):
        outputs = at_embeddings
    results = [
        _segments(fields, forward, embeddings, by_segment, row) for row in range(len(examples))
    ]
    for row, values in enumerate(_task_values(fields, outputs, classes)):
        results[row].update(values)
    return results


def _classes(fields: Fields, examples: Sequence[Example], outputs: Array) -> Array:
    """Returns the class of each example, (batch,): its label's, or the predicted one."""
    task = fields.task
    if task.classes is None:
        return np.full(len(examples), -1)
    labels = np.array([task.class_index(example.get(fields.label)) for example in examples])
    return np.where(labels < 0, task.probabilities(outputs).argmax(axis=1), labels)


def _with_given(segment: Segment, given: Sequence[Any]) -> Array:
    """Returns the embeddings of a segment, (batch, tokens, dim), with those that LIT gives."""
    embeddings = np.array(segment.embeddings, np.float32)
    for row, rows in enumerate(given):
        if rows is None:
            continue
        real = np.flatnonzero(segment.mask[row])
        values = np.asarray(rows, np.float32)
        if values.shape != (len(real), embeddings.shape[2]):
            raise ValueError(
                f"The embeddings of an example must be (tokens, dim), "
                f"{(len(real), embeddings.shape[2])} for its text. Received: {values.shape}"
            )
        embeddings[row, real] = values
    return embeddings


def _segments(
    fields: Fields,
    forward: ForwardPass,
    embeddings: Sequence[Array],
    gradients: Sequence[Array],
    row: int,
) -> dict[str, Any]:
    """Returns tokens, embeddings and gradients of each segment of one example, unpadded."""
    values: dict[str, Any] = {}
    vectors = []
    for number, segment_fields in zip(forward.order, fields.segments.values(), strict=True):
        segment = forward.segments[number]
        real = np.flatnonzero(segment.mask[row])
        values[segment_fields.tokens] = _tokens(segment, row, real)
        values[segment_fields.embeddings] = embeddings[number][row, real]
        values[segment_fields.gradients] = gradients[number][row, real]
        vectors.append(values[segment_fields.embeddings])
    joined = np.concatenate(vectors)
    values[names.MEAN_EMBEDDING] = joined.sum(axis=0) / max(len(joined), 1)
    return values


def _tokens(segment: Segment, row: int, real: Array) -> list[str]:
    if segment.ids is None:
        return [f"#{position}" for position in real]
    strings, _ = segment.tokenizer.token_strings(segment.ids[row, real])
    return list(strings)


def _task_values(fields: Fields, outputs: Array, classes: Array) -> list[dict[str, Any]]:
    """Returns the classes or the score of each example."""
    task = fields.task
    if task.classes is None:
        return [{names.SCORE: float(score)} for score in np.reshape(outputs, -1)]
    return [
        {
            names.PROBABILITIES: probabilities,
            names.PREDICTED: task.classes[int(probabilities.argmax())],
            fields.label: task.classes[int(index)],
        }
        for probabilities, index in zip(task.probabilities(outputs), classes, strict=True)
    ]
