from html import unescape

from tf_salience.visualization import color_scale, html


def test_tokens_are_escaped():
    text = html.tokens_html(["<b>", "fine"], [0.1, 0.2])
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_no_tokens():
    assert html.tokens_html([], []) == html.tokens_html([], [], {}, []) == ""


def test_a_token_has_its_colour_and_its_score():
    text = html.tokens_html(["good"], [2.5])
    assert f"background:{color_scale.background(1.0)}" in text
    assert 'title="+2.5"' in text


def test_several_segments_have_labels():
    text = html.tokens_html(["a", "b"], [1.0, 1.0], {"x<y": slice(0, 1), "z": slice(1, 2)})
    assert unescape(text).index("[x<y]") < text.index(">a<") < text.index("[z]") < text.index(">b<")
    assert "x<y" not in text


def test_the_tokens_of_a_word_are_joined_and_special_tokens_are_faint():
    text = html.tokens_html(["[CLS]", "play", "ing"], [0.0, 1.0, 1.0], None, [-1, 0, 0])
    special, play, ing = text.split("<span ")[1:]
    assert special.endswith("</span> ")
    assert play.endswith("</span>")
    assert [("opacity" in span) for span in (special, play, ing)] == [True, False, False]


def test_the_header_of_a_card_is_text_and_its_body_html():
    card = html.card("a < b", "<i>c</i>")
    assert "a &lt; b" in card
    assert "<i>c</i>" in card
