import pytest

from tf_salience.reporting import same_texts
from tf_salience.reporting.runs import of_explanation


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["good", "film"], ["good", "film"]),
        (["playing", "cafe"], ["play", "ing", "Café"]),
        (["good", "film"], ["good"]),  # one model cuts long texts
        (["[UNK]", "film"], ["zebra", "film"]),
        (["a", "great", "movie"], ["a", "great", "br", "movie"]),  # one drops HTML
    ],
)
def test_other_tokens_of_the_same_text(explanation, first, second):
    runs = [
        of_explanation(name, explanation([(tokens, [1] * len(tokens))]), 1)
        for name, tokens in (("a", first), ("b", second))
    ]
    same_texts.check_same(runs)


def test_another_text_is_named(explanation):
    rows = [(["good"], [1]), (["soup"], [1])]
    first = of_explanation("before", explanation(rows), 2)
    second = of_explanation("after", explanation([rows[0], (["fish"], [1])]), 2)
    with pytest.raises(ValueError, match=r"example 1 of 'before' is 'soup'.*'after' 'fish'"):
        same_texts.check_same([first, second])


def test_one_tokenizer_spells_a_text_in_one_way(explanation):
    rows = [(["a", "film"], [1, 1])] * 3
    first = of_explanation("a", explanation([*rows, (["a", "good", "film"], [1] * 3)]), 4)
    other = explanation([*rows, (["not", "a", "good", "film"], [1] * 4)])
    with pytest.raises(ValueError, match=r"example 3 of 'a' is 'a good film'"):
        same_texts.check_same([first, of_explanation("b", other, 4)])


def test_another_number_of_examples(explanation):
    first = of_explanation("before", explanation([(["a"], [1])] * 2), 2)
    second = of_explanation("after", explanation([(["a"], [1])]), 1)
    with pytest.raises(ValueError, match="2 examples in 'before' and 1 in 'after'"):
        same_texts.check_same([first, second])
