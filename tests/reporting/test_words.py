import random

import numpy as np
import pytest

from tf_salience.reporting import words
from tf_salience.reporting.runs import of_explanation


def test_means_are_those_of_numpy(explanation):
    rng = random.Random(0)
    vocabulary = [f"w{number}" for number in range(6)]
    rows = [
        (tokens := rng.choices(vocabulary, k=5), [rng.gauss(0, 1) for _ in tokens])
        for _ in range(40)
    ]
    classes = [rng.randrange(2) for _ in rows]
    made = explanation(rows, classes=classes)
    found = words.word_means(of_explanation("run", made, 40))
    assert [entry["target"] for entry in found] == ["negative", "positive"]
    for index, entry in enumerate(found):
        scores = {}
        for (tokens, values), row_class in zip(rows, classes, strict=True):
            for token, value in zip(tokens, values, strict=True):
                if row_class == index:
                    scores.setdefault(token, []).append(value)
        assert {row[0] for row in entry["rows"]} == {w for w, v in scores.items() if len(v) > 1}
        means = [row[2] for row in entry["rows"]]
        assert means == sorted(means, reverse=True)
        for word, count, mean, low, high in entry["rows"]:
            half = 1.959964 * np.std(scores[word], ddof=1) / np.sqrt(count)
            assert count == len(scores[word])
            assert mean == pytest.approx(np.mean(scores[word]), abs=1e-6)
            assert (low, high) == pytest.approx((mean - half, mean + half), abs=1e-5)


def test_both_ends_of_many_words(explanation):
    rows = [([f"w{number}"], [number]) for number in range(90) for _ in range(2)]
    (entry,) = words.word_means(of_explanation("run", explanation(rows), len(rows)))
    assert entry["min_count"] == 5
    assert entry["rows"] == [], "twice is too seldom among 180 examples"
    rows = [([f"w{number}" for number in range(90)], range(90))] * 2
    (entry,) = words.word_means(of_explanation("run", explanation(rows), 2))
    assert [row[0] for row in entry["rows"]] == [
        f"w{number}" for number in [*range(89, 69, -1), *range(19, -1, -1)]
    ]


def test_targets_as_many_as_texts_stand_together(explanation):
    rows = [(["same"], [1.0])] * 60
    made = explanation(rows, target_name=[f"log P(word {number})" for number in range(60)])
    (entry,) = words.word_means(of_explanation("run", made, 60))
    assert (entry["target"], entry["rows"][0][1]) == ("all targets", 60)
