"""The warnings that come with an explanation."""

from collections.abc import Sequence

import numpy as np

from tf_salience.attribution.result import Attribution, Obstacle
from tf_salience.explanation import Explanation, padding
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.utils import validation, warnings
from tf_salience.utils.arrays import Array


def unknown_examples(forward: ForwardPass) -> Array:
    """Returns the indices of examples whose words are all unknown to the vocabulary."""
    words, known_words = [], []
    for segment in forward.segments:
        tokenizer = segment.tokenizer
        if segment.ids is None or tokenizer.unknown_id is None:
            return np.zeros(0, np.int64)
        words.append(segment.mask & ~np.isin(segment.ids, list(tokenizer.special_ids)))
        known_words.append(words[-1] & (segment.ids != tokenizer.unknown_id))
    has_word, has_known_word = (
        np.concatenate(masks, axis=1).any(axis=1) for masks in (words, known_words)
    )
    return np.flatnonzero(has_word & ~has_known_word)


def warn(
    explanation: Explanation, unknown: Sequence[int], attributions: Sequence[Attribution]
) -> None:
    """Warns of examples without tokens or known words, of padding, of tolerances that were not met.

    Args:
        explanation: of all examples.
        unknown: the examples whose words are all unknown.
        attributions: those of which the explanation was made, in its order.
    """
    empty = np.flatnonzero(~explanation.mask.any(axis=1)).tolist()
    if empty:
        warnings.warn(
            f"No real token in {validation.format_examples(empty)}, for instance an empty text: "
            "there is nothing to explain.",
            warnings.NoTokensWarning,
        )
    if len(unknown):
        warnings.warn(
            f"The vocabulary has no word of {validation.format_examples(list(unknown))}: "
            "the scores are those of the unknown token.",
            warnings.UnknownTokensWarning,
        )
    unmasked = np.flatnonzero(explanation.padding_share >= padding.SMALLEST_SHARE).tolist()
    if unmasked:
        warnings.warn(
            "The model does not mask its padding: a part of the salience is on it in "
            f"{validation.format_examples(unmasked)} (`padding_salience`, `padding_share`), so the "
            "scores of the tokens alone do not add up. Mask it (`mask_zero=True` in the embedding; "
            "a layer of your own passes a mask on with `self.supports_masking = True`), or choose "
            "a layer that takes a mask.",
            warnings.UnmaskedPaddingWarning,
        )
    if explanation.converged is not None and not explanation.converged.all():
        examples = np.flatnonzero(~explanation.converged)
        warnings.warn(
            _not_converged(examples, explanation, attributions), warnings.NotConvergedWarning
        )


def _not_converged(
    examples: Array, explanation: Explanation, attributions: Sequence[Attribution]
) -> str:
    """Says which examples did not converge, and what to do, from what was seen on their paths."""
    message = (
        f"{len(examples)} of {len(explanation)} examples did not converge: their `converged` is "
        "False, their `error_estimate` says how accurate they are."
    )
    config = explanation.config["method"]["config"]
    is_known = all(attribution.obstacle is not None for attribution in attributions)
    # A method of the user's own may stop for reasons of its own.
    if not is_known or not {"max_steps", "tolerance", "baseline"} <= set(config):
        return f"{message} They are {validation.format_examples(examples.tolist())}."
    obstacles, places = (
        np.concatenate([getattr(attribution, name) for attribution in attributions])[examples]
        for name in ("obstacle", "obstacle_at")
    )
    is_exhausted = explanation.evaluations[examples] >= config["max_steps"]
    more = f"raise `max_steps` (now {config['max_steps']})"
    for is_there, text in (
        (
            obstacles == Obstacle.START,
            "the target moves most at the start of the path, near the baseline: choose another "
            f"`baseline` (now {validation.format_value(config['baseline'])}; 'mean', for "
            f"instance), or {more}.",
        ),
        (
            (obstacles == Obstacle.ONE_PLACE) & is_exhausted,
            f"the target moves most at one place of the path, {{place:.3g}} of the way: {more}.",
        ),
        (
            (obstacles == Obstacle.ONE_PLACE) & ~is_exhausted,
            "the target jumps, {place:.3g} of the way along the path, and no more nodes would "
            "help: explain a target that is continuous, or one that does not saturate.",
        ),
        (
            obstacles == Obstacle.MANY_PLACES,
            f"the gradients change in many places along the path: {more}, or accept a larger "
            f"`tolerance` (now {config['tolerance']}).",
        ),
    ):
        if is_there.any():
            numbers = validation.format_examples(examples[is_there].tolist())
            message += f" In {numbers}, {text.format(place=places[is_there][0])}"
    return message
