import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.demo import grammar
from tf_salience.demo.grammar import make_sentence, make_sentences

NEGATIONS = {"not", "never", "hardly", "longer"}
#: The negative and the positive words.
POLAR_WORDS = [
    {word for topic in grammar.TOPICS for word in getattr(topic, name)}
    | set(grammar.SHARED_ADJECTIVES[polarity])
    | {form for forms in grammar.VERBS[polarity] for form in forms}
    for polarity, name in enumerate(grammar.CLASS_NAMES)
]


@given(st.integers(0, 10_000))
def test_the_gold_words_give_the_label(seed):
    """The gold words alone decide the label for a reader who knows that negation flips."""
    sentence = make_sentence(random.Random(seed))
    words = sentence.text.split(" ")
    assert sentence.text == " ".join(words) == sentence.text.lower()
    assert len(words) == len(sentence.gold)
    is_negated, polarities = False, []
    for word, is_gold in zip(words, sentence.gold, strict=True):
        if is_gold and word in NEGATIONS:
            is_negated = True
        elif is_gold and word != "no":
            assert word in POLAR_WORDS[0] | POLAR_WORDS[1]
            polarities.append((word in POLAR_WORDS[grammar.POSITIVE]) != is_negated)
            is_negated = False
    assert polarities
    assert set(polarities) == {bool(sentence.label)}


@given(st.integers(0, 10_000))
def test_of_two_clauses_the_deciding_one_is_gold(seed):
    sentence = make_sentence(random.Random(seed))
    words = sentence.text.split()
    gold = [position for position, is_gold in enumerate(sentence.gold) if is_gold]
    if "but" in words:
        assert min(gold) > words.index("but")
    if "although" in words and min(gold) < words.index("although"):
        assert max(gold) < words.index("although")


def test_sentences_repeat_with_the_seed_and_never_within_a_list():
    sentences = make_sentences(2000, seed=3)
    assert sentences == make_sentences(2000, seed=3)
    assert sentences != make_sentences(2000, seed=4)
    assert len({sentence.text for sentence in sentences}) == 2000
    assert len({word for sentence in sentences for word in sentence.text.split()}) > 150
    assert 0.45 < np.mean([sentence.label for sentence in sentences]) < 0.55
    with pytest.raises(ValueError, match="count=-1"):
        make_sentences(-1, seed=0)


def test_no_single_word_gives_the_label_away():
    sentences = make_sentences(6000, seed=1)
    labels = np.array([sentence.label for sentence in sentences])
    occurrences = {}
    for row, sentence in enumerate(sentences):
        for word in sentence.text.split():
            occurrences.setdefault(word, np.zeros(len(sentences), bool))[row] = True
    for word, rows in occurrences.items():
        if rows.sum() >= 100:
            assert 0.2 < labels[rows].mean() < 0.8, word


def test_a_bag_of_words_does_not_predict_the_label():
    sentences = make_sentences(4000, seed=2)
    words = sorted({word for sentence in sentences for word in sentence.text.split()})
    column = {word: number for number, word in enumerate(words)}
    bags = np.zeros((len(sentences), len(words) + 1))
    bags[:, -1] = 1.0
    for row, sentence in enumerate(sentences):
        for word in sentence.text.split():
            bags[row, column[word]] = 1.0
    signs = np.array([2.0 * sentence.label - 1.0 for sentence in sentences])
    train, test = slice(0, 3500), slice(3500, None)
    # Ridge regression: the best linear classifier of the words in closed form.
    gram = bags[train].T @ bags[train] + 10.0 * np.eye(bags.shape[1])
    weights = np.linalg.solve(gram, bags[train].T @ signs[train])
    accuracy = np.mean(np.sign(bags[test] @ weights) == signs[test])
    assert accuracy < 0.75
