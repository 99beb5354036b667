import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.visualization import color_scale


def test_scores_are_relative_to_the_largest():
    assert color_scale.relative_scores([1.0, -4.0, 0.0]) == [0.25, -1.0, 0.0]
    assert color_scale.relative_scores([0.0, 0.0]) == [0.0, 0.0]
    assert color_scale.relative_scores([]) == []


@pytest.mark.parametrize(
    ("score", "color"),
    [(1.0, "#2166ac"), (-1.0, "#b2182b"), (0.0, "#ffffff")],
)
def test_the_ends_and_the_middle_of_the_scale(score, color):
    assert color_scale.background(score) == color


@given(st.floats(-1, 1))
def test_text_is_readable_on_its_background(score):
    background, foreground = (
        sum(bytes.fromhex(color.removeprefix("#")))
        for color in (color_scale.background(score), color_scale.foreground(score))
    )
    assert abs(background - foreground) > 200
