"""The node off the nested grid, and the interpolants that are compared with the gradient there."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.attribution import check_node, quadrature

RULE = quadrature.clenshaw_curtis(64)
INTERVALS = np.array(RULE.sizes) - 1.0
OUTPUTS = np.concatenate([np.linspace(-9.0, 9.0, 181), [1e-30, 0.9999, 0.99999, 1e6, -1e30]])


def place_in_interval(angles, intervals):
    """The place of the nodes between two neighbours of a level, as angles: from 0 to 1."""
    return angles * 2 * intervals / np.pi % 1.0


def test_nodes_are_in_the_path_and_off_the_first_levels():
    angles = check_node.angles(OUTPUTS)
    nodes = check_node.nodes(angles)
    assert ((nodes > 0) & (nodes < 1)).all()
    for intervals in (4, 8, 16):
        place = place_in_interval(angles, intervals)
        assert np.minimum(place, 1 - place).min() > 0.09


def test_nodes_differ_between_examples_all_over_the_path():
    nodes = check_node.nodes(check_node.angles(OUTPUTS[OUTPUTS >= 0]))
    assert len(set(nodes.round(6).tolist())) > 0.9 * len(nodes)
    assert nodes.min() < 0.05
    assert nodes.max() > 0.9


@pytest.mark.parametrize("base", [0.0, 0.25, 0.9999, -3.0, 12.0])
def test_rounding_hardly_moves_a_node(base):
    outputs = base * (1 + 1e-7 * np.array([-1.0, 0.0, 1.0]))
    assert np.ptp(check_node.nodes(check_node.angles(outputs))) < 1e-4


def test_tensors_have_the_same_nodes_and_weights():
    angles, tensors = check_node.angles(OUTPUTS), check_node.angles(tf.constant(OUTPUTS))
    np.testing.assert_allclose(tensors, angles, rtol=1e-9)
    np.testing.assert_allclose(check_node.nodes(tensors), check_node.nodes(angles), rtol=1e-9)
    weights, of_tensors = (
        check_node.interpolation_weights(values, RULE.nodes, RULE.signs, INTERVALS)
        for values in (angles[:4], tf.constant(angles[:4]))
    )
    np.testing.assert_allclose(of_tensors, weights, atol=1e-12)


@given(st.lists(st.floats(0.01, 1.55), min_size=1, max_size=4))
def test_a_level_of_n_nodes_interpolates_polynomials_up_to_degree_n_minus_1(angles):
    angles = np.array(angles)
    weights = check_node.interpolation_weights(angles, RULE.nodes, RULE.signs, INTERVALS)
    assert weights.shape == (len(angles), len(INTERVALS), len(RULE.nodes))
    for level, size in enumerate(RULE.sizes):
        assert not weights[:, level, size:].any()
        for degree in {0, 1, 2, size // 2, size - 1}:
            interpolated = weights[:, level] @ RULE.nodes**degree
            np.testing.assert_allclose(interpolated, check_node.nodes(angles) ** degree, atol=1e-9)


def test_weights_of_some_nodes_are_those_of_all():
    angles = check_node.angles(OUTPUTS[:3])
    weights = check_node.interpolation_weights(angles, RULE.nodes, RULE.signs, INTERVALS)
    part = check_node.interpolation_weights(
        angles, RULE.nodes[9:17], RULE.signs[:, 9:17], INTERVALS
    )
    np.testing.assert_array_equal(part, weights[:, :, 9:17])
