import numpy as np
import rich.console


def test_text_has_a_header_and_signed_scores(make_explanation):
    header, body = str(make_explanation()[0]).split("\n")
    assert body == "not(-0.5) good(+0.25)"
    assert header.startswith("positive = 0.7 · baseline 0.95 · integrated_gradients at words")
    assert "delta +1e-09 · error 0.001" in header
    assert "NOT CONVERGED" not in header


def test_the_header_says_that_an_example_did_not_converge(make_explanation):
    assert make_explanation()[1].header.endswith("NOT CONVERGED")


def test_the_header_leaves_out_what_the_method_does_not_have(make_explanation):
    names = ["baseline_output", "convergence_delta", "error_estimate", "converged"]
    header = make_explanation(**dict.fromkeys(names))[0].header
    assert header == "positive = 0.7 · integrated_gradients at words"


def test_colours_in_a_terminal(make_explanation, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = str(make_explanation()[0])
    assert "\x1b[" in text
    assert "not" in text


def test_a_terminal_without_colours_shows_numbers(make_explanation, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert "good(+0.25)" in str(make_explanation()[0])


def test_segments_are_labelled_in_each_view(make_explanation):
    salience = make_explanation()[1]
    assert str(salience).endswith("[first] <b>(+0.1) fine(+0.2) [second] film(+0.3)")
    assert salience._repr_html_().index("[first]") < salience._repr_html_().index("[second]")
    console = rich.console.Console(width=80)
    with console.capture() as capture:
        console.print(salience)
    assert capture.get().rstrip() == "[first] <b> fine [second] film"


def test_subwords_are_joined_in_each_view(subwords):
    assert str(subwords[0]).endswith("play(+1)ing(-0.25) [b] loud(+2)")
    assert subwords[0].__rich__().plain == "[a] [CLS] playing [b] loud"


def test_html_escapes_tokens(make_explanation):
    text = make_explanation()[1]._repr_html_()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_salience_on_padding_is_in_each_view(make_explanation):
    scores = np.array([[-0.5, 0.25, -0.5, -0.75], [0.1, 0.2, 0.3, 0.0]], np.float32)
    first, second = make_explanation(scores=scores)
    assert first.padding_salience == -1.25
    assert first.padding_share == 0.625
    for text in (str(first), repr(first), first._repr_html_()):
        assert "padding -1.2, 62.5 %" in text
    assert second.padding_salience == second.padding_share == 0.0
    assert "padding" not in str(second)


def test_rounding_on_padding_is_not_shown(make_explanation):
    scores = np.array([[-0.5, 0.25, 1e-7, 0.0], [0.0, 0.0, 0.0, 0.0]], np.float32)
    explanation = make_explanation(scores=scores)
    assert "padding" not in str(explanation)
    assert explanation.padding_share[1] == 0.0
