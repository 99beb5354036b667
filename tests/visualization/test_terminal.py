import pytest
from rich.cells import cell_len
from rich.text import Text

from tf_salience.visualization import color_scale, terminal

SEGMENTS = {"first": slice(0, 2), "second": slice(2, 3)}


def test_plain_text_has_signs():
    assert terminal.plain(["not", "good"], [-0.5, 0.25]) == "not(-0.5) good(+0.25)"


def test_the_strongest_token_has_the_full_colour():
    text = terminal.colored(["not", "good"], [-0.5, 0.25])
    assert text.plain == "not good"
    full, half = (span.style.bgcolor.name for span in text.spans)
    assert full == color_scale.background(-1.0, color_scale.DARK)
    assert half == color_scale.background(0.5, color_scale.DARK)


@pytest.mark.parametrize(("value", "theme"), [("0;15", "LIGHT"), ("15;0", "DARK"), (None, "DARK")])
def test_the_colours_are_for_the_background_of_the_terminal(monkeypatch, value, theme):
    monkeypatch.delenv("COLORFGBG", raising=False)
    if value is not None:
        monkeypatch.setenv("COLORFGBG", value)
    (span,) = terminal.colored(["good"], [1.0], signed=False).spans
    expected = color_scale.background(1.0, getattr(color_scale, theme), signed=False)
    assert span.style.bgcolor.name == expected


@pytest.mark.parametrize(
    "tokens",
    [
        ["word"] * 50,
        ["日本語", "の", "映画"] * 10,
        ["👩‍👩‍👧‍👦", "👍🏽", "🙂"] * 20,
        ["שלום", "עולם"] * 15,
        ["مرحبا", "بالعالم"] * 12,
        ["e\u0301te\u0301"] * 20,
        ["x" * 100],
    ],
)
@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_lines_are_as_wide_as_the_terminal(monkeypatch, tokens, term):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    scores = [1.0] * len(tokens)
    if terminal.has_color():
        text = terminal.colored(tokens, scores)
        whole = text.plain
    else:
        text = whole = terminal.plain(tokens, scores)
    lines = Text.from_ansi(terminal.wrapped(text)).plain.split("\n")
    assert 20 < max(map(cell_len, lines)) <= 40
    # Nothing is lost, and tokens stay in their order, which the terminal turns where it must.
    assert "".join(lines).replace(" ", "") == whole.replace(" ", "")
    if len(tokens) > 1:
        shown = [token for line in lines for token in line.split()]
        assert shown == whole.split(), "lines break between tokens"


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


def test_no_color_asks_for_numbers(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.has_color()
