"""`Span`, on outputs as arrays; tests/models/ explains language models with it."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tf_salience import targets

IDS = np.array([[0, 3, 1, 4], [2, 4, 0, 0]])
MASK = np.array([[False, True, True, True], [True, True, False, False]])
OUTPUTS = np.random.default_rng(0).standard_normal((2, 4, 5))
LOG_PROBABILITIES = OUTPUTS - np.log(np.exp(OUTPUTS).sum(-1, keepdims=True))


def context(**keywords):
    segment = SimpleNamespace(ids=IDS, mask=MASK)
    return targets.Context(OUTPUTS, np.arange(2), 2, predicted_tokens=segment, **keywords)


def score(target, **keywords):
    target_indices = target.resolve(context(**keywords))
    return target.score(tf.constant(OUTPUTS), tf.constant(target_indices)).numpy()


@pytest.mark.parametrize(
    ("target", "spans", "stretches"),
    [
        (targets.Span(), None, [(2, 4), (1, 2)]),
        (targets.Span(start=-1), None, [(3, 4), (1, 2)]),
        (targets.Span(start=[2, 1], stop=[3, 2]), None, [(2, 3), (1, 2)]),
        (targets.Span("text"), np.array([[3, 4], [1, 2]]), [(3, 4), (1, 2)]),
    ],
)
def test_the_score_is_the_sum_of_log_probabilities(target, spans, stretches):
    expected = [
        sum(LOG_PROBABILITIES[row, column - 1, IDS[row, column]] for column in range(*stretch))
        for row, stretch in enumerate(stretches)
    ]
    np.testing.assert_allclose(score(target, spans=spans), expected, rtol=1e-12)


def test_alternatives_by_id_and_by_text():
    difference = [
        LOG_PROBABILITIES[row, column - 1, IDS[row, column]]
        - LOG_PROBABILITIES[row, column - 1, alternative]
        for row, (column, alternative) in enumerate([(3, 2), (1, 0)])
    ]
    by_id = score(targets.Span(start=-1, rather_than=[2, 0]))
    np.testing.assert_allclose(by_id, difference, rtol=1e-12)
    vocabulary = {"two": [2], "zero": [0]}
    by_text = targets.Span(start=-1, rather_than=["two", "zero"])
    np.testing.assert_array_equal(score(by_text, encode_text=vocabulary.get), by_id)


def test_names():
    target = targets.Span(start=-1, rather_than=2)
    target_indices = target.resolve(context())[0]
    assert target.name(target_indices, context()) == "log P(4) − log P(2)"
    named = context(detokenize=lambda ids: f"<{ids.tolist()}>")
    assert targets.Span().name(targets.Span().resolve(named)[0], named) == "log P(<[1, 4]>)"


def test_a_span_is_split_into_one_target_per_predicted_token():
    target = targets.Span(rather_than=[1, 3])
    assert isinstance(target, targets.TokenTarget)
    split = targets.Span().token_targets(targets.Span().resolve(context()), context())
    assert split == [(0, 2), (0, 3), (1, 1)]
    assert target.at_columns([2, 3, 1], [0, 0, 1]) == targets.Span(
        start=[2, 3, 1], stop=[3, 4, 2], rather_than=[1, 1, 3]
    )
