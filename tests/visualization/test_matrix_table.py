from tf_salience.visualization import color_scale, matrix_table

TARGETS, TOKENS, SCORES = ["a", "longer"], ["the", "<b>"], [[1.0, -0.5], [0.0, -2.0]]


def test_text_is_aligned_and_zeros_are_dots():
    assert matrix_table.as_text(TARGETS, TOKENS, SCORES).splitlines() == [
        "        the   <b>",
        "a        +1  -0.5",
        "longer    ·    -2",
    ]


def test_html_colours_each_row_by_its_own_largest_score():
    text = matrix_table.as_html(TARGETS, TOKENS, SCORES)
    assert "<th>&lt;b&gt;</th>" in text
    assert "<b>" not in text
    for score in (1.0, -0.5, -1.0):
        assert text.count(f"background:{color_scale.background(score)}") == 1
