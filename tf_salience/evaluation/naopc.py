"""NAOPC: a ranking's AOPC between that of the worst and that of the best order of the tokens.

A model that leans on one word has steep curves for every ranking, one that leans on all words flat
ones, so AOPC of two models cannot be compared. NAOPC (Edin et al. 2025, "Normalized AOPC", ACL)
is 0 for the worst order and 1 for the best, of each text by itself.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tf_salience.utils.arrays import Array

#: Texts of so many tokens at most have their bounds found among all orders.
EXACT_TOKENS = 8

#: The example of each row, (rows,), and the tokens that it erases as bits of a Python integer, to
#: the output of each row, (rows,).
Outputs = Callable[[Sequence[int], Sequence[int]], Array]


def bounds(outputs: Outputs, lengths: Sequence[int], beam: int) -> Array:
    """Finds the lowest and the highest AOPC of any order of each text, (texts, 2).

    Args:
        outputs: the model's outputs with sets of tokens erased.
        lengths: (texts,), the number of tokens of each, at least 1.
        beam: the number of partial orders that are kept at each length; for texts of more than
            `EXACT_TOKENS` tokens, whose bounds are estimates from inside.
    """
    lowest_highest = np.zeros((len(lengths), 2))
    short = [text for text, length in enumerate(lengths) if length <= EXACT_TOKENS]
    long = [text for text, length in enumerate(lengths) if length > EXACT_TOKENS]
    if short:
        lowest_highest[short] = _exact(outputs, short, [lengths[text] for text in short])
    if long:
        lowest_highest[long] = _by_beam_search(
            outputs, long, [lengths[text] for text in long], beam
        )
    return lowest_highest


def _exact(outputs: Outputs, texts: Sequence[int], lengths: Sequence[int]) -> Array:
    """Finds the bounds by dynamic programming over all subsets of the tokens.

    The sum along an order is that of its prefixes as sets, so the best order of a set ends with one
    of its tokens after the best order of the others.
    """
    rows = [
        (text, s) for text, length in zip(texts, lengths, strict=True) for s in range(1 << length)
    ]
    values = outputs([text for text, _ in rows], [subset for _, subset in rows])
    bounds_of_texts, start = [], 0
    for length in lengths:
        falls = values[start] - values[start : start + (1 << length)]
        start += 1 << length
        best = np.zeros((1 << length, 2))
        for subset in range(1, 1 << length):
            before = [best[subset & ~(1 << t)] for t in range(length) if subset >> t & 1]
            best[subset] = np.min(before, axis=0)[0], np.max(before, axis=0)[1]
            best[subset] += falls[subset]
        bounds_of_texts.append(best[-1] / length)
    return np.array(bounds_of_texts)


def _by_beam_search(
    outputs: Outputs, texts: Sequence[int], lengths: Sequence[int], beam: int
) -> Array:
    """Finds bounds by beam search, all texts at the same length of their orders at once."""
    whole = outputs(texts, [0] * len(texts))
    sums = np.zeros((len(texts), 2))
    # The sets that are erased so far and their sums, for the lowest and the highest.
    beams: list[list[dict[int, float]]] = [[{0: 0.0}, {0: 0.0}] for _ in texts]
    for step in range(1, max(lengths) + 1):
        active = [number for number, length in enumerate(lengths) if length >= step]
        grown = {number: [_grown(b, lengths[number]) for b in beams[number]] for number in active}
        rows = [
            (number, s) for number in active for s in sorted(grown[number][0] | grown[number][1])
        ]
        values = outputs([texts[number] for number, _ in rows], [subset for _, subset in rows])
        falls = {row: float(whole[row[0]] - value) for row, value in zip(rows, values, strict=True)}
        for number in active:
            for side, sign in enumerate((1, -1)):
                totals = {
                    subset: _best(beams[number][side], subset, sign) + falls[number, subset]
                    for subset in grown[number][side]
                }
                kept = sorted(totals, key=lambda subset: (sign * totals[subset], subset))[:beam]
                beams[number][side] = {subset: totals[subset] for subset in kept}
                if step == lengths[number]:
                    sums[number, side] = totals[kept[0]] / lengths[number]
    return sums


def _grown(beam: dict[int, float], length: int) -> set[int]:
    """Returns the sets with one more token than those of a beam."""
    return {subset | 1 << t for subset in beam for t in range(length) if not subset >> t & 1}


def _best(beam: dict[int, float], subset: int, sign: int) -> float:
    """Returns the best sum of the sets of a beam that lack one token of a set."""
    sums = [total for before, total in beam.items() if before & ~subset == 0]
    return sign * min(sign * total for total in sums)
