"""The results of one evaluation, and its records in the log."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_salience.callbacks.history import ProbeScores
from tf_salience.callbacks.metrics import Metrics
from tf_salience.callbacks.probe_explainer import ProbeExplanation

_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
#: The types of a record's values; those of the second dict are not in the record of an error.
_TYPES = {"evaluation": int, "probe": int}
_SCORES_TYPES = {
    "step": int,
    "epoch": int | None,
    "method": str,
    "target_name": str,
    "tokens": list,
    "scores": list,
}


@dataclass(frozen=True)
class Evaluation:
    """The probes at one evaluation; the dicts are by the number of the probe.

    Attributes:
        number: the number of the evaluation, from 0.
        epoch: the number of the epoch, from 0; None outside of `fit`.
        step: the optimizer's iterations.
        explanations: of the probes that could be explained.
        errors: the messages of the other probes.
        metrics: of the explained probes.
        scores: of the explained probes.
    """

    number: int
    epoch: int | None
    step: int
    explanations: dict[int, ProbeExplanation]
    errors: dict[int, str]
    metrics: dict[int, Metrics]
    scores: dict[int, ProbeScores]

    def records(self) -> list[dict[str, Any]]:
        """Builds the records of the log, one per probe."""
        shared: dict[str, Any] = {
            "evaluation": self.number,
            "epoch": self.epoch,
            "step": self.step,
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        records = [
            {**shared, "probe": probe, "error": error} for probe, error in self.errors.items()
        ]
        for probe, explanation in self.explanations.items():
            salience = explanation.salience
            record = {
                **shared,
                "probe": probe,
                "method": self.scores[probe].method,
                "tokens": salience.tokens,
                "scores": salience.scores.tolist(),
                "target": salience.target,
                "target_name": salience.target_name,
                "output": salience.output,
                "measures": self.metrics[probe],
            }
            records.append(record)
        return sorted(records, key=lambda record: record["probe"])


def is_complete(record: Mapping[str, Any]) -> bool:
    """True if a record of a log has the values, of the right types, that a later run reads."""
    if not _has_types(record, _TYPES) or record["evaluation"] < 0:
        return False
    if "scores" not in record:
        return True
    if not _has_types(record, _SCORES_TYPES):
        return False
    tokens, scores = record["tokens"], record["scores"]
    return (
        len(tokens) == len(scores)
        and all(isinstance(token, str) for token in tokens)
        and all(isinstance(score, int | float) for score in scores)
        # False for NaN, too.
        and all(abs(score) <= _LARGEST_FLOAT32 for score in scores)
    )


def _has_types(record: Mapping[str, Any], types: Mapping[str, Any]) -> bool:
    return all(name in record and isinstance(record[name], types[name]) for name in types)
