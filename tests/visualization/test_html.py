import re
from html import unescape

import pytest

from tf_salience.visualization import color_scale, html


def test_tokens_are_escaped():
    text = html.tokens_html(["<b>", "fine"], [0.1, 0.2])
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_no_tokens():
    assert html.tokens_html([], []) == html.tokens_html([], [], {}, []) == ""


def test_a_token_has_the_step_of_its_score_and_the_number():
    text = html.tokens_html(["good", "dull", "a"], [2.5, -1.25, 0.1])
    assert 'class="p10" title="+2.5">good<' in text
    assert 'class="n5" title="-1.25">dull<' in text
    assert '<span title="+0.1">a<' in text, "the smallest scores have the colours of the page"
    assert 'class="u10"' in html.tokens_html(["good"], [2.5], signed=False)
    assert 'class="p5"' in html.tokens_html(["good"], [2.5], largest=5.0)


@pytest.mark.parametrize(("letter", "sign", "signed"), [("p", 1, 1), ("n", -1, 1), ("u", 1, 0)])
def test_each_step_has_a_colour_in_both_themes_and_a_bar_of_its_own(letter, sign, signed):
    style = html.with_style("")
    heights = []
    for level in range(1, color_scale.LEVELS + 1):
        (rule,) = re.findall(rf" \.{letter}{level}\{{(.*?)\}}", style)
        colors = [
            color_scale.background(sign * level / color_scale.LEVELS, theme, signed=bool(signed))
            for theme in (color_scale.LIGHT, color_scale.DARK)
        ]
        assert f"background:light-dark({','.join(colors)})" in rule
        heights.append(float(re.search(r"border-bottom:([\d.]+)px", rule)[1]))
        assert ("dashed" in rule) == (sign < 0), "against is seen without colour"
    assert heights == sorted(set(heights))


def test_several_segments_have_labels():
    text = html.tokens_html(["a", "b"], [1.0, 1.0], {"x<y": slice(0, 1), "z": slice(1, 2)})
    assert unescape(text).index("[x<y]") < text.index(">a<") < text.index("[z]") < text.index(">b<")
    assert "x<y" not in text


def test_the_tokens_of_a_word_are_joined_and_special_tokens_are_isolated():
    text = html.tokens_html(["[CLS]", "play", "ing"], [0.0, 1.0, 1.0], None, [-1, 0, 0])
    special, play, ing = re.split(r"(?<=</span>)|(?<=</bdi>)", text)[:3]
    # `[CLS]` must not tell the direction of a Hebrew sentence.
    assert special == '<bdi class="x" title="+0">[CLS]</bdi>'
    assert (play[-11:], ing[:5]) == ("play</span>", "<span")
    assert text.startswith(f"{special} <span")


def test_the_header_of_a_card_is_text_and_its_body_html():
    card = html.card("a < b", "<i>c</i>")
    assert "a &lt; b" in card
    assert "<i>c</i>" in card
    assert ">&nbsp;against&nbsp;<" in card
    assert "against" not in html.card("a", "", signed=False)
    assert "checkbox" in card
    assert "checkbox" not in html.card("a", "", has_numbers=True)
    assert "&nbsp;" not in html.card("a", "", signed=None)


def test_every_rule_is_under_the_class_of_the_cards():
    document = html.with_style(html.card("a", ""))
    style, rest = document.removeprefix("<style>").split("</style>")
    (name,) = re.findall(r'<div class="(tfs-\w+)">', rest)
    for selector in re.findall(r"([^{}]+)\{", style):
        assert f".{name}" in selector
    assert not re.search(r"url\(|@import|https?:|<script|@|&", style)


def test_thousands_of_tokens_stay_small():
    text = html.tokens_html(["word"] * 5000, [(-1) ** i * i for i in range(5000)])
    assert len(text) < 60 * 5000
