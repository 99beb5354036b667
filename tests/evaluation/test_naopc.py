"""The bounds of AOPC, beside all orders."""

import itertools

import numpy as np
import pytest

from tf_salience.evaluation import naopc


def outputs_of(tables):
    """Outputs that are looked up by text and by the bits of the erased set."""
    return lambda texts, sets: np.array([tables[t][s] for t, s in zip(texts, sets, strict=True)])


def aopc_of(table, order):
    erased, falls = 0, []
    for token in order:
        erased |= 1 << token
        falls.append(table[0] - table[erased])
    return np.mean(falls)


@pytest.mark.parametrize("tokens", [1, 2, 5])
def test_exact_bounds_are_those_of_all_orders(tokens):
    table = np.random.default_rng(tokens).random(1 << tokens)
    all_orders = [aopc_of(table, order) for order in itertools.permutations(range(tokens))]
    ((lowest, highest),) = naopc.bounds(outputs_of([table]), [tokens], beam=1)
    assert lowest == pytest.approx(min(all_orders), abs=1e-12)
    assert highest == pytest.approx(max(all_orders), abs=1e-12)


def test_a_wide_beam_finds_the_exact_bounds():
    table = np.random.default_rng(0).random(1 << 9)
    # Wider than the sets of any size, nothing is ever dropped.
    found = naopc.bounds(outputs_of([table]), [9], beam=126)
    exact = naopc._exact(outputs_of([table]), [0], [9])
    np.testing.assert_allclose(found, exact, atol=1e-12)


def test_a_narrow_beam_finds_less_and_a_linear_model_s_bounds():
    generator = np.random.default_rng(0)
    table = generator.random(1 << 9)
    (narrow,) = naopc.bounds(outputs_of([table]), [9], beam=2)
    (exact,) = naopc._exact(outputs_of([table]), [0], [9])
    assert exact[0] <= narrow[0] < narrow[1] <= exact[1]
    weights = generator.normal(size=12)
    linear = np.array([-(weights @ (s >> np.arange(12) & 1)) for s in range(1 << 12)])
    order = np.argsort(-weights)
    (bounds,) = naopc.bounds(outputs_of([linear]), [12], beam=1)
    assert bounds[1] == pytest.approx(aopc_of(linear, order))
    assert bounds[0] == pytest.approx(aopc_of(linear, order[::-1]))


def test_texts_of_several_lengths_together():
    generator = np.random.default_rng(0)
    lengths = [3, 10, 1, 9]
    tables = [generator.random(1 << length) for length in lengths]
    together = naopc.bounds(outputs_of(tables), lengths, beam=3)
    for text, length in enumerate(lengths):
        alone = naopc.bounds(outputs_of([tables[text]]), [length], beam=3)
        np.testing.assert_allclose(together[text], alone[0])
