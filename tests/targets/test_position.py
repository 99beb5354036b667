"""`Position`, on outputs as arrays; tests/models/ explains taggers with it."""

from types import SimpleNamespace

import numpy as np
import pytest

from tf_salience import targets

OUTPUTS = np.arange(24.0).reshape(2, 4, 3)
MASK = np.array([[False, True, True, True], [True, True, False, False]])


def context(**keywords):
    return targets.Context(
        OUTPUTS,
        np.arange(2),
        2,
        predicted_tokens=SimpleNamespace(ids=None, mask=MASK),
        **keywords,
    )


@pytest.mark.parametrize(
    ("position", "columns"), [(None, [1, 0]), (1, [1, 1]), (-1, [3, 1]), ([3, 0], [3, 0])]
)
def test_positions_count_the_real_tokens_from_the_end(position, columns):
    target_indices = targets.Position(position, 2).resolve(context())
    assert target_indices.tolist() == [[column, 2] for column in columns]


def test_a_position_is_split_into_one_target_per_real_token():
    target = targets.Position(target=[0, 2])
    assert isinstance(target, targets.TokenTarget)
    assert not isinstance(targets.Unit(), targets.TokenTarget)
    split = target.token_targets(target.for_all_tokens.resolve(context()), context())
    assert split == [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    assert target.at_columns([1, 2, 0], [0, 0, 1]) == targets.Position(
        [1, 2, 0], targets.Unit([0, 0, 2])
    )


@pytest.mark.parametrize("inner", [targets.Span(), targets.Position(0)])
def test_a_target_at_a_place_within_a_position(inner):
    with pytest.raises(TypeError, match="`target` of a `Position`.*Received: target="):
        targets.get(targets.Position(1, inner))
