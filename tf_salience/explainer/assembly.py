"""From attributions to the `Explanation` that a user gets."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience import targets
from tf_salience.attribution import methods
from tf_salience.attribution.result import Attribution
from tf_salience.explanation import Explanation, SalienceMatrix
from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment
from tf_salience.models.inputs import Inputs
from tf_salience.models.text_model import TextModel
from tf_salience.targets import output_units
from tf_salience.utils import arrays
from tf_salience.utils.arrays import Array
from tf_salience.version import __version__

#: The first character of a token in its text and the one after its last, or None.
Offset = tuple[int, int] | None


def explanation_config(
    model: TextModel, method: methods.Method, target: targets.Target
) -> dict[str, Any]:
    """Returns model, method, target and versions, as plain values: enough to repeat it."""
    return {
        "model": model.model.name,
        "embeddings": [layer.name for layer in model.hooked.layers],
        "method": methods.serialize(method),
        "target": targets.serialize(target),
        "output": model.output,
        "class_names": model.class_names,
        "versions": {
            "tf_salience": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }


def explanation(
    model: TextModel,
    inputs: Inputs,
    forward: ForwardPass,
    attribution: Attribution,
    *,
    target_classes: Array | None,
    target_names: list[str],
    output: Array,
    config: dict[str, Any],
) -> Explanation:
    """Assembles the explanation of some examples.

    Args:
        model: the model.
        inputs: of these examples.
        forward: their forward pass.
        attribution: the method's; segments in the order of the calls.
        target_classes: (batch,), the explained class of each; None for another kind of target.
        target_names: one for each example.
        output: (batch,), the target at the input.
        config: as `explanation_config` gives it; the units and the activation are added.
    """
    shown = forward.shown
    by_call = arrays.split_columns(
        attribution.scores, [segment.width for segment in forward.segments]
    )
    ends = np.cumsum([segment.width for segment in shown]).tolist()
    readings = [_read_tokens(shown, row) for row in range(len(output))]
    are_subwords = any(segment.tokenizer.read_subword is not None for segment in shown)
    are_ids = all(segment.ids is not None for segment in shown)
    parts = _parts(inputs, shown)
    return Explanation(
        tokens=[strings for strings, _ in readings],
        words=[words for _, words in readings] if are_subwords and are_ids else None,
        parts=parts,
        offsets=_offsets(inputs, shown, parts) if inputs.texts else None,
        scores=np.concatenate([by_call[number] for number in forward.order], axis=1).astype(
            np.float32
        ),
        mask=np.concatenate([segment.mask for segment in shown], axis=1),
        segments={
            segment.name: slice(end - segment.width, end)
            for segment, end in zip(shown, ends, strict=True)
        },
        target=target_classes,
        target_name=target_names,
        output=output,
        config={**config, **_output_facts(model, forward)},
        evaluations=attribution.evaluations,
        baseline_output=attribution.baseline_output,
        convergence_delta=attribution.convergence_delta,
        error_estimate=attribution.error_estimate,
        converged=attribution.converged,
    )


def _output_facts(model: TextModel, forward: ForwardPass) -> dict[str, Any]:
    """Returns what tells a prediction from the output: its units and the activation behind them."""
    output = model.select_output(forward.outputs)
    is_nest = isinstance(output, dict | list | tuple)
    units = None if is_nest or len(output.shape) > 2 else output_units.unit_count(output)
    return {"units": units, "activation": forward.activation}


def _read_tokens(shown: Sequence[Segment], row: int) -> tuple[list[str], list[int]]:
    """Returns the real tokens of one example as they are read, and the number of each one's word.

    Where no ids are known, `#3` for position 3. Words are counted through all segments.
    """
    strings: list[str] = []
    words: list[int] = []
    for segment in shown:
        real = np.flatnonzero(segment.mask[row])
        if segment.ids is None:
            strings.extend(f"#{position}" for position in real)
            continue
        segment_strings, segment_words = segment.tokenizer.token_strings(segment.ids[row, real])
        strings.extend(segment_strings)
        first = max(words, default=-1) + 1
        words.extend(word + first if word >= 0 else word for word in segment_words)
    return strings, words


def _parts(inputs: Inputs, shown: Sequence[Segment]) -> list[dict[str, slice]] | None:
    """Returns the slice of each text in one sequence, among the real tokens of each example."""
    numbers, names = inputs.text_numbers, inputs.text_names
    if numbers is None or len(shown) != 1 or numbers.shape != shown[0].mask.shape:
        return None
    bounds = [
        np.searchsorted(row[mask], range(len(names) + 1)).tolist()
        for row, mask in zip(numbers, shown[0].mask, strict=True)
    ]
    return [dict(zip(names, map(slice, ends, ends[1:]), strict=True)) for ends in bounds]


def _offsets(
    inputs: Inputs,
    shown: Sequence[Segment],
    parts: list[dict[str, slice]] | None,
) -> list[list[Offset]]:
    """Returns the offsets in its text of each real token of each example."""
    texts = dict(inputs.texts)
    if len(texts) == len(shown) == 1:
        texts[shown[0].name] = next(iter(texts.values()))  # whatever the two are called
    rows: list[list[Offset]] = [[] for _ in shown[0].mask]
    for row, offsets in enumerate(rows):
        for segment in shown:
            real = np.flatnonzero(segment.mask[row])
            for name, part in (parts[row] if parts else {segment.name: slice(None)}).items():
                columns = real[part]
                if name not in texts or segment.ids is None:
                    offsets.extend([None] * len(columns))
                else:
                    text = texts[name][row]
                    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
                    ids = segment.ids[row, columns]
                    offsets.extend(segment.tokenizer.offsets_of(text, ids))
    return rows


def join(explanations: Sequence[Explanation]) -> Explanation:
    """Joins the explanations of one call, their segments padded to the widest."""
    if len(explanations) == 1:
        return explanations[0]
    segments: dict[str, slice] = {}
    scores, masks, start = [], [], 0
    for name in explanations[0].segments:
        slices = [(explanation, explanation.segments[name]) for explanation in explanations]
        scores.append(arrays.concatenate_padded([e.scores[:, columns] for e, columns in slices]))
        masks.append(arrays.concatenate_padded([e.mask[:, columns] for e, columns in slices]))
        segments[name] = slice(start, start + scores[-1].shape[1])
        start = segments[name].stop

    def joined(name: str) -> Any:
        columns = [getattr(explanation, name) for explanation in explanations]
        if columns[0] is None:
            return None
        if isinstance(columns[0], list):
            return [value for column in columns for value in column]
        return np.concatenate(columns)

    rest = set(vars(explanations[0])) - {"scores", "mask", "segments", "config"}
    return Explanation(
        scores=np.concatenate(scores, axis=1),
        mask=np.concatenate(masks, axis=1),
        segments=segments,
        config=explanations[0].config,
        **{name: joined(name) for name in rest},
    )


def matrices(rows: Explanation, examples: Array, columns: Array) -> list[SalienceMatrix]:
    """Groups explanations of one target token each by example.

    Args:
        rows: one for each target, those of an example side by side.
        examples: (targets,), the example of each.
        columns: (targets,), the column of the target token among the predicted tokens.
    """
    matrices = []
    for example in np.unique(examples):
        indices = np.flatnonzero(examples == example)
        example_rows = rows[int(indices[0]) : int(indices[-1]) + 1]
        places = [_place_of(example_rows, column) for column in columns[indices].tolist()]
        names = [example_rows.tokens[0][place] for place in places]
        matrices.append(SalienceMatrix(names, places, example_rows))
    return matrices


def _place_of(rows: Explanation, column: int) -> int:
    """Returns the place among the real tokens of a column of the predicted segment.

    That is the decoder's, where there are several.
    """
    names = [name for name in rows.segments if "decoder" in name] or list(rows.segments)
    return int(rows.mask[0, : column + rows.segments[names[0]].start].sum())
