import pytest

from tf_salience.visualization import markdown


def cells(table):
    """The rows of a table below its header, split at the bars that are not escaped."""
    rows = table.splitlines()[4:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_bars_point_in_the_direction_of_the_sign():
    good, bad, zero = cells(markdown.table("x", ["good", "bad", "so"], [2.0, -1.0, 0.0]))
    assert good == ["", "good", "█" * 16, "+2"]
    assert bad == ["█" * 8, "bad", "", "-1"]
    assert zero == ["", "so", "", "+0"]


@pytest.mark.parametrize(
    ("token", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("[CLS]", r"\[CLS\]"),
        ("</s>", "&lt;/s&gt;"),
        ("*_#", r"\*\_\#"),
        ("a\nb", r"a\\nb"),
        ("", "␣"),
        ("été", "été"),
    ],
)
def test_tokens_are_escaped(token, escaped):
    (row,) = cells(markdown.table("x", [token], [1.0]))
    assert row[1] == escaped


def test_the_header_is_escaped():
    assert markdown.table("p = 1 · a_b", [], []).splitlines()[0] == r"p = 1 · a\_b"
