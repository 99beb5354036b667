import numpy as np
import pytest

from tf_salience.evaluation import bootstrap


def test_of_one_example_it_is_the_value():
    assert bootstrap.interval(np.array([3.0])).tolist() == [3.0, 3.0]


def test_it_is_near_the_normal_interval():
    values = np.random.default_rng(0).normal(size=(2, 400))
    low, high = bootstrap.interval(values).T
    half = 1.96 * values.std(axis=1) / np.sqrt(400)
    np.testing.assert_allclose(low, values.mean(axis=1) - half, atol=0.01)
    np.testing.assert_allclose(high, values.mean(axis=1) + half, atol=0.01)


@pytest.mark.slow
def test_it_covers_the_true_mean():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        low, high = bootstrap.interval(generator.normal(2.0, 1.0, 200))
        covered += low <= 2.0 <= high
    assert 0.93 <= covered / 400 <= 0.97
