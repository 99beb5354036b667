import re

from rich.cells import cell_len

from tf_salience.visualization import matrix_table

TARGETS, TOKENS, SCORES = ["a", "longer"], ["the", "<b>"], [[1.0, -0.5], [0.0, -2.0]]


def test_text_is_aligned_and_zeros_are_dots():
    assert matrix_table.as_text(TARGETS, TOKENS, SCORES).splitlines() == [
        "        the   <b>",
        "a        +1  -0.5",
        "longer    ·    -2",
    ]


def test_html_colours_all_rows_on_one_scale():
    text = matrix_table.as_html(TARGETS, TOKENS, SCORES)
    assert "<th>&lt;b&gt;</th>" in text
    assert "<b>" not in text
    assert re.findall(r"<td(.*?)>(.*?)</td>", text) == [
        (' class="p5" title="+1"', "+1"),
        (' class="n2" title="-0.5"', "-0.5"),
        (' title="+0"', "·"),
        (' class="n10" title="-2"', "-2"),
    ]
    assert 'class="u10" title="+1"' in matrix_table.as_html(["a"], ["b"], [[1.0]], signed=False)


def test_wide_characters_are_aligned():
    lines = matrix_table.as_text(["日本", "a"], ["👩‍👩‍👧‍👦", "e\u0301"], [[1.0, 2.0], [3.0, 0.0]])
    assert [cell_len(line) for line in lines.splitlines()] == [12, 12, 12]


def test_a_table_wider_than_the_terminal_goes_on_below():
    tokens = [f"token{number}" for number in range(10)]
    text = matrix_table.as_text(["a"], tokens, [[float(number) for number in range(10)]], 40)
    blocks = text.split("\n\n")
    assert max(map(len, text.splitlines())) <= 40
    assert [block.splitlines()[0].split() for block in blocks] == [
        tokens[:4],
        tokens[4:8],
        tokens[8:],
    ]
    assert matrix_table.as_text(["a"], tokens, [[0.0] * 10], 3).count("token") == 10
