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
    [(1.0, color_scale.POSITIVE), (-1.0, color_scale.NEGATIVE), (0.0, (255, 255, 255))],
)
def test_the_ends_and_the_middle_of_the_scale(score, color):
    assert color_scale.background(score) == color


@given(st.floats(-1, 1))
def test_text_is_readable_on_its_background(score):
    background, foreground = color_scale.background(score), color_scale.foreground(score)
    assert abs(sum(background) - sum(foreground)) > 200


def test_hexadecimal():
    assert color_scale.hexadecimal((0, 128, 255)) == "#0080ff"
