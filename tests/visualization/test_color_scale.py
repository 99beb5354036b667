import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.visualization import color_scale

THEMES = {"light": color_scale.LIGHT, "dark": color_scale.DARK}
SCALES = [(theme, signed) for theme in THEMES for signed in (True, False)]

#: Machado et al. 2009, severity 1.0: what each kind of colour blindness makes of linear sRGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def rgb(color):
    """Numbers of 0 to 1 for `#rrggbb`."""
    return [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]


def linear(color):
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color])


def contrast(first, second):
    """WCAG 2's contrast of two colours, written from its definition."""
    lights = [0.05 + linear(rgb(color)) @ [0.2126, 0.7152, 0.0722] for color in (first, second)]
    return max(lights) / min(lights)


def oklab(light):
    """Ottosson's OKLab of linear sRGB, in which distances are about those that are seen."""
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(light, 0, 1))


def test_scores_are_relative_to_the_largest():
    assert color_scale.relative_scores([1.0, -4.0, 0.0]) == [0.25, -1.0, 0.0]
    assert color_scale.relative_scores([0.0, 0.0]) == [0.0, 0.0]
    assert color_scale.relative_scores([]) == []


def test_scores_that_are_compared_share_a_scale():
    rows = [[1.0, -2.0], [4.0], []]
    largest = color_scale.largest_score(rows)
    assert largest == 4.0
    assert color_scale.relative_scores(rows[0], largest) == [0.25, -0.5]
    assert color_scale.largest_score([]) == 0.0


def test_zero_is_the_page_and_the_ends_are_far_from_it():
    for theme in THEMES.values():
        page = color_scale.as_hex(theme.page)
        for signed in (True, False):
            assert color_scale.background(0.0, theme, signed=signed) == page
        for score in (1.0, -1.0):
            assert contrast(color_scale.background(score, theme), page) > 3
        assert contrast(color_scale.background(1.0, theme, signed=False), page) > 3
    assert color_scale.background(1.0) == "#2166ac"
    assert color_scale.background(-1.0) == "#b2182b"
    assert color_scale.background(1.0, signed=False) == "#9a6700"


@pytest.mark.parametrize("theme", THEMES)
def test_the_text_of_the_page(theme):
    theme = THEMES[theme]
    assert contrast(color_scale.as_hex(theme.text), color_scale.as_hex(theme.page)) > 7


@pytest.mark.parametrize(("theme", "signed"), SCALES)
def test_text_is_readable_on_the_whole_scale(theme, signed):
    scores = np.linspace(-1 if signed else 0, 1, 2001)
    lowest = min(
        contrast(
            color_scale.background(score, THEMES[theme], signed=signed),
            color_scale.foreground(score, THEMES[theme], signed=signed),
        )
        for score in scores
    )
    assert lowest >= 4.5


@pytest.mark.parametrize(("theme", "signed"), SCALES)
def test_a_larger_score_is_further_from_the_page(theme, signed):
    page = oklab(linear(rgb(color_scale.as_hex(THEMES[theme].page))))
    for sign in (1, -1) if signed else (1,):
        distances = [
            np.linalg.norm(
                oklab(linear(rgb(color_scale.background(sign * s, THEMES[theme], signed=signed))))
                - page
            )
            for s in np.arange(color_scale.LEVELS + 1) / color_scale.LEVELS
        ]
        assert min(np.diff(distances)) > 0.015


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_three_colours_differ_for_the_colour_blind(theme, blindness):
    for strength in (0.25, 0.5, 1.0):
        seen = [
            oklab(
                np.array(BLINDNESS[blindness])
                @ linear(rgb(color_scale.background(score, THEMES[theme], signed=signed)))
            )
            for score, signed in ((strength, True), (-strength, True), (strength, False))
        ]
        for first, second in itertools.combinations(seen, 2):
            # A difference of 0.02 is seen side by side.
            assert np.linalg.norm(first - second) > 0.02


@pytest.mark.parametrize(("theme", "signed"), SCALES)
def test_the_bar_is_seen_on_the_page_and_on_its_token(theme, signed):
    page = color_scale.as_hex(THEMES[theme].page)
    for score in (0.1, 1.0, *((-0.1, -1.0) if signed else ())):
        bar = color_scale.bar(score, THEMES[theme], signed=signed)
        assert contrast(bar, page) > 4.5
        assert contrast(bar, color_scale.background(score, THEMES[theme], signed=signed)) > 1.5


@given(st.floats(-2, 2))
def test_levels_are_steps_of_the_scale(score):
    level = color_scale.level(score)
    assert abs(level) <= color_scale.LEVELS
    # 0.75 lies between two steps: float64 rounds the difference to a little over half a step.
    assert abs(level - color_scale.LEVELS * max(-1, min(score, 1))) <= 0.5 + 1e-12


@pytest.mark.parametrize(
    ("page", "theme"),
    [("#ffffff", "light"), ("#000000", "dark"), ("#383838", "dark"), ("#f8f8f8", "light")],
)
def test_the_theme_of_a_page(page, theme):
    assert color_scale.theme_of(np.array(rgb(page)) * 255) is THEMES[theme]
