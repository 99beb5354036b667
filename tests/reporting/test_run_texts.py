import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tf_salience.reporting import run_texts, same_texts, token_offsets
from tf_salience.reporting.runs import of_explanation

#: A family of three joined by U+200D, a flag of two letters, a letter with a mark, right to left.
HARD = "👩\u200d👩\u200d👧 🇩🇪 e\u0301 שלום \U00020000"


def utf16(text):
    """The code units of a string as JavaScript has them; half a pair stays as it is."""
    return text.encode("utf-16-le", "surrogatepass")


@given(st.text(), st.data())
@example(HARD, None)
def test_offsets_in_code_units_cut_the_same_characters(text, data):
    places = list(range(len(text) + 1))
    if data is not None:
        places = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    offsets = [None, *((min(a, b), max(a, b)) for a in places for b in places)]
    converted = token_offsets.to_utf16(text, offsets)
    assert converted[0] is None
    for (start, stop), (first, last) in zip(offsets[1:], converted[1:], strict=True):
        assert utf16(text)[2 * first : 2 * last] == utf16(text[start:stop])


@pytest.mark.parametrize(
    ("text", "tokens", "special", "cut"),
    [
        ("Good film!", ["good", "film"], [0, 0], ["Good", "film"]),
        ("It isn't, really.", ["it", "isnt", "really"], [0, 0, 0], ["It", "isn't", "really"]),
        ("Café 👍 ok", ["[CLS]", "cafe", "👍", "ok"], [1, 0, 0, 0], [None, "Café", "👍", "ok"]),
        ("a zebra runs", ["a", "[UNK]", "runs"], [0, 0, 0], ["a", "zebra", "runs"]),
        ("other text", ["good", "film"], [0, 0], [None, None]),
    ],
)
def test_offsets_are_found_where_the_tokens_fit(text, tokens, special, cut):
    offsets = token_offsets.matched(text, tokens, list(map(bool, special)))
    assert [offset and text[slice(*offset)] for offset in offsets] == cut


def test_segments_count_in_the_joined_text(explanation):
    made = explanation(
        [(["a", "👍", "b"], [1, 2, 3])],
        segments={"premise": slice(0, 2), "hypothesis": slice(2, 3)},
        offsets=[[(0, 1), (2, 3), (4, 5)]],
    )
    run = of_explanation("run", made, 1)
    texts = run_texts.texts_of({"premise": ["a 👍"], "hypothesis": ["say b"]}, [run])
    assert run_texts.joined(texts[0]) == "a 👍\nsay b"
    (row,) = token_offsets.utf16_offsets(run, texts)
    units = utf16("a 👍\nsay b")
    assert [units[2 * a : 2 * b].decode("utf-16-le") for a, b in row] == ["a", "👍", "b"]
    one_text = run_texts.texts_of(["a 👍 say b"], [run])
    assert token_offsets.utf16_offsets(run, one_text) is None, "where a segment stands is not known"


def test_offsets_beyond_the_text_name_the_example(explanation):
    made = explanation([(["a"], [1]), (["film"], [1])], offsets=[[(0, 1)], [(0, 4)]])
    run = of_explanation("run", made, 2)
    with pytest.raises(ValueError, match=r"texts that were explained.*example 1 'fi'"):
        token_offsets.utf16_offsets(run, [["a"], ["fi"]])


def test_texts_in_another_order_name_the_example(explanation):
    rows = [(["isnt", "bad"], [1, 2]), (["cafe", "[UNK]"], [1, 2])]
    run = of_explanation("run", explanation(rows, offsets=[[(0, 5), (6, 9)], [(0, 4), (5, 9)]]), 2)
    texts = [["Isn't bad"], ["Café noir"]]
    assert token_offsets.utf16_offsets(run, texts) is not None
    with pytest.raises(ValueError, match=r"in their order\. .*example 0 'Café noir', whose tokens"):
        token_offsets.utf16_offsets(run, texts[::-1])


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["one"], ValueError, r"`texts` must have one value for each example\. Received: 1 for 2"),
        (["one", 2], TypeError, r"Received: 2 \(of type int\) for example 1"),
        (3, TypeError, r"`texts` must be a list.*Received: 3"),
        ("text", ValueError, r"`texts` as a string must be a column.*Received: texts='text'"),
        ((["a", "b"], ["c"]), ValueError, "Received: 1 for 2"),
    ],
)
def test_texts_are_checked(explanation, texts, error, message):
    run = of_explanation("run", explanation([(["a"], [1]), (["b"], [1])]), 2)
    with pytest.raises(error, match=message):
        run_texts.texts_of(texts, [run])


def test_texts_of_tensorflow_are_bytes(explanation):
    run = of_explanation("run", explanation([(["é"], [1]), (["b"], [1])]), 2)
    assert run_texts.texts_of(np.array(["é".encode(), b"b"], object), [run]) == [["é"], ["b"]]


def test_values_of_all_examples_or_of_those_that_a_limit_has_left(explanation):
    run = of_explanation("run", explanation([(["a"], [1]), (["b"], [1])]), 5)
    assert run_texts.aligned("labels", np.arange(5), [run]) == [0, 1]
    assert run_texts.aligned("labels", [7, 8], [run]) == [7, 8]
    with pytest.raises(ValueError, match="3 for 5 examples"):
        run_texts.aligned("labels", [7, 8, 9], [run])


class TestSameTexts:
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
    def test_other_tokens_of_the_same_text(self, explanation, first, second):
        runs = [
            of_explanation(name, explanation([(tokens, [1] * len(tokens))]), 1)
            for name, tokens in (("a", first), ("b", second))
        ]
        same_texts.check_same(runs)

    def test_another_text_is_named(self, explanation):
        rows = [(["good"], [1]), (["soup"], [1])]
        first = of_explanation("before", explanation(rows), 2)
        second = of_explanation("after", explanation([rows[0], (["fish"], [1])]), 2)
        with pytest.raises(ValueError, match=r"example 1 of 'before' is 'soup'.*'after' 'fish'"):
            same_texts.check_same([first, second])

    def test_one_tokenizer_spells_a_text_in_one_way(self, explanation):
        rows = [(["a", "film"], [1, 1])] * 3
        first = of_explanation("a", explanation([*rows, (["a", "good", "film"], [1] * 3)]), 4)
        other = explanation([*rows, (["not", "a", "good", "film"], [1] * 4)])
        with pytest.raises(ValueError, match=r"example 3 of 'a' is 'a good film'"):
            same_texts.check_same([first, of_explanation("b", other, 4)])

    def test_another_number_of_examples(self, explanation):
        first = of_explanation("before", explanation([(["a"], [1])] * 2), 2)
        second = of_explanation("after", explanation([(["a"], [1])]), 1)
        with pytest.raises(ValueError, match="2 examples in 'before' and 1 in 'after'"):
            same_texts.check_same([first, second])
