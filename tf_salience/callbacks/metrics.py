"""What an evaluation says in numbers: of each probe, and of all of them."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.callbacks import rankings
from tf_salience.callbacks.observer import ERASED_SHARE, Observation

Array = npt.NDArray[Any]

#: The names of the scalars; the README says what each one is.
NAMES = (
    "drift_spearman",
    "drift_jaccard",
    "entropy",
    "padding_mass",
    "special_mass",
    "rationale_share",
    "comprehensiveness_over_random",
    "sufficiency_over_random",
    "convergence_delta",
)
#: What tokenizers call the tokens that are no words.
SPECIAL_TOKENS = (
    "[CLS]", "[SEP]", "[MASK]", "[UNK]", "[START]", "[END]", "[BOS]", "[EOS]",
    "<s>", "</s>", "<mask>", "<unk>", "<bos>", "<eos>", "<|endoftext|>",
)  # fmt: skip

Measures = dict[str, float | None]


def of_probe(
    now: Observation,
    before: Array | None,
    rationale: npt.NDArray[np.bool_] | None,
    special: Collection[str],
) -> Measures:
    """The measures of one probe, None where there is no such thing.

    Args:
        now: what was observed.
        before: (tokens,), the scores for the same target at the evaluation before, or None.
        rationale: (tokens,), which tokens are rationale words, or None.
        special: the strings of special tokens.
    """
    tokens, scores = now.salience.tokens, now.salience.scores
    delta = now.salience.convergence_delta
    is_special = np.array([token in special for token in tokens], bool)
    spearman, jaccard = (None, None) if before is None else _likeness(scores, before)
    return {
        "drift_spearman": _away(spearman),
        "drift_jaccard": _away(jaccard),
        "entropy": rankings.entropy(scores),
        "padding_mass": now.padding_mass,
        "special_mass": rankings.mass(scores, is_special),
        "rationale_share": _rationale_share(scores, rationale),
        "comprehensiveness_over_random": now.comprehensiveness,
        "sufficiency_over_random": now.sufficiency,
        "convergence_delta": None if delta is None else abs(delta),
    }


def of_all(each: Sequence[Measures]) -> dict[str, float]:
    """The measures of an evaluation: means over the probes that have them, medians for deltas."""
    found = {}
    for name in NAMES:
        values = [value for one in each if (value := one[name]) is not None]
        if values:
            mean = np.median if name == "convergence_delta" else np.mean
            found[name] = float(mean(values))
    return found


def _likeness(now: Array, before: Array) -> tuple[float | None, float | None]:
    """Spearman's correlation and the overlap of the top; one token alone has neither."""
    if len(now) < 2:
        return None, None
    tops = (rankings.top_share(scores, ERASED_SHARE) for scores in (now, before))
    return rankings.spearman(now, before), rankings.jaccard(*tops)


def _away(likeness: float | None) -> float | None:
    return None if likeness is None else 1.0 - likeness


def _rationale_share(scores: Array, rationale: npt.NDArray[np.bool_] | None) -> float | None:
    """Of as many top tokens as the rationale has, the share that are in it."""
    if rationale is None or not rationale.any():
        return None
    return float(rationale[rankings.top(scores, int(rationale.sum()))].mean())
