import pytest

from tf_salience.visualization import color_scale, terminal

SEGMENTS = {"first": slice(0, 2), "second": slice(2, 3)}


def test_plain_text_has_signs():
    assert terminal.plain(["not", "good"], [-0.5, 0.25]) == "not(-0.5) good(+0.25)"


def test_the_strongest_token_has_the_full_colour():
    text = terminal.colored(["not", "good"], [-0.5, 0.25])
    assert text.plain == "not good"
    full, half = (span.style.bgcolor.name for span in text.spans)
    assert full == color_scale.background(-1.0)
    assert half == color_scale.background(0.5)


def test_zeros_have_no_colour():
    assert terminal.colored(["a", "b"], [0.0, 0.0]).spans == []


def test_several_segments_have_labels():
    tokens, scores = ["<b>", "fine", "film"], [0.1, 0.2, 0.3]
    text = "[first] <b>(+0.1) fine(+0.2) [second] film(+0.3)"
    assert terminal.plain(tokens, scores, SEGMENTS) == text
    assert terminal.colored(tokens, scores, SEGMENTS).plain == "[first] <b> fine [second] film"


@pytest.mark.parametrize(
    "segments", [None, {"first": slice(0, 3)}, {"first": slice(0, 3), "empty": slice(3, 3)}]
)
def test_a_single_segment_with_tokens_has_no_label(segments):
    assert terminal.colored(["a", "b", "c"], [1.0] * 3, segments).plain == "a b c"


def test_the_tokens_of_a_word_are_joined():
    tokens, words = ["[CLS]", "[CLS]", "play", "ing", "loud"], [-1, -1, 0, 0, 1]
    text = terminal.colored(tokens, [0.0] * 5, None, words)
    assert text.plain == "[CLS] [CLS] playing loud"
    assert terminal.plain(tokens, [1.0] * 5, None, words).endswith("play(+1)ing(+1) loud(+1)")
    dim = [text.plain[span.start : span.end] for span in text.spans if span.style == "dim"]
    assert dim == ["[CLS]", "[CLS]"]


@pytest.mark.parametrize("words", [None, []])
def test_no_tokens(words):
    assert terminal.plain([], [], {}, words) == terminal.colored([], [], {}, words).plain == ""


@pytest.mark.parametrize(
    ("term", "is_terminal", "expected"),
    [("xterm-256color", True, True), ("dumb", True, False), ("xterm-256color", False, False)],
)
def test_colours_are_for_terminals_that_show_them(monkeypatch, term, is_terminal, expected):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal, raising=False)
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.has_color() is expected
