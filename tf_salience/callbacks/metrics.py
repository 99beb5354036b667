"""Metrics of an evaluation: of each probe, and aggregated over the probes."""

from collections.abc import Collection, Iterable

import numpy as np

from tf_salience.callbacks.probe_explainer import ERASED_FRACTION, ProbeExplanation
from tf_salience.evaluation import rankings
from tf_salience.utils.arrays import Array

#: The usual special tokens of tokenizers.
SPECIAL_TOKENS = (
    "[CLS]", "[SEP]", "[MASK]", "[UNK]", "[START]", "[END]", "[BOS]", "[EOS]",
    "<s>", "</s>", "<mask>", "<unk>", "<bos>", "<eos>", "<|endoftext|>",
)  # fmt: skip

Metrics = dict[str, float | None]


def compute(
    explanation: ProbeExplanation,
    previous_scores: Array | None,
    rationale: Array | None,
    special_tokens: Collection[str],
) -> Metrics:
    """Computes the metrics of one probe; those that are undefined for it are None.

    Args:
        explanation: the explanation of the probe.
        previous_scores: (tokens,), for the same target at the previous evaluation, or None.
        rationale: (tokens,), true for rationale words, or None.
        special_tokens: the strings of special tokens.
    """
    tokens, scores = explanation.salience.tokens, explanation.salience.scores
    delta = explanation.salience.convergence_delta
    special = np.array([token in special_tokens for token in tokens], bool)
    spearman = jaccard = None
    # One token has no order.
    if previous_scores is not None and len(scores) > 1:
        spearman = rankings.spearman(scores, previous_scores)
        jaccard = rankings.jaccard(
            rankings.top_fraction(scores, ERASED_FRACTION),
            rankings.top_fraction(previous_scores, ERASED_FRACTION),
        )
    return {
        "drift_spearman": None if spearman is None else 1.0 - spearman,
        "drift_jaccard": None if jaccard is None else 1.0 - jaccard,
        "entropy": rankings.entropy(scores),
        "padding_mass": explanation.padding_mass,
        "special_mass": rankings.mass(scores, special),
        "rationale_share": _rationale_share(scores, rationale),
        "comprehensiveness_over_random": explanation.comprehensiveness,
        "sufficiency_over_random": explanation.sufficiency,
        "convergence_delta": None if delta is None else abs(delta),
    }


def aggregate(metrics: Iterable[Metrics]) -> dict[str, float]:
    """Averages each metric over the probes for which it is defined; deltas by their median."""
    rows, scalars = list(metrics), {}
    for name in rows[0] if rows else ():
        values = [value for row in rows if (value := row[name]) is not None]
        if values:
            average = np.median if name == "convergence_delta" else np.mean
            scalars[name] = float(average(values))
    return scalars


def _rationale_share(scores: Array, rationale: Array | None) -> float | None:
    """Computes the fraction of the k top tokens that are among the k rationale words."""
    if rationale is None or not rationale.any():
        return None
    return float(rationale[rankings.top_k(scores, int(rationale.sum()))].mean())
