import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tf_salience.reporting import run_texts, token_offsets
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
