import math
import random
import statistics

import numpy as np
import pytest

from tf_salience.explanation import word_statistics
from tf_salience.explanation.word_statistics import WordTable


def test_means_and_intervals_are_those_of_numpy():
    rng = random.Random(0)
    scores = {word: [rng.gauss(0, 1) for _ in range(count)] for word, count in [("a", 7), ("b", 2)]}
    tables = {}
    for word, values in scores.items():
        half = len(values) // 2
        for part in (values[:half], values[half:]):  # batch by batch
            names = [word] * len(part)
            word_statistics.add_by_target(
                tables, np.array(["yes"]), names, np.array(part), np.zeros(len(part), int)
            )
    means = {mean.word: mean for mean in tables["yes"].means(1)}
    for word, values in scores.items():
        half = 1.959964 * np.std(values, ddof=1) / np.sqrt(len(values))
        assert means[word].count == len(values)
        assert means[word].mean == pytest.approx(statistics.mean(values))
        assert means[word].low == pytest.approx(np.mean(values) - half, rel=1e-5)
        assert means[word].high == pytest.approx(np.mean(values) + half, rel=1e-5)
        assert means[word].standard_error == pytest.approx(
            statistics.stdev(values) / math.sqrt(len(values)), rel=1e-5
        )


def test_words_are_kept_apart_by_target():
    names, scores, rows = word_statistics.word_scores(
        [["play", "ing", "[SEP]"], ["play"]],
        [np.array([1.0, 2.0, 9.0], np.float32), [4.0]],
        [[0, 0, -1], None],
    )
    assert names == ["playing", "play"]
    assert (scores.tolist(), rows.tolist()) == ([3.0, 4.0], [0, 1])
    tables = {}
    word_statistics.add_by_target(tables, np.array(["yes", "no"]), names, scores, rows)
    assert {name: [mean.word for mean in t.means(1)] for name, t in tables.items()} == {
        "yes": ["playing"],
        "no": ["play"],
    }


def test_the_order_is_that_of_the_means_and_seldom_words_are_left_out():
    table = WordTable()
    table.add(["low", "high", "once"], np.array([[2, 2, 1], [-1.0, 1.0, 9.0], [1.0, 1.0, 81.0]]))
    assert [mean.word for mean in table.means(2)] == ["high", "low"]
