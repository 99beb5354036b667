"""From what was found to the `Explanation` that a user gets, and what they are warned of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.explainer.parts import Part
from tf_salience.explanation import Explanation, SalienceMatrix
from tf_salience.models.prepared_inputs import Intake
from tf_salience.models.text_model import TextModel
from tf_salience.tokenizers import Tokenizer
from tf_salience.utils import validation, warnings

Array = npt.NDArray[Any]


def explanation(question: TextModel, found: Part, intake: Intake) -> Explanation:
    """The explanation of all examples.

    Args:
        question: what was asked.
        found: what was found for them.
        intake: what they were made of.
    """
    parts = None if intake.owners is None else _parts(found, intake.owners, intake.names)
    ends = np.cumsum(found.widths).tolist()
    numbers = found.attribution
    spelled = found.spelled(question.tokens)
    pieces = question.tokens.read_subword is not None and all(ids is not None for ids in found.ids)
    single = found.target_indices.shape[1] == 1
    return Explanation(
        tokens=[strings for strings, _ in spelled],
        words=[words for _, words in spelled] if pieces else None,
        parts=parts,
        offsets=_offsets(found, question.tokens, intake.texts, parts) if intake.texts else None,
        scores=numbers.scores.astype(np.float32),
        mask=np.concatenate(found.masks, axis=1),
        segments={
            name: slice(end - width, end)
            for name, end, width in zip(found.names, ends, found.widths, strict=True)
        },
        target=found.target_indices[:, 0].astype(np.int64) if single else None,
        target_name=found.target_names,
        output=found.output,
        baseline_output=numbers.baseline_output,
        convergence_delta=numbers.convergence_delta,
        error_estimate=numbers.error_estimate,
        converged=numbers.converged,
        evaluations=numbers.evaluations,
        config=question.get_config(),
    )


def matrices(rows: Explanation, examples: Array, columns: Array) -> list[SalienceMatrix]:
    """Explanations of one target token each, put together by example.

    Args:
        rows: one a target, those of an example side by side.
        examples: (targets,), which example each is of.
        columns: (targets,), the column of the target token among the last segment's tokens.
    """
    found = []
    for example in np.unique(examples):
        places = np.flatnonzero(examples == example)
        some = rows[int(places[0]) : int(places[-1]) + 1]
        at = [_place(some, column) for column in columns[places].tolist()]
        found.append(SalienceMatrix([some.tokens[0][place] for place in at], at, some))
    return found


def _place(rows: Explanation, column: int) -> int:
    """Where among the real tokens a column of the segment is that the targets are in.

    That is the decoder's, where there are several.
    """
    names = [name for name in rows.segments if "decoder" in name] or list(rows.segments)
    return int(rows.mask[0, : column + rows.segments[names[0]].start].sum())


def _parts(found: Part, owners: Array, texts: Sequence[str]) -> list[dict[str, slice]] | None:
    """Where each of several texts in one sequence lies among the real tokens of each example."""
    if len(found.masks) != 1 or owners.shape != found.masks[0].shape:
        return None
    rows = []
    for owner, mask in zip(owners, found.masks[0], strict=True):
        ends = np.searchsorted(owner[mask], range(len(texts) + 1)).tolist()
        rows.append({name: slice(*ends[place : place + 2]) for place, name in enumerate(texts)})
    return rows


def _offsets(
    found: Part, tokens: Tokenizer, texts: Mapping[str, Array], parts: list[dict[str, slice]] | None
) -> list[list[tuple[int, int] | None]]:
    """Where in its text each real token of each example stands."""
    rows = []
    for row in range(len(found.output)):
        places: list[tuple[int, int] | None] = []
        for name, ids, mask in zip(found.names, found.ids, found.masks, strict=True):
            real = np.flatnonzero(mask[row])
            # A single segment is made of the single text, whatever the two are called.
            alone = len(found.names) == len(texts) == 1
            own = {name: slice(0, len(real))} if parts is None else parts[row]
            for key, part in own.items():
                column = next(iter(texts.values())) if alone else texts.get(key)
                if column is None or ids is None:
                    places.extend([None] * len(real[part]))
                else:
                    places.extend(tokens.offsets_of(_plain(column[row]), ids[row, real[part]]))
        rows.append(places)
    return rows


def _plain(text: Any) -> str:
    return text.decode("utf-8", errors="replace") if isinstance(text, bytes) else str(text)


def warn_of(found: Part, tokens: Tokenizer) -> None:
    """Warns of examples without tokens, without known ones, and of tolerances that were not met."""
    empty, unknown = found.empty(), found.all_unknown(tokens)
    if empty:
        warnings.warn(
            f"No real token in {validation.format_examples(empty)}, an empty text for instance: there is "
            "nothing to explain, and no score.",
            warnings.NoTokensWarning,
        )
    if unknown:
        warnings.warn(
            f"No word that the vocabulary knows in {validation.format_examples(unknown)}: the scores are "
            "those of the unknown token.",
            warnings.UnknownTokensWarning,
        )
    converged = found.attribution.converged
    if converged is not None and not converged.all():
        warnings.warn(
            f"{(~converged).sum()} of {len(converged)} examples reached `max_steps` before the "
            f"tolerance was met: their `converged` is False, their `error_estimate` says how "
            "far they came. Raise `max_steps`, accept a larger `tolerance`, or choose another "
            "`baseline`: a model that normalizes the embeddings first (RMSNorm) is not smooth at "
            "'zeros'; 'mean' is.",
            warnings.NotConvergedWarning,
        )
