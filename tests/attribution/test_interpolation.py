"""Integrals between nodes by polynomials through the nodes nearby."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_salience.attribution import adaptive, interpolation
from tf_salience.attribution.interpolation import gap_integrals, gap_starts

NODES = adaptive.first_nodes(np.linspace(-3.0, 3.0, 5))


def node_sets():
    """Returns ascending nodes, of ratios up to 30 between neighbouring gaps."""
    gaps = st.lists(st.floats(0.1, 3.0), min_size=6, max_size=20)
    return gaps.map(lambda values: np.cumsum(values)[None] / np.sum(values))


@pytest.mark.parametrize("degree", range(6))
def test_polynomials_up_to_degree_five_are_exact_in_every_gap(degree):
    integrals = gap_integrals(NODES, NODES[..., None] ** degree)
    starts = gap_starts(NODES)
    exact = (NODES ** (degree + 1) - starts ** (degree + 1)) / (degree + 1)
    np.testing.assert_allclose(integrals.values[..., 0], exact, atol=1e-13)


def test_the_last_change_vanishes_for_cubics_and_all_changes_for_lines():
    cubic = gap_integrals(NODES, NODES[..., None] ** 3)
    np.testing.assert_allclose(cubic.last_changes, 0.0, atol=1e-13)
    assert np.abs(cubic.changes).max() > 1e-4
    line = gap_integrals(NODES, 1.0 + 2.0 * NODES[..., None])
    np.testing.assert_allclose(line.changes, 0.0, atol=1e-13)


def test_the_changes_of_smooth_values_are_about_their_errors_and_the_last_is_small():
    integrals = gap_integrals(NODES, np.exp(NODES)[..., None])
    exact = np.exp(NODES) - np.exp(gap_starts(NODES))
    error = np.abs(integrals.values[..., 0] - exact).sum(axis=1)
    last = np.abs(integrals.last_changes).sum(axis=(1, 2))
    assert (error < last).all()
    assert (last < 0.1 * np.abs(integrals.changes).sum(axis=(1, 2))).all()


@settings(deadline=None)
@given(node_sets(), st.integers(0, 2**31))
def test_an_integral_is_never_far_beyond_the_values(nodes, seed):
    """No polynomial extrapolates: jumps and rounding between close nodes are not multiplied."""
    values = np.random.default_rng(seed).choice([-1.0, 1.0], (*nodes.shape, 3))
    integrals = gap_integrals(nodes, values).values
    widths = nodes - gap_starts(nodes)
    assert (np.abs(integrals) <= interpolation._LARGEST_WEIGHTS * widths[..., None] + 1e-12).all()


def test_two_nodes_that_almost_meet_do_no_harm():
    nodes = np.array([[0.1, 0.3, 0.3 + 1e-12, 0.5, 0.7, 0.9, 1.0]])
    values = np.where(nodes < 0.3 + 1e-13, 0.0, 1.0)[..., None]
    integrals = gap_integrals(nodes, values).values
    np.testing.assert_allclose(integrals.sum(), 0.7, atol=0.1)


def test_a_constant_is_exact_whatever_the_nodes():
    nodes = np.array([[1e-9, 1e-3, 0.5, 0.5000001, 0.6, 0.99, 1.0]])
    integrals = gap_integrals(nodes, np.full((1, 7, 2), 4.0))
    np.testing.assert_allclose(integrals.values.sum(axis=1), [[4.0, 4.0]], rtol=1e-12)


def test_tensors_give_the_same():
    values = np.sin(9 * NODES)[..., None] * [1.0, 2.0]
    traced = tf.function(gap_integrals, autograph=False)
    for tensor, array in zip(
        traced(tf.constant(NODES), tf.constant(values)), gap_integrals(NODES, values), strict=True
    ):
        np.testing.assert_allclose(tensor, array, rtol=1e-9, atol=1e-14)
