"""Attributions are taken apart and joined example by example."""

import numpy as np
import pytest

from tf_salience.attribution import result
from tf_salience.attribution.result import Attribution


def attribution(examples=4, **fields):
    return Attribution(
        scores=np.arange(3.0 * examples).reshape(examples, 3),
        evaluations=np.arange(examples),
        **fields,
    )


@pytest.mark.parametrize("fields", [{}, {"converged": np.array([True, False, True, True])}])
def test_parts_are_joined_again(fields):
    whole = attribution(**fields)
    parts = [whole.take(np.array([0, 1])), whole.take(np.array([False, False, True, True]))]
    for name, values in vars(result.join(parts)).items():
        np.testing.assert_array_equal(values, getattr(whole, name))


def test_examples_are_taken_in_the_order_of_their_indices():
    taken = attribution().take(np.array([2, 0]))
    assert taken.evaluations.tolist() == [2, 0]
    assert taken.scores.tolist() == [[6, 7, 8], [0, 1, 2]]
    assert taken.error_estimate is None
