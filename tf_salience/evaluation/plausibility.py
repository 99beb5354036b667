"""Measures of how well token scores agree with a rationale (ERASER, DeYoung et al. 2020)."""

import numpy as np

from tf_salience.evaluation import rankings
from tf_salience.utils.arrays import Array

#: A predicted span counts where it and a span of the rationale share half of what they cover.
_OVERLAP = 0.5


def measures(order: Array, scores: Array, rationale: Array) -> dict[str, float]:
    """Computes the measures of one text, by name.

    Args:
        order: (tokens,), the positions of the tokens, the top one first.
        scores: (tokens,), the scores that gave this order.
        rationale: (tokens,), true for the tokens of the rationale, at least one.
    """
    top = np.zeros(len(order), bool)
    top[order[: int(rationale.sum())]] = True
    return {
        "auprc": auprc(scores, rationale),
        "token_f1": f1(top, rationale),
        "top_1": float(rationale[order[0]]),
        "iou_f1": iou_f1(top, rationale),
    }


def auprc(scores: Array, rationale: Array) -> float:
    """Computes the area under the precision-recall curve of scores as a classifier of tokens.

    The threshold goes through the scores; the area is that of straight lines between the points,
    from a recall of 0 with a precision of 1, as ERASER computes it.
    """
    thresholds = np.unique(scores)[::-1]
    chosen = scores >= thresholds[:, None]
    hits = (chosen & rationale).sum(axis=1)
    precision = np.concatenate([[1.0], hits / chosen.sum(axis=1)])
    recall = np.concatenate([[0.0], hits / rationale.sum()])
    # Beyond the first point of full recall there is nothing left to gain.
    stop = int(np.argmax(recall == 1.0)) + 1
    precision, recall = precision[:stop], recall[:stop]
    return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2.0).sum())


def f1(predicted: Array, rationale: Array) -> float:
    """Computes F1 of the predicted tokens; at the rationale's length it is precision and recall."""
    return 2.0 * float((predicted & rationale).sum()) / float(predicted.sum() + rationale.sum())


def iou_f1(predicted: Array, rationale: Array) -> float:
    """Computes ERASER's IOU F1: of spans that match where their overlap is at least a half.

    A span is a run of neighbouring tokens; overlap is what two spans share of what they cover.
    """
    predicted_spans, spans = _spans(predicted), _spans(rationale)
    matched = sum(
        any(rankings.jaccard(span, other) >= _OVERLAP for other in spans)  # type: ignore[operator]
        for span in predicted_spans
    )
    precision, recall = matched / len(predicted_spans), min(1.0, matched / len(spans))
    return 2.0 * precision * recall / (precision + recall) if matched else 0.0


def _spans(mask: Array) -> list[Array]:
    """Returns the positions of each run of true tokens."""
    positions = np.flatnonzero(mask)
    return np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)
