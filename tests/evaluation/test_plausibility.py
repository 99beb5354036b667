"""ERASER's measures of plausibility on a small case, with the arithmetic written out."""

import itertools

import numpy as np
import pytest

from tf_salience.evaluation import plausibility

SCORES = np.array([0.9, 0.1, 0.8, 0.4, 0.3, 0.2])
RATIONALE = np.array([1, 0, 0, 1, 1, 0], bool)


def test_by_hand():
    order = np.argsort(-SCORES)
    measures = plausibility.measures(order, SCORES, RATIONALE)
    # The three top tokens are 0, 2, 3; two of them are in the rationale of three.
    assert measures["token_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert measures["top_1"] == 1.0
    # Spans {0}, {2, 3} beside {0}, {3, 4}: {0} matches, {2, 3} overlaps {3, 4} by 1 of 3.
    assert measures["iou_f1"] == pytest.approx(0.5)
    # By falling threshold: token 0 (recall 1/3, precision 1), 2 (1/3, 1/2), 3 (2/3, 2/3),
    # 4 (1, 3/4); trapezoids from (0, 1).
    area = (1 / 3) * 1 + 0 + (1 / 3) * (1 / 2 + 2 / 3) / 2 + (1 / 3) * (2 / 3 + 3 / 4) / 2
    assert measures["auprc"] == pytest.approx(area)


def test_of_a_perfect_ranking_all_are_1():
    scores = RATIONALE + 0.1 * SCORES
    measures = plausibility.measures(np.argsort(-scores), scores, RATIONALE)
    assert set(measures.values()) == {1.0}


def test_equal_scores_are_one_threshold():
    # All tokens at once: recall 1 at the precision of the rationale's share.
    assert plausibility.auprc(np.zeros(6), RATIONALE) == pytest.approx((1 + 0.5) / 2)


def direct_auprc(scores, rationale):
    points = [(0.0, 1.0)]
    for threshold in sorted(set(scores.tolist()), reverse=True):
        chosen = [s >= threshold for s in scores]
        hits = sum(c and r for c, r in zip(chosen, rationale, strict=True))
        points.append((hits / sum(rationale), hits / sum(chosen)))
        if hits == sum(rationale):
            break
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))


def test_auprc_against_a_direct_version():
    generator = np.random.default_rng(0)
    for _ in range(30):
        scores = generator.integers(0, 6, 12).astype(float)
        rationale = generator.random(12) < 0.4
        if rationale.any():
            expected = direct_auprc(scores, rationale)
            assert plausibility.auprc(scores, rationale) == pytest.approx(expected, abs=1e-12)
