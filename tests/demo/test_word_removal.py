import numpy as np
import pytest

from tf_salience.demo.word_removal import WordRemoval


def test_scores_on_the_decisive_word_are_best(trained):
    model, _ = trained
    texts = ["the soup was good", "the film was bad", "good"]
    gold = [np.array([False] * 3 + [True])] * 2 + [np.array([True])]
    removal = WordRemoval(model, texts, gold)
    last = removal.evaluate("last", [np.arange(4.0), np.arange(4.0), np.ones(1)], 1.5)
    first = removal.evaluate("first", [-np.arange(4.0), -np.arange(4.0), np.ones(1)])
    assert (last.name, last.gold_share, last.seconds) == ("last", 1.0, 1.5)
    assert first.gold_share == pytest.approx(1 / 3)
    assert last.drop > first.drop
    chance = removal.evaluate_random(seed=0)
    assert 1 / 3 < chance.gold_share < 1
    assert first.drop < chance.drop < last.drop


def test_without_gold_words_there_is_no_share(trained):
    model, _ = trained
    removal = WordRemoval(model, ["the soup was good"], None)
    assert removal.evaluate_random(seed=0).gold_share is None


def test_a_text_without_tokens_does_not_count(trained):
    model, _ = trained
    scores = [np.arange(4.0), np.zeros(0)]
    drops = [
        WordRemoval(model, texts, None).evaluate("last", scores[: len(texts)]).drop
        for texts in (["the soup was good"], ["the soup was good", ""])
    ]
    assert drops[0] == pytest.approx(drops[1], abs=1e-6)
